// SPDX-License-Identifier: MIT
/** The page that shows what event loops do while they do it. */
import { grouped } from '../bench/units.js';
import { call, Drawing, time, type Found, type View } from './explorer/draw.js';
import { Loops, type Polling } from './explorer/loops.js';
import { STATES, type Lane, type Totals } from './explorer/timeline.js';
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
const SPANS = [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1e6, 2e6, 5e6, 1e7];
/** Shorter windows than this are shown as snapshots, one after the other. */
const SMOOTH_US = 1e6;
const SNAPSHOT_MS = matchMedia('(prefers-reduced-motion: reduce)').matches ? 2000 : 400;
const FIGURES_MS = 1000;

const canvas = find<HTMLCanvasElement>('timeline');
const controls = ['workload', 'threads', 'rate', 'poll-max-ns', 'poll-grow', 'poll-shrink'] as const;

let loops: Loops;
const drawing = new Drawing(canvas);
const view: View = { start: 0, span: 2000 };
let paused = false;
/** What `view` shows is the end of what is known, and nothing newer. */
let shownNow = 0;

// ---- Settings

function readSettings(): void {
  const span = Number(readAddress(controls).get('span'));
  if (SPANS.includes(span)) view.span = span;
}

const writeSettings = (): void => writeAddress(controls, { span: String(view.span) });

const polling = (): Polling => ({ pollMaxNs: Number(valueOf('poll-max-ns')), pollGrow: Number(valueOf('poll-grow')), pollShrink: Number(valueOf('poll-shrink')) });

// ---- The timeline

function draw(): void {
  drawing.draw(loops.timeline, view, shownNow);
  find('span').textContent = `${time(view.span)} wide${drawing.hidden ? `; ${grouped(drawing.hidden)} wake-ups: zoom in to see their arrows` : ''}`;
}

/** Shows the newest: all of it, or what has happened until the last call-back. */
function follow(): void {
  shownNow = loops.now;
  const end = view.span >= SMOOTH_US ? shownNow : Math.min(shownNow, (loops.timeline.last || shownNow) + view.span * 0.05);
  view.start = end - view.span;
  view.chosen = undefined;
}

let lastPicture = -Infinity;
function frame(): void {
  requestAnimationFrame(frame);
  if (!running) return;
  if (!paused) loops.read();
  const now = performance.now();
  if (paused || now - lastPicture < (view.span >= SMOOTH_US ? 0 : SNAPSHOT_MS)) return;
  lastPicture = now;
  follow();
  draw();
}

function pause(on: boolean): void {
  paused = on;
  find('pause').textContent = on ? 'Continue' : 'Pause';
  if (!on) lastPicture = -Infinity;
}

function zoom(by: number, around = 0.5): void {
  const n = SPANS.indexOf(view.span) + by;
  const span = SPANS[Math.max(0, Math.min(SPANS.length - 1, n))]!;
  view.start += (view.span - span) * around;
  view.span = span;
  writeSettings();
  if (paused) draw();
  else lastPicture = -Infinity;
}

function move(us: number): void {
  pause(true);
  view.start = Math.max(-view.span, Math.min(shownNow, view.start + us));
  draw();
}

function choose(found: Found | undefined): void {
  view.chosen = found;
  find('detail').textContent = found?.text ?? '';
  draw();
}

/** Chooses the call-back that comes so many after the chosen one in its lane. */
function step(by: number): void {
  pause(true);
  const { chosen } = view;
  const lane = chosen?.lane ?? loops.timeline.lanes[0];
  if (!lane) return;
  const from = chosen && chosen.call >= 0 ? chosen.call + by : lane.calls.from(chosen?.start ?? view.start + view.span / 2);
  show(call(lane, Math.max(0, Math.min(lane.calls.starts.length - 1, from)), shownNow));
}

function otherLane(by: number): void {
  pause(true);
  const { lanes } = loops.timeline;
  const lane = lanes[Math.max(0, Math.min(lanes.length - 1, (view.chosen ? lanes.indexOf(view.chosen.lane) : -1) + by))];
  if (lane) show(call(lane, lane.calls.from(view.chosen?.start ?? view.start + view.span / 2), shownNow) ?? { lane, call: -1, start: view.start, end: view.start, text: `${lane.name}: no call-back yet` });
}

function show(found: Found | undefined): void {
  if (found && (found.start < view.start || found.start > view.start + view.span)) view.start = found.start - view.span / 2;
  choose(found);
}

function save(): void {
  loops.read();
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([JSON.stringify(loops.save())], { type: 'application/json' }));
  link.download = `${valueOf('workload')}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  say(`Saved as ${link.download}: open it at ui.perfetto.dev, which reads it in your browser and sends it nowhere.`);
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
  if (!running || paused) return;
  const { lanes, lost } = loops.timeline;
  const now = loops.now;
  const next = new Map(lanes.map((lane): [Lane, Seen] => [lane, { now, states: lane.statesAt(now), totals: { ...lane.totals } }]));
  find<HTMLTableElement>('loops').tBodies[0]!.replaceChildren(...lanes.map((lane) => row(lane, seen.get(lane), next.get(lane)!)));
  seen = next;
  say(lost ? `Running. The loops do more than this page can read: ${grouped(lost)} events are not shown.` : 'Running.');
}

// ---- Running

let running = false;
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
    pause(false);
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
  const click = (id: string, work: () => void): void => find(id).addEventListener('click', work);
  click('pause', () => pause(!paused));
  click('earlier', () => move(-view.span / 2));
  click('later', () => move(view.span / 2));
  click('in', () => zoom(-1));
  click('out', () => zoom(1));
  click('export', save);
  const place = (event: MouseEvent): [number, number] => [event.clientX - canvas.getBoundingClientRect().left, event.clientY - canvas.getBoundingClientRect().top];
  let grabbed: number | undefined;
  canvas.addEventListener('pointerdown', (event) => {
    grabbed = event.clientX;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointerup', () => (grabbed = undefined));
  canvas.addEventListener('pointercancel', () => (grabbed = undefined));
  canvas.addEventListener('pointermove', (event) => {
    if (grabbed === undefined) return choose(drawing.at(loops.timeline, view, ...place(event), shownNow));
    if (Math.abs(event.clientX - grabbed) < 3) return;
    move(((grabbed - event.clientX) / canvas.clientWidth) * view.span);
    grabbed = event.clientX;
  });
  canvas.addEventListener('wheel', (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(Math.sign(event.deltaY), place(event)[0] / canvas.clientWidth);
  }, { passive: false });
  const keys: Record<string, () => void> = {
    ArrowLeft: () => move(-view.span / 10), ArrowRight: () => move(view.span / 10), '+': () => zoom(-1), '=': () => zoom(-1), '-': () => zoom(1),
    ' ': () => pause(!paused), '.': () => step(1), ',': () => step(-1), PageDown: () => otherLane(1), PageUp: () => otherLane(-1),
  };
  canvas.addEventListener('keydown', (event) => {
    const work = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (!work) return;
    event.preventDefault();
    work();
  });
  addEventListener('resize', draw);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    drawing.readColours();
    draw();
  });
  addEventListener('hashchange', () => {
    readSettings();
    begin();
  });
  setInterval(figures, FIGURES_MS);
  requestAnimationFrame(frame);
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
