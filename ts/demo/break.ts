// SPDX-License-Identifier: MIT
/** The page that plants a bug in the C core, and finds the order of steps in which it shows. */
import { find, say, showProgress, showStop, tell } from './page.js';
import { Simulator, type Step, type Thread } from './simulator.mjs';

interface Bug {
  name: string;
  what: string;
  /** The file that was changed. */
  file: string;
  scenario: string;
  patch: string;
}

/** The code as it is, with the scenario of a bug that was put back. */
const RIGHT = 'right';
/** So many orders are tried: of the right code all, of a bug until one fails. */
const MOST = 100_000;
/** So long, in ms, the page does nothing else. */
const SLICE_MS = 12;
/** A run may have more steps than somebody wants to see; the last ones tell what went wrong. */
const SHOWN = 300;
const COLOURS = ['#2f6fde', '#c2571a', '#0a7d4b', '#8a3ffc', '#a8862b'];
const PLAY_MS = 350;
const PLAYED = 18;

const select = find<HTMLSelectElement>('mutant');
const steps = find<HTMLOListElement>('steps');

const simulators = new Map<string, Promise<Simulator>>();
const sources = new Map<string, Promise<string[]>>();
let bugs: Bug[] = [];
/** The bug that was planted last. */
let planted: Bug;
let shown: Step[] = [];
let threads: string[] = [];
let at = 0;
let playing: ReturnType<typeof setInterval> | undefined;
/** What goes on is given up when this changes. */
let task = 0;

const text = async (path: string): Promise<Response> => {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: HTTP status ${response.status}; has \`make serve\` built the page?`);
  return response;
};

function simulatorOf(name: string): Promise<Simulator> {
  let found = simulators.get(name);
  if (!found) simulators.set(name, (found = text(`sim/${name}/sim.wasm`).then(async (response) => Simulator.create(await response.arrayBuffer()))));
  return found;
}

/** The name of a file in the repository. A changed one was compiled elsewhere. */
const nameOf = (file: string): string => file.replace(/^build\/.*\/(?=core-c\/)/, '');

/** The lines of a file of the code that is chosen. */
function linesOf(file: string): Promise<string[]> {
  const path = select.value !== RIGHT && planted.file === nameOf(file) ? `sim/${planted.name}/${planted.file}` : `sim/source/${file}`;
  let found = sources.get(path);
  if (!found) sources.set(path, (found = text(path).then(async (response) => (await response.text()).split('\n'))));
  return found;
}

const number = (value: number): string => value.toLocaleString('en');
const colourOf = (thread: string): string => COLOURS[threads.indexOf(thread) % COLOURS.length] as string;

function element(name: string, content: string, colour?: string): HTMLElement {
  const made = document.createElement(name);
  made.textContent = content;
  if (colour) made.style.setProperty('--thread', colour);
  return made;
}

// ---- The run that is shown

function show(all: Step[]): void {
  shown = all.slice(-SHOWN);
  threads = [...new Set(all.map(({ thread }) => thread))];
  find('run').hidden = shown.length === 0;
  steps.removeAttribute('aria-activedescendant');
  steps.replaceChildren(...shown.map(({ thread, operation, value, source, number: n }, index) => {
    const item = element('li', `${String(n).padStart(5)} ${thread.padEnd(9)} ${source || `${operation} ${value}`}`, colourOf(thread));
    item.title = `${operation} ${value}`;
    item.id = `step-${index}`;
    item.role = 'option';
    item.ariaSelected = 'false';
    item.addEventListener('click', () => leap(index));
    return item;
  }));
}

async function go(to: number): Promise<void> {
  at = Math.max(0, Math.min(to, shown.length - 1));
  const step = shown[at];
  if (!step) {
    for (const id of ['place', 'where', 'source']) find(id).textContent = '';
    return;
  }
  const before = steps.querySelector('[aria-selected=true]');
  if (before) before.ariaSelected = 'false';
  const item = steps.children[at] as HTMLElement;
  item.ariaSelected = 'true';
  steps.setAttribute('aria-activedescendant', item.id);
  // Only the list scrolls, not the page.
  steps.scrollTop = item.offsetTop - steps.offsetTop - steps.clientHeight / 2;
  find('place').textContent = `step ${number(at + 1)} of ${number(shown.length)}: '${step.thread}' ${step.operation} ${step.value}`;
  const lines = await linesOf(step.file);
  if (shown[at] !== step) return;
  find('where').textContent = `${nameOf(step.file)}:${step.line}`;
  const source = find('source');
  const from = Math.max(0, step.line - 200);
  source.replaceChildren(...lines.slice(from, step.line + 200).map((line, n) => {
    const isHere = from + n + 1 === step.line;
    return element(isHere ? 'mark' : 'span', `${String(from + n + 1).padStart(4)}  ${line}\n`, isHere ? colourOf(step.thread) : undefined);
  }));
  const here = source.querySelector('mark');
  if (here) source.scrollTop = here.offsetTop - source.offsetTop - source.clientHeight / 2;
}

function play(on: boolean): void {
  clearInterval(playing);
  playing = undefined;
  find('play').textContent = on ? 'Pause' : 'Play';
  // What is played is too fast to be read aloud.
  find('place').ariaLive = on ? 'off' : 'polite';
  if (!on) return;
  if (at === shown.length - 1) void go(0);
  playing = setInterval(() => {
    if (at >= shown.length - 1) play(false);
    else void go(at + 1);
  }, PLAY_MS);
}

/** Goes where the visitor wants. */
function leap(to: number): void {
  play(false);
  void go(to);
}

/** Shows how it came to that: plays the last steps, unless the visitor does not want things to move by themselves. */
function playEnd(): void {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return void go(shown.length - 1);
  void go(shown.length - PLAYED);
  play(true);
}

// ---- Searching

function setAddress(scenario: string, seed?: number): void {
  const address = new URLSearchParams({ code: select.value, scenario, ...(seed !== undefined && { seed: String(seed) }) });
  history.replaceState(null, '', `#${address.toString()}`);
}

function begin(): number {
  play(false);
  find('threads').hidden = true;
  find('repair').hidden = true;
  return ++task;
}

function fails(sim: Simulator, scenario: string, seed: number, message: string): void {
  show(sim.interleaving());
  setAddress(scenario, seed);
  tell(`Order ${number(seed)} of '${scenario}' fails: ${message}. The last ${number(shown.length)} steps are below.`);
  find('repair').hidden = select.value === RIGHT;
  playEnd();
}

async function search(): Promise<void> {
  const mine = begin();
  const { scenario } = planted;
  say('Searching…');
  const sim = await simulatorOf(select.value);
  if (mine !== task) return;
  show([]);
  setAddress(scenario);
  showStop(true);
  const start = performance.now();
  let seeds = 20;
  let stepsSoFar = 0;
  for (let tried = 0; tried < MOST;) {
    const before = performance.now();
    const result = sim.search(scenario, { from: tried, seeds: Math.min(seeds, MOST - tried) });
    stepsSoFar += result.steps;
    if (result.failure) {
      showStop(false);
      return fails(sim, scenario, result.failure.seed, result.failure.message);
    }
    tried += Math.min(seeds, MOST - tried);
    const took = performance.now() - before;
    seeds = Math.max(1, Math.round(seeds * Math.min(2, SLICE_MS / Math.max(took, 1))));
    const seconds = (performance.now() - start) / 1000;
    showProgress(`${number(tried)} orders of '${scenario}' tried in ${seconds.toFixed(1)} s, ${number(stepsSoFar)} steps.`);
    await new Promise((resolve) => setTimeout(resolve));
    if (mine !== task) return;
  }
  showStop(false);
  say(`${number(MOST)} orders of '${scenario}' tried in ${((performance.now() - start) / 1000).toFixed(1)} s, ${number(stepsSoFar)} steps: none fails.`);
}

/** Shows the run that the page's address tells. */
async function again(scenario: string, seed: number): Promise<void> {
  const mine = begin();
  const sim = await simulatorOf(select.value);
  if (mine !== task) return;
  const { failure, steps: count } = sim.run(scenario, seed);
  if (failure) return fails(sim, scenario, seed, failure.message);
  show(sim.interleaving());
  say(`Order ${number(seed)} of '${scenario}' ends as it should, after ${number(count)} steps.`);
  void go(0);
}

// ---- By hand

async function beScheduler(): Promise<void> {
  const mine = begin();
  const { scenario } = planted;
  const sim = await simulatorOf(select.value);
  if (mine !== task) return;
  sim.begin(scenario);
  setAddress(scenario);
  const buttons = find('threads');
  buttons.hidden = false;
  const turn = (thread?: number): void => {
    if (thread !== undefined) sim.goOn(thread);
    show(sim.interleaving());
    find('run').hidden = false;
    const { ended, failure, steps: count } = sim.result();
    const all = sim.threads();
    threads = all.map(({ name }) => name);
    if (failure) tell(`You have found it: ${failure.message}.`);
    else if (ended) say(`It has ended as it should, after ${number(count)} steps. Try another order.`);
    else say(`'${scenario}': choose which thread takes the next step (step ${number(count + 1)}).`);
    const hadFocus = buttons.contains(document.activeElement);
    buttons.replaceChildren(...all.map((one, n) => buttonOf(one, () => turn(n))));
    if (ended) buttons.append(again);
    // The buttons are new ones: whoever uses the keyboard goes on where it was, or where something can be chosen.
    const next = [buttons.children[thread ?? 0] as HTMLButtonElement, ...buttons.querySelectorAll('button')].find((button) => !button.disabled);
    if (hadFocus) next?.focus();
    find('repair').hidden = !failure || select.value === RIGHT;
    void go(shown.length - 1);
  };
  const again = element('button', 'From the beginning');
  again.addEventListener('click', () => void beScheduler());
  turn();
}

function buttonOf({ name, state, mayGoOn, next }: Thread, choose: () => void): HTMLElement {
  const button = element('button', `${name}: ${state === 'blocked' ? 'sleeps' : state}`, colourOf(name)) as HTMLButtonElement;
  button.type = 'button';
  button.disabled = !mayGoOn;
  if (next) button.append(element('code', next.source));
  button.addEventListener('click', choose);
  return button;
}

// ---- The controls

function choose(): void {
  begin();
  const bug = bugs.find(({ name }) => name === select.value);
  if (bug) planted = bug;
  find('what').textContent = bug ? bug.what : `The code as it is in this repository. ${number(MOST)} orders are tried: none should fail.`;
  find('patch').replaceChildren(...(bug?.patch ?? '').split('\n').map((line) =>
    element(line.startsWith('+') ? 'ins' : line.startsWith('-') ? 'del' : 'span', `${line}\n`)));
  if (!bug) find('patch').replaceChildren();
  show([]);
  say('Ready.');
  showStop(false);
}

async function main(): Promise<void> {
  bugs = (await (await text('sim/bugs.json')).json()) as Bug[];
  planted = bugs[0] as Bug;
  select.append(...bugs.map(({ name, what }) => new Option(what, name)), new Option('As it is', RIGHT));
  const given = new URLSearchParams(location.hash.slice(1));
  const code = given.get('code');
  if (code !== null && [...select.options].some(({ value }) => value === code)) select.value = code;
  choose();
  const [scenario, seed] = [given.get('scenario'), given.get('seed')];
  if (scenario !== null && seed !== null) await again(scenario, Number(seed));
  else await search();
  prepareOthers();
}

/** The other pages need shared memory. Where the server does not isolate them, a service worker that is there by then saves them a reload. */
function prepareOthers(): void {
  if (crossOriginIsolated || !isSecureContext || !('serviceWorker' in navigator)) return;
  // (Without it they say themselves what they lack.)
  navigator.serviceWorker.register('isolate.js').catch(() => undefined);
}

const on = (id: string, event: string, work: () => unknown): void =>
  find(id).addEventListener(event, (happened) => {
    happened.preventDefault();
    void Promise.resolve(work()).catch(tell);
  });
on('form', 'submit', search);
on('mutant', 'change', choose);
on('stop', 'click', () => {
  task++;
  showStop(false);
  say(`Stopped. ${find('progress').textContent}`);
});
on('repair', 'click', () => {
  select.value = RIGHT;
  choose();
  find('search').focus();
  return search();
});
on('hand', 'click', beScheduler);
on('first', 'click', () => leap(0));
on('back', 'click', () => leap(at - 1));
on('play', 'click', () => play(playing === undefined));
on('next', 'click', () => leap(at + 1));
on('last', 'click', () => leap(shown.length - 1));
steps.addEventListener('keydown', (event) => {
  const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
  if (by === undefined) return;
  event.preventDefault();
  leap(Math.max(0, Math.min(shown.length - 1, at + by)));
});
main().catch(tell);
