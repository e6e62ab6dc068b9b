// SPDX-License-Identifier: MIT
/** Calls itself for ever. */
const RECURSION = { functions: { recurse: { params: ['i32'], results: ['i32'], body: 'local.get 0; i32.const 1; i32.add; call $recurse; i32.const 1; i32.add' } } };

export default {
  area: 'workers',
  title: 'Workers: starting, nesting, failing',
  requires: ['workers'],
  cases: [
    {
      id: 'blocked-creator', title: 'a worker starts although the thread that has created it blocks', clause: 'HTML run-a-worker', requires: ['shared', 'wait'],
      run({ equal, worker }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        worker((tools, cell) => {
          Atomics.store(cell, 0, 1);
          Atomics.notify(cell, 0);
        }, cell);
        equal(Atomics.wait(cell, 0, 0, 20_000) !== 'timed-out', true, 'started within 20 s');
      },
    },
    {
      id: 'nested', title: 'workers start workers, three levels deep, and all share memory', clause: 'HTML dedicated-workers-and-the-worker-interface', requires: ['shared'],
      async run({ equal, worker }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const { ended } = worker(async ({ worker }, cell) => {
          Atomics.add(cell, 0, 1);
          const inner = worker(async ({ worker }, cell) => {
            Atomics.add(cell, 0, 10);
            return 1 + await worker((tools, cell) => (Atomics.add(cell, 0, 100), 1), cell).ended;
          }, cell);
          return 1 + await inner.ended;
        }, cell);
        equal([await ended, cell[0]], [3, 111]);
      },
    },
    {
      id: 'all-at-once', title: '12 workers run at the same time: each waits for all of the others', clause: 'ECMA-262 sec-forward-progress', requires: ['shared', 'wait'],
      async run({ equal, worker }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const all = Array.from({ length: 12 }, () => worker((tools, cell) => {
          Atomics.add(cell, 0, 1);
          Atomics.notify(cell, 0);
          for (let here; (here = Atomics.load(cell, 0)) < 12;) Atomics.wait(cell, 0, here);
          return 1;
        }, cell));
        equal(await Promise.all(all.map(({ ended }) => ended)), Array(12).fill(1));
      },
    },
    {
      id: 'many-in-turn', title: '12 workers start and end, one after the other', clause: 'HTML dom-worker-terminate',
      async run({ equal, worker }) {
        for (let n = 0; n < 12; n++) {
          const one = worker((tools, n) => n, n);
          equal(await one.ended, n);
          one.terminate();
        }
      },
    },
    {
      id: 'error', title: 'an error that a worker does not catch is an error event at its creator, and no other worker ends', clause: 'HTML runtime-script-errors-2',
      async run({ equal, worker, script, listen }) {
        const calm = worker(async ({ next, post }) => {
          post('here');
          return await next();
        });
        await calm.next();
        const bad = script('setTimeout(() => { throw new Error("on purpose"); }, 0);');
        const message = await new Promise((resolve) => listen(bad, 'error', (error) => resolve(error.message)));
        equal(/on purpose/.test(message), true, `message ${message}`);
        calm.post('still here');
        equal(await calm.ended, 'still here');
      },
    },
    {
      id: 'stack-overflow', title: 'endless recursion in JavaScript is a RangeError, after which the worker goes on', clause: 'ECMA-262 sec-execution-contexts',
      async run({ equal, worker }) {
        const { ended } = worker(() => {
          const names = [];
          for (let n = 0; n < 3; n++) {
            try {
              (function recurse(depth) { return recurse(depth + 1) + 1; })(0);
            } catch (error) {
              // SpiderMonkey's InternalError is older than the other engines' RangeError.
              names.push(['RangeError', 'InternalError'].includes(error.name) ? 'caught' : String(error));
            }
          }
          return names;
        });
        equal(await ended, ['caught', 'caught', 'caught']);
      },
    },
    {
      id: 'stack-overflow-wasm', title: 'endless recursion in WebAssembly throws what JavaScript would, and the instance stays usable', clause: 'WebAssembly JS API stack-overflow', requires: ['wasm'], wasm: { recursion: RECURSION },
      async run({ equal, worker }, { recursion }) {
        const { ended } = worker((tools, bytes) => {
          const { recurse } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {}).exports;
          const kind = (call) => {
            try {
              call(0);
              return 'returned';
            } catch (error) {
              return error.constructor.name;
            }
          };
          const ours = kind(function deeper(depth) { return deeper(depth + 1) + 1; });
          return [1, 2, 3].map(() => (kind(recurse) === ours ? 'same' : `${kind(recurse)} and ${ours}`));
        }, recursion);
        equal(await ended, ['same', 'same', 'same']);
      },
    },
    {
      id: 'stack-overflow-others', title: 'a stack overflow in one thread does not disturb the others', clause: 'ECMA-262 sec-agents', requires: ['shared', 'wasm'], wasm: { recursion: RECURSION },
      async run({ equal, worker }, { recursion }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const counts = worker((tools, cell) => {
          let count = 0;
          do count++; while (Atomics.load(cell, 0) === 0);
          return count > 0;
        }, cell);
        const falls = worker((tools, bytes) => {
          const { recurse } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {}).exports;
          let caught = 0;
          for (let n = 0; n < 5; n++) {
            try {
              recurse(0);
            } catch {
              caught++;
            }
          }
          return caught;
        }, recursion);
        equal(await falls.ended, 5);
        Atomics.store(cell, 0, 1);
        equal(await counts.ended, true);
      },
    },
    {
      id: 'microtasks-before-wait', title: 'promises continue before the thread waits in a later task', clause: 'HTML perform-a-microtask-checkpoint', requires: ['shared', 'wait'],
      async run({ equal, worker }) {
        const { ended } = worker(async ({ sleep }, cell) => {
          const order = [];
          void Promise.resolve().then(() => order.push('microtask')).then(() => order.push('its continuation'));
          await sleep(0);
          order.push(Atomics.wait(cell, 0, 0, 1));
          return order;
        }, new Int32Array(new SharedArrayBuffer(4)));
        equal(await ended, ['microtask', 'its continuation', 'timed-out']);
      },
    },
    {
      id: 'close', title: 'a worker that has called close() runs no further task', clause: 'HTML dom-dedicatedworkerglobalscope-close', requires: ['shared', 'webWorker'],
      async run({ equal, script, sleep, until }) {
        const cell = new Int32Array(new SharedArrayBuffer(8));
        const own = script(`onmessage = ({ data: cell }) => {
          setTimeout(() => Atomics.store(cell, 1, 1), 0);
          Atomics.store(cell, 0, 1);
          close();
        };`);
        own.postMessage(cell);
        await until(() => Atomics.load(cell, 0) === 1);
        await sleep(200);
        equal(Atomics.load(cell, 1), 0, 'tasks after close()');
      },
    },
    {
      id: 'close-ends-later', title: 'the task that calls close() runs to its end', clause: 'HTML close-a-worker', requires: ['shared', 'webWorker'],
      async run({ equal, script, sleep, until }) {
        const cell = new Int32Array(new SharedArrayBuffer(8));
        const own = script(`onmessage = ({ data: cell }) => {
          Atomics.store(cell, 0, 1);
          close();
          Atomics.store(cell, 1, 1);
        };`);
        own.postMessage(cell);
        await until(() => Atomics.load(cell, 0) === 1);
        for (let n = 0; n < 100 && Atomics.load(cell, 1) === 0; n++) await sleep(20);
        equal(Atomics.load(cell, 1), 1, 'the statement behind close()');
      },
    },
    {
      id: 'exit', title: 'process.exit() in a worker ends this worker only', clause: 'Node worker_threads', requires: ['nodeWorker'],
      async run({ equal, script, listen }) {
        const own = script('process.exit(3);');
        equal(await new Promise((resolve) => listen(own, 'exit', resolve)), 3);
      },
    },
  ],
};
