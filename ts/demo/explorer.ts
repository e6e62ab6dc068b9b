// SPDX-License-Identifier: MIT
/** The page that shows what event loops do while they do it. */
import { grouped } from '../bench/units.js';
import { time } from './explorer/draw.js';
import { Loops, type Polling } from './explorer/loops.js';
import { STATES, type Lane, type Totals } from './explorer/timeline.js';
import { download, TimeWindow, type Source } from './explorer/window.js';
import { find, isIsolated, readAddress, say, tell, valueOf, writeAddress } from './page.js';

/** The workloads, with their numbers in workloads.c. */
const WORKLOADS: readonly [string, string, string][] = [
  ['ping-pong', 'Ping-pong', 'Two loops send a bottom half to each other, 16 times a round: each hop wakes the other loop, unless it polls.'],
  ['fan-out', 'Fan-out', 'The page asks all threads at once, and begins the next round when all have answered.'],
  ['flood', 'Flood', 'Everybody schedules bottom halves in the first thread, 32 at a time: of these wake-ups only the first is needed.'],
  ['timers', 'Timers', 'Each loop has five timers that expire at random times; it sleeps until the next is due.'],
  ['pipeline', 'Pipeline', 'Eight items go from loop to loop through pipes, and back to the page. A handler reads each pipe when its notifier is set, or when polling finds something in it.'],
  ['wander', 'Wandering coroutines', 'Four coroutines move to a loop by chance, do some work there, and move on, with the same stack in another thread.'],
];
const FIGURES_MS = 1000;

const controls = ['workload', 'threads', 'rate', 'poll-max-ns', 'poll-grow', 'poll-shrink'] as const;

let loops: Loops;
let running = false;
const shown = (): Source | undefined => (running ? { shown: loops.timeline, now: loops.now, last: loops.timeline.last, read: () => loops.read() } : undefined);
const timeWindow = new TimeWindow(shown, 2000, writeSettings);

// ---- Settings

function readSettings(): void {
  timeWindow.span = Number(readAddress(controls).get('span'));
}

function writeSettings(): void {
  writeAddress(controls, { span: String(timeWindow.span) });
}

const polling = (): Polling => ({ pollMaxNs: Number(valueOf('poll-max-ns')), pollGrow: Number(valueOf('poll-grow')), pollShrink: Number(valueOf('poll-shrink')) });

function save(): void {
  loops.read();
  say(download(loops.save(), valueOf('workload')));
}

// ---- Figures

interface Seen {
  now: number;
  states: number[];
  totals: Totals;
}
let seen = new Map<Lane, Seen>();

function percentile(lane: Lane, share: number): string {
  const sorted = lane.latencies.slice(-2000).sort((a, b) => a - b);
  return sorted.length === 0 ? '–' : time(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!);
}

function row(lane: Lane, before: Seen | undefined, { now, states, totals }: Seen): HTMLTableRowElement {
  const seconds = Math.max(1e-6, (now - (before?.now ?? 0)) / 1e6);
  const spent = states.map((us, n) => Math.max(0, us - (before?.states[n] ?? 0)));
  const sum = Math.max(1, spent.reduce((all, us) => all + us, 0));
  const shares = spent.map((us) => (100 * us) / sum);
  const rate = (key: Exclude<keyof Totals, 'states'>): string => grouped((totals[key] - (before?.totals[key] ?? 0)) / seconds);
  const percent = (n: number): string => `${shares[n]! > 0 && shares[n]! < 1 ? '<1' : Math.round(shares[n]!)} %`;
  const isPage = lane === loops.timeline.lanes[0];
  const tr = document.createElement('tr');
  const heads = [...find<HTMLTableElement>('loops').tHead!.rows[0]!.cells].map((cell) => cell.textContent ?? '');
  const texts = [lane.name, isPage ? `${percent(0)} working` : [0, 1, 2].map(percent).join(', '), rate('iterations'), rate('callbacks'), rate('woken'), rate('saved'), percentile(lane, 0.5), percentile(lane, 0.99)];
  for (const [n, text] of texts.entries()) {
    const cell = tr.insertCell();
    cell.textContent = text;
    if (n > 0) cell.dataset['of'] = heads[n];
    if (n !== 1) continue;
    const bar = document.createElement('div');
    bar.className = 'shares';
    bar.ariaHidden = 'true';
    bar.append(...shares.map((share, state) => {
      const part = document.createElement('i');
      part.className = STATES[state]!;
      part.style.width = `${share}%`;
      return part;
    }));
    const both = document.createElement('div');
    both.append(text, bar);
    cell.replaceChildren(both);
  }
  return tr;
}

function figures(): void {
  if (!running || timeWindow.paused) return;
  const { lanes, lost } = loops.timeline;
  const now = loops.now;
  const next = new Map(lanes.map((lane): [Lane, Seen] => [lane, { now, states: lane.statesAt(now), totals: { ...lane.totals } }]));
  find<HTMLTableElement>('loops').tBodies[0]!.replaceChildren(...lanes.map((lane) => row(lane, seen.get(lane), next.get(lane)!)));
  seen = next;
  say(lost ? `Running. The loops do more than this page can read: ${grouped(lost)} events are not shown.` : 'Running.');
}

// ---- Running

/** What is to be done after what is being done. */
let tasks = Promise.resolve();

function fail(error: unknown): void {
  running = false;
  tell(error);
}

function begin(): void {
  writeSettings();
  const n = WORKLOADS.findIndex(([id]) => id === valueOf('workload'));
  find('about').textContent = WORKLOADS[n]![2];
  tasks = tasks.then(async () => {
    running = false;
    find<HTMLTableElement>('loops').tBodies[0]!.replaceChildren();
    await loops.run(n, Number(valueOf('threads')), Number(valueOf('rate')), polling());
    seen = new Map();
    running = true;
    timeWindow.pause(false);
  }).catch(fail);
}

function setPolling(): void {
  writeSettings();
  tasks = tasks.then(async () => {
    await loops.poll(polling());
    for (const lane of loops.timeline.lanes) lane.latencies = [];
    seen = new Map(loops.timeline.lanes.map((lane) => [lane, { now: loops.now, states: lane.statesAt(loops.now), totals: { ...lane.totals } }]));
  }).catch(fail);
}

function listen(): void {
  for (const id of ['workload', 'threads', 'rate'] as const) find(id).addEventListener('change', begin);
  for (const id of ['poll-max-ns', 'poll-grow', 'poll-shrink'] as const) find(id).addEventListener('change', setPolling);
  find('export').addEventListener('click', save);
  timeWindow.listen();
  addEventListener('hashchange', () => {
    readSettings();
    begin();
  });
  setInterval(figures, FIGURES_MS);
}

find<HTMLSelectElement>('workload').append(...WORKLOADS.map(([id, title]) => new Option(title, id)));
find<HTMLSelectElement>('threads').append(...Array.from({ length: 8 }, (_, n) => new Option(String(n + 1), String(n + 1), n === 2, n === 2)));
readSettings();
if (isIsolated()) {
  Loops.start().then((started) => {
    loops = started;
    listen();
    begin();
  }, tell);
}
