// SPDX-License-Identifier: MIT
/** spin() counts in the first word of the memory for ever; wait() sleeps on the second. */
const LOOPS = {
  memory: { initial: 1, maximum: 1, shared: true },
  functions: {
    spin: { params: [], results: [], body: 'loop; i32.const 0; i32.const 1; i32.atomic.rmw.add 2 0; drop; br 0; end' },
    wait: { params: [], results: ['i32'], body: 'i32.const 4; i32.const 0; i64.const -1; memory.atomic.wait32 2 0' },
  },
};

const terminated = 'HTML terminate-a-worker';

export default {
  area: 'terminate',
  title: 'terminate()',
  requires: ['workers', 'shared'],
  cases: [
    {
      id: 'idle', title: 'an idle worker', clause: terminated,
      async run({ equal, worker, sleep }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const own = worker(async ({ next, post }, cell) => {
          post('here');
          await next();
          Atomics.add(cell, 0, 1);
        }, cell);
        await own.next();
        own.terminate();
        own.post('too late');
        await sleep(100);
        equal(cell[0], 0, 'messages handled afterwards');
      },
    },
    {
      id: 'javascript-loop', title: 'a worker that spins in JavaScript stops', clause: terminated,
      async run({ ok, worker, until, sleep }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const own = worker((tools, cell) => {
          for (;;) Atomics.add(cell, 0, 1);
        }, cell);
        await until(() => Atomics.load(cell, 0) !== 0);
        own.terminate();
        const begun = performance.now();
        // On a busy machine a thread may not run for a while.
        for (let still = 0, last; still < 6;) {
          const now = Atomics.load(cell, 0);
          still = now === last ? still + 1 : 0;
          last = now;
          ok(performance.now() - begun < 8000 || still > 0, 'it still runs after 8 s');
          await sleep(200);
        }
      },
    },
    {
      id: 'wasm-loop', title: 'a worker that spins in WebAssembly stops', clause: terminated, requires: ['wasmThreads'], wasm: { loops: LOOPS },
      async run({ ok, worker, until, sleep }, { loops }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        const cell = new Int32Array(memory.buffer);
        const own = worker((tools, bytes, memory) => {
          new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports.spin();
        }, loops, memory);
        await until(() => Atomics.load(cell, 0) !== 0);
        own.terminate();
        const begun = performance.now();
        // On a busy machine a thread may not run for a while.
        for (let still = 0, last; still < 6;) {
          const now = Atomics.load(cell, 0);
          still = now === last ? still + 1 : 0;
          last = now;
          ok(performance.now() - begun < 8000 || still > 0, 'it still runs after 8 s');
          await sleep(200);
        }
      },
    },
    {
      id: 'short-waits', title: 'a worker that waits for 1 ms at a time stops', clause: terminated, requires: ['wait'],
      async run({ ok, worker, until, sleep }) {
        const cell = new Int32Array(new SharedArrayBuffer(8));
        const own = worker((tools, cell) => {
          for (;;) {
            Atomics.add(cell, 0, 1);
            Atomics.wait(cell, 1, 0, 1);
          }
        }, cell);
        await until(() => Atomics.load(cell, 0) !== 0);
        own.terminate();
        const begun = performance.now();
        // On a busy machine a thread may not run for a while.
        for (let still = 0, last; still < 6;) {
          const now = Atomics.load(cell, 0);
          still = now === last ? still + 1 : 0;
          last = now;
          ok(performance.now() - begun < 8000 || still > 0, 'it still runs after 8 s');
          await sleep(200);
        }
      },
    },
    {
      id: 'in-wait', title: 'a worker that waits is gone: notify finds it no longer', clause: terminated, requires: ['wait'],
      async run({ equal, worker, sleep, until }) {
        // A notify that finds one also lets it go on, so there is a worker for each of the moments to look at.
        const moments = [50, 500, 3000, 8000];
        const all = moments.map(() => {
          const cell = new Int32Array(new SharedArrayBuffer(8));
          return { cell, own: worker((tools, cell) => {
            Atomics.store(cell, 1, 1);
            Atomics.wait(cell, 0, 0);
          }, cell) };
        });
        for (const { cell } of all) await until(() => Atomics.load(cell, 1) === 1);
        await sleep(50);
        for (const { own } of all) own.terminate();
        let slept = 0;
        for (const [n, { cell }] of all.entries()) {
          await sleep(moments[n] - slept);
          slept = moments[n];
          if (Atomics.notify(cell, 0) === 0) return `gone after ${slept} ms`;
        }
        equal(1, 0, 'waiters 8 s after terminate()');
      },
    },
    {
      id: 'in-wasm-wait', title: 'a worker in memory.atomic.wait32 is gone: notify finds it no longer', clause: terminated, requires: ['wasmThreads', 'wait'], wasm: { loops: LOOPS },
      async run({ equal, worker, sleep, until }, { loops }) {
        const moments = [50, 500, 3000, 8000];
        const all = moments.map(() => {
          const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
          const cell = new Int32Array(memory.buffer);
          return { cell, own: worker((tools, bytes, memory) => {
            const { wait } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports;
            Atomics.store(new Int32Array(memory.buffer), 0, 1);
            wait();
          }, loops, memory) };
        });
        for (const { cell } of all) await until(() => Atomics.load(cell, 0) === 1);
        await sleep(50);
        for (const { own } of all) own.terminate();
        let slept = 0;
        for (const [n, { cell }] of all.entries()) {
          await sleep(moments[n] - slept);
          slept = moments[n];
          if (Atomics.notify(cell, 1) === 0) return `gone after ${slept} ms`;
        }
        equal(1, 0, 'waiters 8 s after terminate()');
      },
    },
    {
      id: 'wake-up-not-taken', title: 'a terminated waiter takes no wake-up from one that lives', clause: terminated, requires: ['wait'],
      async run({ equal, worker, sleep, until }) {
        const cell = new Int32Array(new SharedArrayBuffer(8));
        const wait = (tools, cell, n) => {
          Atomics.add(cell, 1, 1);
          const end = Atomics.wait(cell, 0, 0);
          return `${n} ${end}`;
        };
        const dead = worker(wait, cell, 'dead');
        await until(() => Atomics.load(cell, 1) === 1);
        await sleep(50);
        dead.terminate();
        // Engines may take their time to end a thread.
        await sleep(5000);
        const lives = worker(wait, cell, 'lives');
        await until(() => Atomics.load(cell, 1) === 2);
        await until(() => Atomics.notify(cell, 0, 1) === 1);
        equal(await Promise.race([lives.ended, sleep(2000)]), 'lives ok');
      },
    },
    {
      id: 'pending-wait-async', title: 'a pending waitAsync of a terminated worker takes no wake-up from one that lives', clause: terminated, requires: ['waitAsync'],
      async run({ equal, worker, sleep }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const dead = worker(async ({ post }, cell) => {
          const { value } = Atomics.waitAsync(cell, 0, 0);
          post('waits');
          await value;
        }, cell);
        await dead.next();
        dead.terminate();
        await sleep(3000);
        const { value } = Atomics.waitAsync(cell, 0, 0);
        equal(Atomics.notify(cell, 0, 1), 1, 'notify');
        equal(await Promise.race([value, sleep(1000)]), 'ok');
      },
    },
    {
      id: 'no-message-afterwards', title: 'no message of a terminated worker arrives', clause: 'HTML dom-worker-terminate', requires: ['webWorker'],
      async run({ equal, worker, until, sleep }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const own = worker(({ post }, cell) => {
          for (;;) {
            if (Atomics.load(cell, 0) < 300) post(Atomics.add(cell, 0, 1));
          }
        }, cell);
        // Many are under way, because this thread does not turn to its event loop.
        await until(() => Atomics.load(cell, 0) > 0);
        while (Atomics.load(cell, 0) < 300);
        own.terminate();
        const before = own.received.length;
        await sleep(200);
        equal(own.received.length - before, 0, 'messages that came afterwards');
      },
    },
    {
      id: 'twice', title: 'terminating twice, and after the end, does no harm', clause: 'HTML dom-worker-terminate',
      async run({ equal, worker }) {
        const own = worker(() => 1);
        equal(await own.ended, 1);
        own.terminate();
        own.terminate();
        const other = worker(() => 2);
        equal(await other.ended, 2, 'another worker');
      },
    },
    {
      id: 'before-start', title: 'a worker that is terminated before it has started never runs', clause: terminated,
      async run({ equal, worker, sleep }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        for (let n = 0; n < 5; n++) worker((tools, cell) => Atomics.add(cell, 0, 1), cell).terminate();
        await sleep(500);
        equal(cell[0], 0, 'workers that ran');
      },
    },
    {
      id: 'nested', title: 'the workers of a terminated worker end, too', clause: 'HTML the-worker\'s-lifetime',
      async run({ ok, worker, until, sleep }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const outer = worker(async ({ worker }, cell) => {
          await worker(async ({ sleep }, cell) => {
            for (;;) {
              Atomics.add(cell, 0, 1);
              await sleep(1);
            }
          }, cell).ended;
        }, cell);
        await until(() => Atomics.load(cell, 0) !== 0);
        outer.terminate();
        const begun = performance.now();
        // On a busy machine a thread may not run for a while.
        for (let still = 0, last; still < 6;) {
          const now = Atomics.load(cell, 0);
          still = now === last ? still + 1 : 0;
          last = now;
          ok(performance.now() - begun < 8000 || still > 0, 'the inner worker still runs after 8 s');
          await sleep(200);
        }
      },
    },
    {
      id: 'memory-stays', title: 'memory stays shared between the others after a worker that used it was terminated', clause: 'ECMA-262 sec-sharedarraybuffer-objects', requires: ['wasmThreads', 'wait'],
      async run({ equal, worker, until }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 8, shared: true });
        const cell = new Int32Array(memory.buffer);
        const dead = worker((tools, memory) => {
          const cell = new Int32Array(memory.buffer);
          memory.grow(1);
          Atomics.store(cell, 0, 1);
          for (;;) Atomics.wait(cell, 1, 0, 10);
        }, memory);
        await until(() => Atomics.load(cell, 0) === 1);
        dead.terminate();
        memory.grow(1);
        const other = worker((tools, memory) => {
          const bytes = new Uint8Array(memory.buffer);
          bytes[bytes.length - 1] = 5;
          return bytes.length;
        }, memory);
        equal(await other.ended, 3 * 65536);
        equal(new Uint8Array(memory.buffer).at(-1), 5);
      },
    },
  ],
};
