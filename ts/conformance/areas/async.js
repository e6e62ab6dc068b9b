// SPDX-License-Identifier: MIT
export default {
  area: 'wait-async',
  title: 'Atomics.waitAsync',
  requires: ['shared', 'waitAsync'],
  cases: [
    {
      id: 'not-equal', title: 'answers "not-equal" at once, without a promise', clause: 'ECMA-262 sec-atomics.waitasync',
      run({ equal }) {
        const { async, value } = Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
        equal([async, value], [false, 'not-equal']);
      },
    },
    {
      id: 'zero', title: 'with a time-out of 0 answers "timed-out" at once, without a promise', clause: 'ECMA-262 sec-dowait',
      run({ equal }) {
        const { async, value } = Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
        equal([async, value], [false, 'timed-out']);
      },
    },
    {
      id: 'own-notify', title: 'resolves with "ok" when the same thread notifies', clause: 'ECMA-262 sec-notifywaiter',
      async run({ equal }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const { async, value } = Atomics.waitAsync(cell, 0, 0);
        equal(async, true);
        equal(Atomics.notify(cell, 0), 1, 'notify');
        equal(await value, 'ok');
      },
    },
    {
      id: 'other-notify', title: 'resolves with "ok" when another thread notifies', clause: 'ECMA-262 sec-notifywaiter',
      async run({ equal, worker }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const { value } = Atomics.waitAsync(cell, 0, 0);
        equal(await worker((tools, cell) => Atomics.notify(cell, 0), cell).ended, 1, 'notify');
        equal(await value, 'ok');
      },
    },
    {
      id: 'bigint', title: 'waits on a BigInt64Array', clause: 'ECMA-262 sec-atomics.waitasync',
      async run({ equal }) {
        const cell = new BigInt64Array(new SharedArrayBuffer(16));
        const { value } = Atomics.waitAsync(cell, 1, 0n);
        equal(Atomics.notify(cell, 1), 1, 'notify');
        equal(await value, 'ok');
      },
    },
    {
      id: 'not-at-once', title: 'continues in a later job, not inside of notify', clause: 'ECMA-262 sec-enqueueresolveinagentjob',
      async run({ equal }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        let done = false;
        const end = Atomics.waitAsync(cell, 0, 0).value.then(() => (done = true));
        Atomics.notify(cell, 0);
        equal(done, false, 'during the job that notifies');
        await end;
      },
    },
    {
      id: 'time-out', title: 'resolves with "timed-out", and not early', clause: 'ECMA-262 sec-dowait', patience: 10_000, alone: true,
      async run({ equal, ok }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        for (const ms of [1, 10, 50]) {
          const begun = performance.now();
          equal(await Atomics.waitAsync(cell, 0, 0, ms).value, 'timed-out');
          const took = performance.now() - begun;
          // Timers of event loops count in milliseconds.
          ok(took >= ms - 1, `${ms} ms took ${took} ms`);
        }
        equal(Atomics.notify(cell, 0), 0, 'notify afterwards');
      },
    },
    {
      id: 'time-out-idle', title: 'a time-out ends also in a thread that has nothing else to do', clause: 'ECMA-262 sec-enqueueatomicswaitasynctimeoutjob', patience: 10_000,
      async run({ equal, worker }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const { ended } = worker(async (tools, cell) => await Atomics.waitAsync(cell, 0, 0, 30).value, cell);
        equal(await ended, 'timed-out');
      },
    },
    {
      id: 'notify-idle', title: 'a notify reaches a thread that has nothing else to do', clause: 'ECMA-262 sec-notifywaiter',
      async run({ equal, worker, until }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const { ended } = worker(async (tools, cell) => await Atomics.waitAsync(cell, 0, 0).value, cell);
        await until(() => Atomics.notify(cell, 0) === 1);
        equal(await ended, 'ok');
      },
    },
    {
      id: 'notify-idle-often', title: 'each of thousands of notifications reaches a thread that has nothing else to do', clause: 'ECMA-262 sec-notifywaiter', patience: 20_000,
      async run({ equal, worker }) {
        const cell = new Int32Array(new SharedArrayBuffer(8));
        const { ended } = worker(async (tools, cell) => {
          for (let n = 0; ; n++) {
            // A notification may come late, when the next wait has begun.
            while (Atomics.load(cell, 0) === n) await Atomics.waitAsync(cell, 0, n).value;
            if (Atomics.load(cell, 0) < 0) return n;
            Atomics.store(cell, 1, n + 1);
            Atomics.notify(cell, 1);
          }
        }, cell);
        let rounds = 0;
        for (const end = performance.now() + 2000; rounds < 20_000 && performance.now() < end; rounds++) {
          Atomics.store(cell, 0, rounds + 1);
          Atomics.notify(cell, 0);
          while (Atomics.load(cell, 1) === rounds) await Atomics.waitAsync(cell, 1, rounds).value;
        }
        Atomics.store(cell, 0, -1);
        Atomics.notify(cell, 0);
        equal(await ended, rounds);
      },
    },
    {
      id: 'count', title: 'notify wakes as many as its count, and counts asynchronous waiters', clause: 'ECMA-262 sec-atomics.notify',
      async run({ equal, sleep }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const woken = [];
        for (let n = 0; n < 5; n++) void Atomics.waitAsync(cell, 0, 0).value.then((end) => woken.push(`${n} ${end}`));
        equal(Atomics.notify(cell, 0, 2), 2);
        await sleep(20);
        equal(woken, ['0 ok', '1 ok']);
        equal(Atomics.notify(cell, 0, 0), 0);
        equal(Atomics.notify(cell, 0), 3);
        equal(Atomics.notify(cell, 0), 0);
        await sleep(20);
        equal(woken.length, 5, 'woken at the end');
      },
    },
    {
      id: 'order', title: 'asynchronous waiters continue in the order in which they began', clause: 'ECMA-262 sec-removewaiters',
      async run({ equal }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const order = [];
        const all = Array.from({ length: 100 }, (_, n) => Atomics.waitAsync(cell, 0, 0).value.then(() => order.push(n)));
        while (Atomics.notify(cell, 0, 7) > 0);
        await Promise.all(all);
        equal(order, all.map((_, n) => n));
      },
    },
    {
      id: 'order-mixed', title: 'a thread that blocked first is woken before an asynchronous waiter', clause: 'ECMA-262 sec-removewaiters', alone: true,
      async run({ ok, worker, until, sleep }) {
        const seen = [];
        for (let attempt = 0; attempt < 8; attempt++) {
          const cell = new Int32Array(new SharedArrayBuffer(8));
          const blocked = worker((tools, cell) => {
            Atomics.store(cell, 1, 1);
            return Atomics.wait(cell, 0, 0);
          }, cell);
          await until(() => Atomics.load(cell, 1) === 1);
          await sleep(20);
          const woken = [];
          const both = [
            blocked.ended.then(() => woken.push('blocked')),
            Atomics.waitAsync(cell, 0, 0).value.then(() => woken.push('async')),
          ];
          Atomics.notify(cell, 0, 1);
          await Promise.race(both);
          await until(() => Atomics.notify(cell, 0, 1) === 1);
          await Promise.all(both);
          seen.push(woken.join(' '));
          // A runtime with another order would have it nearly always.
          if (seen.filter((each) => each === 'blocked async').length === 3) return;
        }
        ok(false, `orders: ${seen.join('; ')}`);
      },
    },
    {
      id: 'store-does-not-wake', title: 'a changed value alone does not resolve it', clause: 'ECMA-262 sec-dowait', patience: 10_000,
      async run({ equal }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const { value } = Atomics.waitAsync(cell, 0, 0, 50);
        Atomics.store(cell, 0, 1);
        equal(await value, 'timed-out');
      },
    },
    {
      id: 'unshared', title: 'throws a TypeError for memory that is not shared', clause: 'ECMA-262 sec-dowait',
      run({ throws }) {
        throws('TypeError', () => Atomics.waitAsync(new Int32Array(1), 0, 0));
      },
    },
    {
      id: 'main', title: 'works in the main thread', clause: 'ECMA-262 sec-atomics.waitasync', on: 'main',
      async run({ equal, worker }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const { value } = Atomics.waitAsync(cell, 0, 0);
        equal(await worker((tools, cell) => Atomics.notify(cell, 0), cell).ended, 1, 'notify');
        equal(await value, 'ok');
      },
    },
    {
      id: 'garbage', title: 'a pending wait outlives garbage collection, though nothing else refers to its memory', clause: 'ECMA-262 sec-liveness',
      async run({ ok, sleep }) {
        const done = [];
        for (let n = 0; n < 8; n++) void Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4096)), 0, 0, 400 + n).value.then(() => done.push(n));
        for (let n = 0; n < 15; n++) {
          globalThis.gc?.();
          // Garbage enough that each engine collects it.
          for (let m = 0; m < 40; m++) new Array(50_000).fill(m);
          await sleep(1);
        }
        for (let n = 0; n < 200 && done.length < 8; n++) await sleep(10);
        ok(done.length === 8, `${done.length} of 8 time-outs came`);
      },
    },
    {
      id: 'garbage-notify', title: 'after garbage collection a pending wait is still found by notify', clause: 'ECMA-262 sec-liveness',
      async run({ equal, worker, sleep }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const notifier = worker(async ({ next }, cell) => {
          await next();
          return Atomics.notify(cell, 0);
        }, cell);
        let done;
        (() => {
          // This view is garbage at once; the memory is shared with the other thread alone afterwards.
          void Atomics.waitAsync(new Int32Array(cell.buffer), 0, 0).value.then((end) => (done = end));
        })();
        for (let n = 0; n < 15; n++) {
          globalThis.gc?.();
          for (let m = 0; m < 40; m++) new Array(50_000).fill(m);
          await sleep(1);
        }
        notifier.post('go');
        equal(await notifier.ended, 1, 'notify');
        for (let n = 0; n < 200 && !done; n++) await sleep(10);
        equal(done, 'ok');
      },
    },
    {
      id: 'many', title: '5,000 waits on one word all end', clause: 'ECMA-262 sec-atomics.waitasync',
      async run({ equal }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const all = Array.from({ length: 5000 }, () => Atomics.waitAsync(cell, 0, 0).value);
        equal(Atomics.notify(cell, 0), 5000);
        equal([...new Set(await Promise.all(all))], ['ok']);
      },
    },
    {
      id: 'busy-loop', title: 'is not starved by a loop of timers', clause: 'ECMA-262 sec-forward-progress',
      async run({ equal, worker, sleep }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        let busy = true;
        const loop = (async () => {
          while (busy) await sleep(0);
        })();
        const { value } = Atomics.waitAsync(cell, 0, 0);
        equal(await worker((tools, cell) => Atomics.notify(cell, 0), cell).ended, 1, 'notify');
        equal(await value, 'ok');
        busy = false;
        await loop;
      },
    },
    {
      id: 'again', title: 'a thread that waits anew after each wake-up misses none (3,000 turns)', clause: 'ECMA-262 sec-notifywaiter', requires: ['wait'], patience: 120_000,
      async run({ equal, worker }) {
        const turns = 3000;
        const cell = new Int32Array(new SharedArrayBuffer(8));
        const other = worker((tools, cell, turns) => {
          for (let n = 1; n <= turns; n++) {
            Atomics.store(cell, 0, n);
            Atomics.notify(cell, 0);
            while (Atomics.load(cell, 1) !== n) Atomics.wait(cell, 1, n - 1);
          }
          return turns;
        }, cell, turns);
        for (let n = 1; n <= turns; n++) {
          while (Atomics.load(cell, 0) !== n) await Atomics.waitAsync(cell, 0, n - 1).value;
          Atomics.store(cell, 1, n);
          Atomics.notify(cell, 1);
        }
        equal(await other.ended, turns);
      },
    },
  ],
};
