// SPDX-License-Identifier: MIT
// What run.mjs does with a runtime while calls fail: each function makes something, uses it, and closes it again, whether it works or
// not.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const dir = mkdtempSync(join(tmpdir(), 'fail-nth-'));
const path = join(dir, 'disk');
writeFileSync(path, new Uint8Array(4096));

export const removeFiles = () => rmSync(dir, { recursive: true });

let serial = 0;
const unique = (what) => `${what} ${++serial}`;
export const check = (condition, text) => {
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
export const uses = {
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
export const threadedUses = {
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
