// SPDX-License-Identifier: MIT
/** The page that runs WASI programs, with a screen for what they print and a line for what they read. */
import { ownerHost } from '../hosts/detect.js';
import { WasiHost } from '../wasi-browser.js';
import { download, TimeWindow } from './explorer/window.js';
import { find, isIsolated, onFile, readAddress, say, showStop, tell, valueOf, writeAddress } from './page.js';
import { argumentsOf } from './run/arguments.js';
import { Polls } from './run/polls.js';
import { Screen } from './run/screen.js';

interface Program {
  about: string;
  args: string;
  /** None: `make test-ports` has not built it. */
  module: URL | Uint8Array<ArrayBuffer> | undefined;
  licence?: string | undefined;
}

const ports = import.meta.glob('./run/ports/*', { query: '?url', import: 'default', eager: true });
/** A program that others have written, if it has been built: with the text of its licence. */
function port(name: string, args: string, about: string): [string, Program] {
  const module = ports[`./run/ports/${name}.wasm`];
  return [name, { about, args, module: module === undefined ? undefined : new URL(module, import.meta.url), licence: ports[`./run/ports/${name}.txt`] }];
}
const NOT_BUILT = 'It is not in this page: in a clone, make test-ports ONLY="sqlite3 lua5.4" builds it from Debian’s sources, and make serve then has it.';

/** The programs of this repository, those that it has built from others' sources, and the visitor's own. */
const programs = new Map<string, Program>([
  ['files', { about: 'Commands for files in memory: help lists them.', args: '', module: new URL('./run/files.wasm', import.meta.url) }],
  ['primes', { about: 'Threads that count the primes below a number together: the arguments are the number and how many threads.', args: '3000000 4', module: new URL('./run/primes.wasm', import.meta.url) }],
  ['clock', { about: 'Prints the time each second. Meanwhile it waits for a line, by poll(), and answers at once.', args: '', module: new URL('./run/clock.wasm', import.meta.url) }],
  ['rot13', { about: 'A filter: turns the letters of each line by thirteen places, until the end of input.', args: '', module: new URL('./run/rot13.wasm', import.meta.url) }],
  port('sqlite3', '-interactive', 'The shell of SQLite, which is in the public domain: SQL ends with a semicolon, and .help lists its own commands.'),
  port('lua', '-i', 'The interpreter of Lua 5.4, copyright 1994–2022 Lua.org, PUC-Rio, under the MIT licence. Each line is run, such as print(2^10).'),
]);
const settings = ['program', 'args', 'polls'];

const select = find<HTMLSelectElement>('program');
const args = find<HTMLInputElement>('args');
const line = find<HTMLInputElement>('line');
const screen = new Screen(find('screen'));
/** Who waits on a phone does not want its keyboard over the screen. */
const hasKeyboard = matchMedia('(pointer: fine)').matches;

/** What runs now. */
let input: ReadableStreamDefaultController<Uint8Array> | undefined;
let stopping: AbortController | undefined;
/** The calls of the program that runs, or of the last one. */
let polls: Polls | undefined;
const calls = (): string => `; ${polls?.calls} ${polls?.calls === 1 ? 'call' : 'calls'}${polls?.lost ? `; ${polls.lost} of their beginnings and ends came too fast to be shown` : ''}`;
const timeWindow = new TimeWindow(() => polls, 1e7, () => {}, calls);

// ---- The controls

function setRunning(running: boolean): void {
  for (const control of [select, args, find<HTMLInputElement>('polls'), find<HTMLInputElement>('file'), find<HTMLButtonElement>('run')]) control.disabled = running;
  setInput(running);
  showStop(running);
}

function setInput(open: boolean): void {
  const from = document.activeElement;
  for (const control of [line, find<HTMLButtonElement>('send'), find<HTMLButtonElement>('end')]) control.disabled = !open;
  // Whoever was there has the focus at the button that stops the program, and when it has ended, at the one that starts it.
  if (from?.matches('#input :disabled')) find('stop').focus();
}

function add(name: string, program: Program): void {
  if (![...select.options].some(({ value }) => value === name)) select.add(new Option(name, name));
  programs.set(name, program);
}

function describe(): void {
  const program = programs.get(select.value);
  find('about').textContent = `${program?.about ?? ''}${program && !program.module ? ` ${NOT_BUILT}` : ''}`;
  if (program?.licence === undefined) return;
  const link = document.createElement('a');
  link.href = program.licence;
  link.textContent = 'Its licence';
  find('about').append(' ', link, '.');
}

function choose(): void {
  args.value = programs.get(select.value)?.args ?? '';
  describe();
  writeAddress(settings);
}

/** The program reads no more, or there is no more to read. */
function inputEnded(): void {
  input = undefined;
  setInput(false);
}

function send(): void {
  if (!input) return;
  void screen.write(`${line.value}\n`, 'typed');
  input.enqueue(new TextEncoder().encode(`${line.value}\n`));
  line.value = '';
}

// ---- Running

/** Where standard output or standard error goes. */
function output(kind?: string): WritableStream<Uint8Array> {
  const decoder = new TextDecoder();
  return new WritableStream({ write: (bytes) => screen.write(decoder.decode(bytes, { stream: true }), kind) });
}

async function run(): Promise<void> {
  const name = select.value;
  const program = programs.get(name);
  if (!program || stopping) return;
  if (!program.module) return tell(`${name} cannot run. ${NOT_BUILT}`);
  const stop = (stopping = new AbortController());
  setRunning(true);
  screen.clear();
  polls = undefined;
  find('polling').hidden = !find<HTMLInputElement>('polls').checked;
  timeWindow.pause(false);
  say(`${name} starts…`);
  let host: WasiHost | undefined;
  try {
    const stdin = new ReadableStream<Uint8Array>({ start: (controller) => void (input = controller), cancel: inputEnded });
    host = await WasiHost.create({
      module: program.module, args: [name, ...argumentsOf(args.value)], dirs: { '/': 'mem' }, env: { HOME: '/' },
      stdin, stdout: output(), stderr: output('failed'), signal: stop.signal,
    });
    if (find<HTMLInputElement>('polls').checked) polls = new Polls(host, (await ownerHost()).monotonic);
    say(`${name} runs.`);
    if (hasKeyboard) line.focus();
    const code = await host.run({ signal: stop.signal });
    await screen.shown();
    say(`${name} has ended with exit code ${code}.`);
  } catch (error) {
    if (stop.signal.aborted) say(`${name} was stopped.`);
    else tell(error);
  } finally {
    input = undefined;
    polls?.end();
    await host?.close();
    stopping = undefined;
    setRunning(false);
  }
}

async function runFile(file: File): Promise<void> {
  if (stopping) return;
  try {
    const module = new Uint8Array(await file.arrayBuffer());
    add(file.name, { about: 'Your file.', args: args.value, module });
  } catch (error) {
    return tell(error);
  }
  select.value = file.name;
  describe();
  await run();
}

function listen(): void {
  select.addEventListener('change', choose);
  for (const control of [args, find('polls')]) control.addEventListener('change', () => writeAddress(settings));
  find('form').addEventListener('submit', (event) => {
    event.preventDefault();
    void run();
  });
  find('input').addEventListener('submit', (event) => {
    event.preventDefault();
    send();
  });
  find('end').addEventListener('click', () => {
    input?.close();
    inputEnded();
  });
  find('stop').addEventListener('click', () => stopping?.abort());
  onFile('file', (file) => void runFile(file));
  find('export').addEventListener('click', () => polls && say(download(polls.save(), `${select.value}-polls`)));
  addEventListener('hashchange', read);
  timeWindow.listen();
}

function read(): void {
  if (stopping) return;
  if (!readAddress(settings).has('args')) args.value = programs.get(valueOf('program'))?.args ?? '';
  describe();
}

for (const [name, program] of programs) add(name, program);
read();
if (isIsolated()) {
  listen();
  find<HTMLButtonElement>('run').disabled = false;
  say('Ready.');
}
