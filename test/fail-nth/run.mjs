// SPDX-License-Identifier: MIT
// Every allocation in C fails in turn under TypeScript's objects: the first, the second, … until
// a run gets by without the one that would fail, and then each with all that follow it. What
// could not be had is ERR_AIO_NO_MEMORY, and the next run in the same runtime works. The C
// API's own test is test-fail-nth.c.
//
//   node test/fail-nth/run.mjs [kind...]
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'fail-nth-'));
const path = join(dir, 'disk');

let serial = 0;
const unique = (what) => `${what} ${++serial}`;
const check = (condition, text) => {
  if (!condition) throw new Error(text);
};

/** Closes what work has opened, whether it threw or not. */
async function closing(work) {
  const open = [];
  try {
    await work((object) => (open.push(object), object));
  } finally {
    for (const object of open.reverse()) await object.close();
  }
}

/** Resolves when the call-back is called that make gets; what make throws is thrown here. */
const called = (make) => {
  let run;
  const done = new Promise((resolve) => (run = resolve));
  make(run);
  return done;
};

const engine = (aio) => (runtime) => closing(async (own) => {
  const io = own(await runtime.iothread(unique('io')));
  const file = own(await io.open(path, { aio, write: true }));
  const buffer = own(runtime.allocate(100));
  await file.write(0, Uint8Array.of(1, 2, 3));
  check((await file.read(0, 3)).join() === '1,2,3', 'what was written is not read');
  check(await file.readv(0, [buffer.bytes, new Uint8Array(10)]) === 110, 'two views');
  await file.flush();
});

/** IOThreads with code of their own take long to start: one does for all runs of a runtime. */
const withCode = new WeakMap();

/** What is made, used, and closed again. */
const kinds = {
  buffers: (runtime) => closing(async (own) => {
    for (let i = 0; i < 3; i++) own(runtime.allocate(1000)).bytes.fill(i);
  }),
  contexts: (runtime) => closing(async (own) => {
    const context = own(runtime.createContext(unique('context')));
    await called((run) => own(context.bottomHalf('bh', run)).schedule());
  }),
  'bottom halves': (runtime) => closing(async (own) => {
    const runs = [];
    for (let i = 0; i < 20; i++) {
      runs.push(called((run) => own(runtime.context.bottomHalf(`bh ${i}`, run)).schedule()));
    }
    await Promise.all(runs);
  }),
  timers: (runtime) => closing(async (own) => {
    const runs = [];
    const context = own(runtime.createContext(unique('context')));
    for (let i = 0; i < 10; i++) runs.push(called((run) => own(context.timer(`timer ${i}`, run)).arm(0)));
    await Promise.all(runs);
  }),
  'notifiers and handlers': (runtime) => closing(async (own) => {
    const context = own(runtime.createContext(unique('context')));
    const waits = [];
    for (let i = 0; i < 10; i++) {
      const notifier = own(context.notifier(`notifier ${i}`));
      waits.push(called((run) => own(context.onSet(notifier, run))));
      notifier.set();
    }
    await Promise.all(waits);
    const notifier = own(runtime.context.notifier('waited for'));
    const wait = notifier.wait();
    notifier.set();
    await wait;
  }),
  pipes: (runtime) => closing(async (own) => {
    const pipe = own(runtime.context.pipe('pipe'));
    check(pipe.write(Uint8Array.of(7)) === 1 && pipe.read().join() === '7', 'through a pipe');
    pipe.end();
    for await (const bytes of pipe) check(bytes.length > 0, 'an empty piece');
  }),
  coroutines: async (runtime) => {
    const results = await Promise.allSettled([1, 2, 3].map((n) => runtime.coroutine('add_one', n)));
    for (const { reason } of results) if (reason) throw reason;
    check(results.map(({ value }) => value).join() === '2,3,4', 'results of coroutines');
  },
};

/** The same, with threads. */
const threadedKinds = {
  IOThreads: (runtime) => closing(async (own) => {
    const io = own(await runtime.iothread(unique('io'), { pollMaxNs: 1000 }));
    await io.set({ threadPoolMax: 3, aioMaxBatch: 4 });
    check((await io.coroutine('add_one', 1)) === 2 && (await io.stats()).polls > 0, 'an IOThread');
    check(runtime.dump().includes(io.name), 'dump');
  }),
  'objects of an IOThread': async (runtime) => {
    if (!withCode.has(runtime)) {
      withCode.set(runtime, await runtime.iothread('code', { module: new URL('iothread.mjs', import.meta.url) }));
    }
    check((await withCode.get(runtime).remote.useAll()) === 'used', 'what the code serves');
  },
  'aio threads': engine('threads'),
  'aio native': engine('native'),
  'aio io_uring': engine('io_uring'),
  'aio sync': engine('sync'),
};

/** Runs it with its n-th allocation failing: whether there was one. */
async function failOnce(runtime, use, n, on) {
  runtime.call('memory_fails', n, on);
  const error = await use(runtime).then(() => undefined, (reason) => reason);
  const came = runtime.call('memory_has_failed') === 1;
  runtime.call('memory_fails', 0, 0);
  if (error && !(came && error.code === 'ERR_AIO_NO_MEMORY')) {
    throw new Error(`allocation ${n}${on ? ' and all after it' : ''}: ${error.code}: ${error.message}`, { cause: error });
  }
  try {
    await use(runtime);
  } catch (cause) {
    throw new Error(`after allocation ${n} has failed an ordinary run does: ${cause}`, { cause });
  }
  return came;
}

async function failInTurn(create, use, fresh) {
  let allocations = 0;
  // What is made once, and kept, is made in the first run of a runtime.
  for (let n = 1, came = fresh; came; n++) {
    const runtime = await create();
    came = await failOnce(runtime, use, n, 0);
    await runtime.close();
    allocations += Number(came);
  }
  const runtime = await create();
  await use(runtime);
  const { rt_handles_open: handles } = runtime.instance.exports;
  const open = handles();
  for (const on of fresh ? [1] : [0, 1]) {
    for (let n = 1; await failOnce(runtime, use, n, on); n++) {
      allocations++;
      check(handles() === open, `allocation ${n} has left ${handles() - open} handles open`);
    }
  }
  await runtime.close();
  check(allocations > 0, 'no allocation has failed: is the module linked with the hooks?');
  return allocations;
}

/** Not a limit that anything comes near: what never ends is to be named. */
async function inTime(work, ms = 120_000) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`no end after ${ms / 1000} s`)), ms)));
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** @returns {Promise<{passed: number, failed: number, skipped: number}>} */
export async function runFailNth(only = []) {
  const { Runtime } = await import('../../dist/index.js');
  const count = { passed: 0, failed: 0, skipped: 0 };
  const module = await WebAssembly.compile(readFileSync(join(top, 'build', 'fail-nth.wasm')));
  writeFileSync(path, new Uint8Array(4096));
  // Starting a worker takes its time: TEST_LONG does it for each allocation.
  for (const [kind, use] of Object.entries({ ...kinds, ...threadedKinds })) {
    if (only.length > 0 && !only.some((word) => kind.includes(word))) continue;
    const begun = performance.now();
    try {
      const allocations = await inTime(failInTurn(() => Runtime.create({ module, reserve: 0 }), use, kind in kinds || 'TEST_LONG' in process.env));
      count.passed++;
      if (process.env.V) process.stdout.write(`  passed fail-nth:${kind} (${allocations} allocations, ${Math.round(performance.now() - begun)} ms)\n`);
    } catch (error) {
      count.failed++;
      process.stdout.write(`  FAILED fail-nth:${kind}: ${error.message}\n${String(error.cause?.stack ?? error.stack).replace(/^/gm, '      ')}\n`);
    }
  }
  rmSync(dir, { recursive: true });
  return count;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { passed, failed } = await runFailNth(process.argv.slice(2));
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  // What hangs does so for good.
  if (failed > 0) process.exit(1);
}
