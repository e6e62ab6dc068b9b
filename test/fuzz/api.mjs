// SPDX-License-Identifier: MIT
// Random use of the TypeScript objects of one runtime beside a model: what was scheduled runs, once for however often it was asked; a pipe
// gives the bytes that went in; a file is what was written; what is closed refuses by name and leaves the rest alone.
import fc from 'fast-check';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Runtime } from '../../dist/index.js';

const FILE = 8192;
const fail = (text) => {
  throw new Error(text);
};
const expectThat = (condition, text) => condition || fail(text);

/** What closed objects answer. */
const refused = (work, text) => {
  try {
    work();
  } catch (error) {
    return void expectThat(error.code === 'ERR_AIO_CLOSED', `${text}: ${error.code}: ${error.message}`);
  }
  fail(`${text}: a closed object was used`);
};

let names = 0;
const name = (what) => `${what} ${++names}`;

/** What runs a call-back: for bottom halves, timers and notifiers alike. */
class Callback {
  runs = 0;
  due = 0;
  closed = false;
  #wake;

  run = () => {
    this.runs++;
    expectThat(!this.closed, 'a call-back ran after its object was closed');
    this.#wake?.();
  };

  /** Waits until it has run since `due` was set; what is lost never comes. */
  async settled() {
    while (!this.closed && this.runs < this.due) await new Promise((resolve) => (this.#wake = resolve));
  }

  /** Asking for a run that has not begun yet asks for no further one. */
  ask() {
    this.due = this.runs + 1;
  }
}

/** The objects of one run, and how each is used; arguments are numbers that the generator has chosen. */
function makeActions(runtime, io, files) {
  const { context } = runtime;
  const own = [];
  const kinds = {
    'bottom half': { make: (cb) => context.bottomHalf(name('bh'), cb.run), ask: (object) => object.schedule() },
    timer: { make: (cb) => context.timer(name('timer'), cb.run), ask: (object, n) => object.arm(n % 3) },
    notifier: {
      make: (cb) => {
        const notifier = context.notifier(name('notifier'));
        own.push({ object: context.onSet(notifier, cb.run), callback: new Callback() });
        return notifier;
      },
      ask: (object) => object.set(),
    },
  };
  const made = [];
  const pipe = context.pipe(name('pipe'), { capacity: 256 });
  own.push({ object: pipe, callback: new Callback() });
  const piped = [];
  let ended = false;
  return {
    make(kind) {
      const of = kinds[Object.keys(kinds)[kind % 3]];
      const callback = new Callback();
      made.push({ of, callback, object: of.make(callback) });
    },
    ask(which, n) {
      const { of, callback, object } = made[which % made.length] ?? {};
      if (!of) return;
      if (callback.closed) return refused(() => of.ask(object, n), 'asked');
      callback.ask();
      of.ask(object, n);
    },
    close(which) {
      const { callback, object } = made[which % made.length] ?? {};
      if (!object) return;
      callback.closed = true;
      object.close();
    },
    write(n) {
      const bytes = Uint8Array.from({ length: n % 300 }, (_, k) => (n + k) & 255);
      if (ended) return;
      const took = pipe.write(bytes);
      expectThat(took === Math.min(bytes.length, pipe.capacity - piped.length), `a pipe with ${piped.length} bytes took ${took} of ${bytes.length}`);
      piped.push(...bytes.subarray(0, took));
    },
    read(n) {
      const bytes = pipe.read(n);
      expectThat(bytes.join() === piped.splice(0, Math.min(n, piped.length)).join(), 'other bytes came out of a pipe');
      expectThat(pipe.length === piped.length, 'the length of a pipe');
    },
    end() {
      ended = true;
      pipe.end();
      expectThat(pipe.ended, 'a pipe that was ended does not say so');
    },
    async fileWrite(which, n) {
      const { file, bytes } = files[which % files.length];
      const at = n % FILE;
      const data = Uint8Array.from({ length: Math.min(n % 700, FILE - at) }, (_, k) => (3 * n + k) & 255);
      await file.write(at, data);
      bytes.set(data, at);
    },
    async fileRead(which, n) {
      const { file, bytes } = files[which % files.length];
      const at = n % FILE;
      const length = Math.min(n % 900, FILE - at);
      const got = await file.read(at, length);
      expectThat(Buffer.compare(got, bytes.subarray(at, at + length)) === 0, 'a file is not what was written');
    },
    async set(n) {
      await io.set({ pollMaxNs: n % 2 ? 32768 : 0, aioMaxBatch: n % 5 });
    },
    async settle() {
      await Promise.all(made.map(({ callback }) => callback.settled()));
    },
    closeAll() {
      for (const { callback, object } of [...made, ...own]) {
        callback.closed = true;
        object.close();
      }
    },
  };
}

const number = fc.nat({ max: 20_000 });
const step = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constant('make'), number) },
  { weight: 6, arbitrary: fc.tuple(fc.constant('ask'), number, number) },
  fc.tuple(fc.constant('close'), number),
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('write', 'read'), number) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('fileWrite', 'fileRead'), number, number) },
  fc.tuple(fc.constant('set'), number),
  fc.constant(['settle']),
);
/** The end of a pipe comes last: nothing is written after it. */
const steps = fc.tuple(fc.array(step, { maxLength: 60 }), fc.boolean()).map(([all, ends]) => (ends ? [...all, ['end'], ['read', 300]] : all));

export async function check(options) {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-api-'));
  const runtime = await Runtime.create();
  const io = await runtime.iothread('io');
  const files = [];
  for (const aio of ['threads', 'native', 'io_uring', 'sync']) {
    writeFileSync(join(folder, aio), new Uint8Array(FILE));
    files.push({ file: await io.open(join(folder, aio), { aio, write: true }), bytes: new Uint8Array(FILE) });
  }
  const { rt_handles_open: handles } = runtime.instance.exports;
  const open = handles();
  try {
    await fc.assert(fc.asyncProperty(steps, async (all) => {
      const actions = makeActions(runtime, io, files);
      try {
        for (const [action, ...args] of all) await actions[action](...args);
        await actions.settle();
      } finally {
        actions.closeAll();
      }
      expectThat(handles() === open, `${handles() - open} handles are left open`);
    }), { numRuns: 200, ...options });
  } finally {
    await runtime.close();
    rmSync(folder, { recursive: true });
  }
}
