// SPDX-License-Identifier: MIT
export default {
  area: 'wait',
  title: 'Atomics.wait and Atomics.notify',
  requires: ['shared', 'wait'],
  cases: [
    {
      id: 'not-equal', title: 'wait returns "not-equal" at once if the value is another one', clause: 'ECMA-262 sec-atomics.wait',
      run({ equal }) {
        equal(Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1), 'not-equal');
      },
    },
    {
      id: 'time-out', title: 'wait returns "timed-out", and not before the time-out', clause: 'ECMA-262 sec-atomics.wait', alone: true,
      run({ equal, ok }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        // Where the clock is coarse, both of its values may be wrong by a step.
        let step = performance.now();
        for (const first = step; step === first;) step = performance.now();
        let resolution = Infinity;
        for (let n = 0; n < 20; n++) {
          const from = performance.now();
          let to = from;
          while (to === from) to = performance.now();
          resolution = Math.min(resolution, to - from);
        }
        for (const ms of [1, 5, 20.5, 50]) {
          const begun = performance.now();
          equal(Atomics.wait(cell, 0, 0, ms), 'timed-out');
          const took = performance.now() - begun;
          ok(took >= ms - 2 * resolution, `${ms} ms took ${took} ms (resolution of the clock: ${resolution} ms)`);
        }
      },
    },
    {
      id: 'time-out-zero', title: 'a time-out of 0 or below does not wait', clause: 'ECMA-262 sec-dowait',
      run({ equal }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        for (const ms of [0, -0, -1, -Infinity, null, false]) equal(Atomics.wait(cell, 0, 0, ms), 'timed-out', String(ms));
      },
    },
    {
      id: 'time-out-nan', title: 'a time-out of NaN, undefined or Infinity waits until notified', clause: 'ECMA-262 sec-dowait',
      async run({ equal, worker, until }) {
        for (const ms of [NaN, undefined, Infinity]) {
          const cell = new Int32Array(new SharedArrayBuffer(4));
          const { ended } = worker((tools, cell, ms) => Atomics.wait(cell, 0, 0, ms), cell, ms);
          await until(() => Atomics.notify(cell, 0) === 1);
          equal(await ended, 'ok', String(ms));
        }
      },
    },
    {
      id: 'time-out-fraction', title: 'a time-out below one millisecond ends', clause: 'ECMA-262 sec-dowait',
      run({ equal }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        for (const ms of [Number.MIN_VALUE, 1e-6, 0.1, 0.5]) equal(Atomics.wait(cell, 0, 0, ms), 'timed-out', String(ms));
      },
    },
    {
      id: 'time-out-long', title: 'a time-out beyond 2^31 and 2^53 ms does not end at once', clause: 'ECMA-262 sec-dowait',
      async run({ equal, worker, until }) {
        for (const ms of [2 ** 31, 2 ** 32 + 1, 2 ** 53, 1e300]) {
          const cell = new Int32Array(new SharedArrayBuffer(4));
          const { ended } = worker((tools, cell, ms) => Atomics.wait(cell, 0, 0, ms), cell, ms);
          await until(() => Atomics.notify(cell, 0) === 1);
          equal(await ended, 'ok', String(ms));
        }
      },
    },
    {
      id: 'ok', title: 'wait returns "ok" when notified', clause: 'ECMA-262 sec-atomics.wait',
      async run({ equal, worker, until }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const { ended } = worker((tools, cell) => Atomics.wait(cell, 0, 0), cell);
        await until(() => Atomics.notify(cell, 0) === 1);
        equal(await ended, 'ok');
      },
    },
    {
      id: 'bigint', title: 'wait and notify on a BigInt64Array', clause: 'ECMA-262 sec-atomics.wait',
      async run({ equal, worker, until }) {
        const cell = new BigInt64Array(new SharedArrayBuffer(16));
        cell[1] = -(2n ** 63n);
        const { ended } = worker((tools, cell) => Atomics.wait(cell, 1, -(2n ** 63n)), cell);
        await until(() => Atomics.notify(cell, 1) === 1);
        equal(await ended, 'ok');
      },
    },
    {
      id: 'bigint-upper-half', title: 'wait on a BigInt64Array compares all 64 bits', clause: 'ECMA-262 sec-dowait',
      run({ equal }) {
        const cell = new BigInt64Array(new SharedArrayBuffer(8));
        cell[0] = 2n ** 32n;
        equal(Atomics.wait(cell, 0, 0n, 0), 'not-equal', 'the upper half differs');
        equal(Atomics.wait(cell, 0, 2n ** 32n, 0), 'timed-out', 'equal');
      },
    },
    {
      id: 'value-coerced', title: 'the expected value is converted to an Int32', clause: 'ECMA-262 sec-dowait',
      run({ equal }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        for (const value of [0, 2 ** 32, '0', undefined, { valueOf: () => 0.9 }]) equal(Atomics.wait(cell, 0, value, 0), 'timed-out', String(value));
      },
    },
    {
      id: 'unshared', title: 'wait on memory that is not shared throws a TypeError', clause: 'ECMA-262 sec-dowait',
      run({ throws }) {
        throws('TypeError', () => Atomics.wait(new Int32Array(1), 0, 0, 0));
      },
    },
    {
      id: 'types', title: 'wait and notify take only Int32Array and BigInt64Array', clause: 'ECMA-262 sec-validateintegertypedarray',
      run({ throws }) {
        for (const type of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Uint32Array, Float32Array, Float64Array]) {
          const view = new type(new SharedArrayBuffer(8));
          throws('TypeError', () => Atomics.wait(view, 0, 0, 0), `wait, ${type.name}`);
          throws('TypeError', () => Atomics.notify(view, 0), `notify, ${type.name}`);
        }
        const unsigned = new BigUint64Array(new SharedArrayBuffer(8));
        throws('TypeError', () => Atomics.wait(unsigned, 0, 0n, 0), 'wait, BigUint64Array');
        throws('TypeError', () => Atomics.notify(unsigned, 0), 'notify, BigUint64Array');
      },
    },
    {
      id: 'range', title: 'wait and notify throw a RangeError for an index outside of the view', clause: 'ECMA-262 sec-validateatomicaccess',
      run({ throws }) {
        const view = new Int32Array(new SharedArrayBuffer(16), 4, 2);
        for (const index of [2, -1, 2 ** 32, Infinity]) {
          throws('RangeError', () => Atomics.wait(view, index, 0, 0), `wait, ${index}`);
          throws('RangeError', () => Atomics.notify(view, index), `notify, ${index}`);
        }
      },
    },
    {
      id: 'notify-nobody', title: 'notify returns 0 if nobody waits', clause: 'ECMA-262 sec-atomics.notify',
      run({ equal }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        equal(Atomics.notify(cell, 0), 0);
        equal(Atomics.notify(cell, 0, 5), 0);
        // It leaves nothing behind that a later wait would take.
        equal(Atomics.wait(cell, 0, 0, 5), 'timed-out', 'a later wait');
      },
    },
    {
      id: 'notify-unshared', title: 'notify on memory that is not shared returns 0', clause: 'ECMA-262 sec-atomics.notify',
      run({ equal }) {
        equal(Atomics.notify(new Int32Array(4), 0), 0);
        equal(Atomics.notify(new BigInt64Array(4), 1, 3), 0);
      },
    },
    {
      id: 'notify-counts', title: 'each wake-up is counted by exactly one notify, and no notify wakes more than its count', clause: 'ECMA-262 sec-atomics.notify',
      async run({ equal, ok, worker, sleep }) {
        const cell = new Int32Array(new SharedArrayBuffer(8));
        const all = Array.from({ length: 6 }, () => worker((tools, cell) => {
          const end = Atomics.wait(cell, 0, 0);
          Atomics.add(cell, 1, 1);
          return end;
        }, cell));
        let sum = 0;
        while (sum < all.length) {
          const woken = Atomics.notify(cell, 0, 2);
          ok(woken >= 0 && woken <= 2, `notify(2) returned ${woken}`);
          sum += woken;
          if (woken === 0) await sleep(1);
        }
        for (const { ended } of all) equal(await ended, 'ok');
        equal(Atomics.load(cell, 1), 6, 'threads woken');
      },
    },
    {
      id: 'notify-count-clamped', title: 'a negative count and 0 wake nobody, undefined and Infinity wake all', clause: 'ECMA-262 sec-atomics.notify',
      async run({ equal, worker, until, throws }) {
        const cell = new Int32Array(new SharedArrayBuffer(8));
        for (const everybody of [undefined, Infinity, 1e10]) {
          const waits = worker((tools, cell) => {
            Atomics.store(cell, 1, 1);
            return Atomics.wait(cell, 0, 0);
          }, cell);
          await until(() => Atomics.load(cell, 1) === 1);
          for (const nobody of [0, -1, -Infinity, NaN, 0.9]) equal(Atomics.notify(cell, 0, nobody), 0, `count ${nobody}`);
          await until(() => Atomics.notify(cell, 0, everybody) === 1);
          equal(await waits.ended, 'ok');
          Atomics.store(cell, 1, 0);
        }
        throws('TypeError', () => Atomics.notify(cell, 0, 1n), 'a BigInt as count');
      },
    },
    {
      id: 'notify-order', title: 'threads are woken in the order in which they began to wait', clause: 'ECMA-262 sec-removewaiters', alone: true,
      async run({ ok, worker, until, sleep }) {
        // Nobody can know that another thread sleeps by now, so an attempt may fail. Five threads are in order by chance in
        // one of 120 attempts.
        const seen = [];
        for (let attempt = 0; attempt < 8; attempt++) {
          const cell = new Int32Array(new SharedArrayBuffer(64));
          const all = [];
          for (let n = 0; n < 5; n++) {
            all.push(worker((tools, cell, n) => {
              Atomics.store(cell, 8 + n, 1);
              Atomics.wait(cell, 0, 0);
              cell[2 + Atomics.add(cell, 1, 1)] = n;
            }, cell, n));
            await until(() => Atomics.load(cell, 8 + n) === 1);
            await sleep(20);
          }
          for (const [n] of all.entries()) {
            await until(() => Atomics.notify(cell, 0, 1) === 1);
            await until(() => Atomics.load(cell, 1) === n + 1);
          }
          seen.push([...cell.subarray(2, 7)].join(' '));
          if (seen.at(-1) === '0 1 2 3 4') return `attempt ${attempt + 1}`;
        }
        ok(false, `orders: ${seen.join('; ')}`);
      },
    },
    {
      id: 'notify-other-index', title: 'notify wakes nobody who waits on another element', clause: 'ECMA-262 sec-atomics.notify',
      async run({ equal, worker, until }) {
        const cell = new Int32Array(new SharedArrayBuffer(16));
        const { ended } = worker((tools, cell) => Atomics.wait(cell, 1, 0), cell);
        await until(() => {
          equal(Atomics.notify(cell, 0), 0, 'the element before');
          equal(Atomics.notify(cell, 2), 0, 'the element behind');
          return Atomics.notify(cell, 1) === 1;
        });
        equal(await ended, 'ok');
      },
    },
    {
      id: 'notify-other-view', title: 'waiters belong to a place in memory, not to a view', clause: 'ECMA-262 sec-getwaiterlist',
      async run({ equal, worker, until }) {
        const buffer = new SharedArrayBuffer(64);
        const { ended } = worker((tools, buffer) => Atomics.wait(new Int32Array(buffer, 8, 6), 4, 0), buffer);
        const other = new Int32Array(buffer, 20);
        await until(() => Atomics.notify(other, 1) === 1);
        equal(await ended, 'ok');
      },
    },
    {
      id: 'notify-other-width', title: 'a wait on 64 bits is notified by a 32-bit view of the same place', clause: 'ECMA-262 sec-getwaiterlist',
      async run({ equal, worker, until }) {
        const buffer = new SharedArrayBuffer(16);
        const { ended } = worker((tools, buffer) => Atomics.wait(new BigInt64Array(buffer), 1, 0n), buffer);
        await until(() => Atomics.notify(new Int32Array(buffer), 2) === 1);
        equal(await ended, 'ok');
      },
    },
    {
      id: 'store-does-not-wake', title: 'a changed value alone wakes nobody', clause: 'ECMA-262 sec-dowait',
      async run({ equal, worker, until, sleep }) {
        let end;
        // "not-equal" means that the other thread did not sleep yet.
        do {
          const cell = new Int32Array(new SharedArrayBuffer(8));
          const { ended } = worker((tools, cell) => {
            Atomics.store(cell, 1, 1);
            return Atomics.wait(cell, 0, 0, 300);
          }, cell);
          await until(() => Atomics.load(cell, 1) === 1);
          await sleep(20);
          Atomics.store(cell, 0, 1);
          end = await ended;
        } while (end === 'not-equal');
        equal(end, 'timed-out');
      },
    },
    {
      id: 'no-lost-wake-up', title: 'a store and a notify before the wait are not lost (20,000 turns between two threads)', clause: 'ECMA-262 sec-dowait',
      async run({ equal, worker }) {
        const turns = 20_000;
        const play = (tools, cell, me, turns) => {
          for (let n = 0; n < turns; n++) {
            while (Atomics.load(cell, 0) !== me) Atomics.wait(cell, 0, 1 - me);
            Atomics.store(cell, 0, 1 - me);
            Atomics.notify(cell, 0, 1);
          }
          return turns;
        };
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const both = [0, 1].map((me) => worker(play, cell, me, turns));
        for (const { ended } of both) equal(await ended, turns);
      },
    },
    {
      id: 'sees-plain-writes', title: 'what was written before a notify is seen by the thread that it wakes', clause: 'ECMA-262 sec-memory-model',
      async run({ equal, worker }) {
        const memory = new Int32Array(new SharedArrayBuffer(4096 * 4 + 8), 8);
        const cell = new Int32Array(memory.buffer, 0, 2);
        const reader = worker(({ post }, cell, memory) => {
          post('started');
          let wrong = 0;
          for (let round = 1; round <= 300; round++) {
            while (Atomics.load(cell, 0) !== round) Atomics.wait(cell, 0, round - 1);
            for (const value of memory) wrong += value === round ? 0 : 1;
            Atomics.store(cell, 1, round);
            Atomics.notify(cell, 1);
          }
          return wrong;
        }, cell, memory);
        // Some runtimes start no worker while the thread that creates it is blocked.
        await reader.next();
        for (let round = 1; round <= 300; round++) {
          memory.fill(round);
          Atomics.store(cell, 0, round);
          Atomics.notify(cell, 0);
          while (Atomics.load(cell, 1) !== round) Atomics.wait(cell, 1, round - 1);
        }
        equal(await reader.ended, 0, 'old values');
      },
    },
    {
      id: 'growable', title: 'wait and notify beyond the old end of a SharedArrayBuffer that has grown', clause: 'ECMA-262 sec-sharedarraybuffer.prototype.grow', requires: ['growable'],
      async run({ equal, worker, until }) {
        const buffer = new SharedArrayBuffer(4, { maxByteLength: 4096 });
        const cell = new Int32Array(buffer);
        const { ended } = worker((tools, cell) => {
          Atomics.wait(cell, 0, 0);
          return Atomics.wait(cell, 1000, 7);
        }, cell);
        buffer.grow(4096);
        Atomics.store(cell, 1000, 7);
        await until(() => Atomics.notify(cell, 0) === 1);
        await until(() => Atomics.notify(cell, 1000) === 1);
        equal(await ended, 'ok');
      },
    },
  ],
};
