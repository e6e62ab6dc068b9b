// SPDX-License-Identifier: MIT
/** The page that runs one job in four ways beside each other. */
import type { Contestant } from './race/contestant.js';
import { fromAddress, Measured, toAddress, type Figures } from './race/figures.js';
import byHandText from './race/by-hand.js?raw';
import byHandWorkerText from './race/by-hand.worker.js?raw';
import comlinkText from './race/comlink.js?raw';
import comlinkWorkerText from './race/comlink.worker.js?raw';
import ioThreadText from './race/io-thread.js?raw';
import ioThreadWorkerText from './race/io-thread.worker.js?raw';
import postMessageText from './race/post-message.js?raw';
import postMessageWorkerText from './race/post-message.worker.js?raw';
import { grouped } from '../bench/units.js';
import { find, hashOf, messageOf, readAddress, say, showProgress, showStop, tell, valueOf, writeAddress } from './page.js';

/** Calls one after the other in a turn, and calls at once. */
const CALLS = 100;
const WARM_UP = 20;
const settings = ['seconds'];

interface Way {
  name: string;
  about: string;
  /** Loads it, and starts its worker. */
  open(): Promise<Contestant>;
  code: [string, string];
  /** It carries more than one call at a time. */
  many: boolean;
}

const ways: Way[] = [
  { name: 'postMessage', about: 'Two messages a call.', open: async () => (await import('./race/post-message.js')).open(), code: [postMessageText, postMessageWorkerText], many: true },
  { name: 'comlink', about: 'Messages, with names of functions, arguments and answers.', open: async () => (await import('./race/comlink.js')).open(), code: [comlinkText, comlinkWorkerText], many: true },
  { name: 'Atomics.wait by hand', about: 'Shared memory and nothing else: one number at a time.', open: async () => (await import('./race/by-hand.js')).open(), code: [byHandText, byHandWorkerText], many: false },
  { name: 'wasm-aio', about: 'Functions, arguments and answers as with comlink, through shared memory as by hand.', open: async () => (await import('./race/io-thread.js')).open(), code: [ioThreadText, ioThreadWorkerText], many: true },
];

const table = find<HTMLTableElement>('results');
const [runButton, stopButton] = [find<HTMLButtonElement>('run'), find<HTMLButtonElement>('stop')];
let stopped = false;
/** The results that the address has. */
let linked: ReadonlyMap<string, Figures> = new Map();

const micro = (us: number): string => (us < 1000 ? `${us.toPrecision(3)} µs` : `${(us / 1000).toPrecision(3)} ms`);

/** Shows figures, and for those without what happened instead. */
function show(results: ReadonlyMap<string, Figures>, failed: ReadonlyMap<string, string> = new Map()): void {
  table.hidden = false;
  table.tBodies[0]?.replaceChildren(...ways.filter(({ name }) => results.has(name) || failed.has(name)).map(({ name, many }) => {
    const tr = document.createElement('tr');
    tr.insertCell().textContent = name;
    const figures = results.get(name);
    if (!figures) {
      const cell = tr.insertCell();
      cell.colSpan = 5;
      cell.className = 'failed';
      cell.textContent = failed.get(name) ?? '';
      return tr;
    }
    const { calls, median, p99, atOnce, frame } = figures;
    for (const [n, text] of [grouped(calls), micro(median), micro(p99), many ? grouped(atOnce) : 'one at a time', `${frame.toFixed(0)} ms`].entries()) {
      const cell = tr.insertCell();
      cell.textContent = text;
      cell.dataset['of'] = table.tHead!.rows[0]!.cells[n + 1]!.textContent ?? '';
    }
    return tr;
  }));
}

/** The code of each, with the place of its distribution. */
const drawings = new Map(ways.map(({ name, about, code }) => {
  const section = document.createElement('section');
  section.innerHTML = '<h2></h2><p></p><div class="beside"><figure><figcaption>How long a call takes</figcaption><svg role="img"></svg></figure><pre role="region" tabindex="0"></pre></div>';
  section.querySelector('h2')!.textContent = name;
  section.querySelector('p')!.textContent = about;
  const svg = section.querySelector('svg')!;
  svg.setAttribute('aria-label', `${name}: how many calls took how long`);
  const plain = (text: string): string => text.replace(/^(\/\/ SPDX.*|export \{\};|\/\/# .*)\n?/gm, '').trim();
  const pre = section.querySelector('pre')!;
  pre.setAttribute('aria-label', `The code of ${name}`);
  pre.textContent = `${plain(code[0])}\n\n// in the worker:\n${plain(code[1])}`;
  find('lanes').append(section);
  return [name, svg];
}));

/** Moves the ball in each frame, and measures the longest time between two of them. */
class Frames {
  longest = 0;
  private last = performance.now();
  private ended = false;

  constructor() {
    const [track, ball] = [find('track'), find('ball')];
    const frame = (now: number): void => {
      this.longest = Math.max(this.longest, now - this.last);
      this.last = now;
      const way = track.clientWidth - ball.clientWidth;
      ball.style.transform = `translateX(${Math.abs(((now / 3) % (2 * way)) - way)}px)`;
      if (!this.ended) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  stop(): void {
    this.ended = true;
  }
}

async function twice(one: Contestant, n: number): Promise<void> {
  const answer = await one.double(n);
  if (answer !== 2 * n) throw new Error(`${answer} is not twice ${n}`);
}

const channel = new MessageChannel();
/** Lets the page's event loop go on to its next task. Meanwhile the worker falls asleep. */
const pause = (): Promise<void> => new Promise((resolve) => {
  channel.port1.onmessage = () => resolve();
  channel.port2.postMessage(0);
});

/** One turn of one of them. */
async function turn(one: Contestant, measured: Measured, frames: Frames, many: boolean): Promise<void> {
  frames.longest = 0;
  for (let n = 0; n < CALLS && !stopped; n++) {
    await pause();
    const start = performance.now();
    await twice(one, n);
    measured.add((performance.now() - start) * 1000);
  }
  if (many) {
    const start = performance.now();
    await Promise.all(Array.from({ length: CALLS }, (_, n) => twice(one, n)));
    measured.addBurst(CALLS, performance.now() - start);
  }
  // The frame that these calls have delayed is drawn now.
  await new Promise(requestAnimationFrame);
  measured.frame = Math.max(measured.frame, frames.longest);
}

async function race(seconds: number): Promise<void> {
  const frames = new Frames();
  const failed = new Map<string, string>();
  const measured = new Map<string, Measured>();
  const open = new Map<Way, Contestant>();
  const figures = (): Map<string, Figures> => new Map([...measured].map(([name, one]) => [name, one.figures()]));
  try {
    for (const way of ways) {
      say(`Starting the worker of ${way.name}…`);
      try {
        if (!globalThis.SharedArrayBuffer && !way.many) throw new Error('this page has no shared memory, because it is not cross-origin isolated');
        if (!('waitAsync' in Atomics) && !way.many) throw new Error('this browser has no Atomics.waitAsync, with which the page waits for the worker: use a newer one');
        const one = await way.open();
        open.set(way, one);
        for (let n = 0; n < WARM_UP; n++) await twice(one, n);
        measured.set(way.name, new Measured());
      } catch (error) {
        failed.set(way.name, messageOf(error));
      }
    }
    say('The race runs.');
    const end = performance.now() + seconds * 1000;
    for (let shown = 0; performance.now() < end && !stopped;) {
      for (const [way, one] of open) {
        const mine = measured.get(way.name);
        if (mine) await turn(one, mine, frames, way.many);
      }
      if (performance.now() - shown < 200) continue;
      shown = performance.now();
      show(figures(), failed);
      for (const [name, mine] of measured) mine.draw(drawings.get(name)!);
      showProgress(`${Math.max(0, (end - shown) / 1000).toFixed(0)} s to go`);
    }
  } finally {
    frames.stop();
    for (const one of open.values()) await one.close();
  }
  show(figures(), failed);
  for (const [name, mine] of measured) mine.draw(drawings.get(name)!);
  find('link').hidden = false;
  find('link').querySelector('a')!.href = hashOf(settings, toAddress(figures()));
  say(stopped ? 'Stopped.' : 'Done.');
}

find('form').addEventListener('submit', (event) => {
  event.preventDefault();
  stopped = false;
  linked = new Map();
  writeAddress(settings);
  find('link').hidden = true;
  runButton.disabled = true;
  showStop(true);
  race(Number(valueOf('seconds')))
    .catch(tell)
    .finally(() => {
      runButton.disabled = false;
      showStop(false);
    });
});
stopButton.addEventListener('click', () => (stopped = true));

find('form').addEventListener('change', () => writeAddress(settings, toAddress(linked)));

function showLink(): void {
  if (!stopButton.hidden) return;
  linked = fromAddress(readAddress(settings), ways.map(({ name }) => name));
  if (linked.size > 0) show(linked);
  say(linked.size > 0 ? 'This is the result in the link. Run the race to see yours.' : 'Ready.');
}
addEventListener('hashchange', showLink);
showLink();
