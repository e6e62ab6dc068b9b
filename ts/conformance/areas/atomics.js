// SPDX-License-Identifier: MIT
export default {
  area: 'atomics',
  title: 'Atomic operations and the memory model',
  cases: [
    {
      id: 'old-values', title: 'read-modify-write operations return the old value, in every type', clause: 'ECMA-262 sec-atomicreadmodifywrite',
      run({ equal }) {
        for (const type of [Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array]) {
          const view = new type(2);
          const seen = [
            Atomics.store(view, 1, 12), Atomics.add(view, 1, 3), Atomics.sub(view, 1, 5), Atomics.and(view, 1, 6), Atomics.or(view, 1, 9),
            Atomics.xor(view, 1, 3), Atomics.exchange(view, 1, 7), Atomics.compareExchange(view, 1, 7, 1), Atomics.compareExchange(view, 1, 7, 2), Atomics.load(view, 1),
          ];
          equal(seen, [12, 12, 15, 10, 2, 11, 8, 7, 1, 1], type.name);
        }
      },
    },
    {
      id: 'wrap', title: 'results wrap around as the type of the view says', clause: 'ECMA-262 sec-atomicreadmodifywrite',
      run({ equal }) {
        for (const [type, most, next] of [
          [Int8Array, 127, -128], [Uint8Array, 255, 0], [Int16Array, 32767, -32768], [Uint16Array, 65535, 0], [Int32Array, 2 ** 31 - 1, -(2 ** 31)], [Uint32Array, 2 ** 32 - 1, 0],
          [BigInt64Array, 2n ** 63n - 1n, -(2n ** 63n)], [BigUint64Array, 2n ** 64n - 1n, 0n],
        ]) {
          const view = new type([most]);
          equal(Atomics.add(view, 0, typeof most === 'bigint' ? 1n : 1), most, `${type.name}: the old value`);
          equal(Atomics.load(view, 0), next, `${type.name}: the new value`);
        }
      },
    },
    {
      id: 'store-value', title: 'store returns the value as an integer, before it is cut to the type', clause: 'ECMA-262 sec-atomics.store',
      run({ equal }) {
        const view = new Int8Array(1);
        equal([Atomics.store(view, 0, 257.9), view[0]], [257, 1]);
        equal(Atomics.store(view, 0, -0), 0);
        equal(Atomics.store(view, 0, '33'), 33);
      },
    },
    {
      id: 'compare-coerced', title: 'compareExchange compares after conversion to the type', clause: 'ECMA-262 sec-atomics.compareexchange',
      run({ equal }) {
        const view = new Uint8Array([1]);
        equal([Atomics.compareExchange(view, 0, 257, 5), view[0]], [1, 5]);
      },
    },
    {
      id: 'types', title: 'floating-point and clamped views are refused', clause: 'ECMA-262 sec-validateintegertypedarray',
      run({ throws }) {
        for (const type of [Uint8ClampedArray, Float32Array, Float64Array]) throws('TypeError', () => Atomics.load(new type(1), 0), type.name);
        throws('TypeError', () => Atomics.add(new BigInt64Array(1), 0, 1), 'a number for a BigInt64Array');
        throws('TypeError', () => Atomics.add(new Int32Array(1), 0, 1n), 'a BigInt for an Int32Array');
      },
    },
    {
      id: 'lock-free', title: 'isLockFree(4) is true, and other sizes are the same in each thread', clause: 'ECMA-262 sec-atomics.islockfree',
      async run({ equal, worker }) {
        const sizes = [1, 2, 3, 4, 8, 16];
        equal(Atomics.isLockFree(4), true);
        equal(await worker((tools, sizes) => sizes.map((size) => Atomics.isLockFree(size)), sizes).ended, sizes.map((size) => Atomics.isLockFree(size)));
      },
    },
    {
      id: 'pause', title: 'Atomics.pause takes nothing or an integer, and returns nothing', clause: 'ECMA-262 sec-atomics.pause', requires: ['pause'],
      run({ equal, throws }) {
        equal([Atomics.pause(), Atomics.pause(10), Atomics.pause(-1)], [undefined, undefined, undefined]);
        for (const wrong of [1.5, '1', null, NaN, 1n]) throws('TypeError', () => Atomics.pause(wrong), String(wrong));
      },
    },
    {
      id: 'contended-add', title: 'no addition of four threads is lost', clause: 'ECMA-262 sec-atomics.add', requires: ['shared'],
      async run({ equal, worker }) {
        const narrow = new Int32Array(new SharedArrayBuffer(4));
        const wide = new BigInt64Array(new SharedArrayBuffer(8));
        const all = Array.from({ length: 4 }, () => worker((tools, narrow, wide) => {
          for (let n = 0; n < 20_000; n++) {
            Atomics.add(narrow, 0, 1);
            Atomics.add(wide, 0, 2n ** 31n);
          }
        }, narrow, wide));
        for (const { ended } of all) await ended;
        equal([narrow[0], wide[0]], [80_000, 80_000n * 2n ** 31n]);
      },
    },
    {
      id: 'contended-byte', title: 'atomic operations on neighbouring bytes do not disturb each other', clause: 'ECMA-262 sec-atomics.add', requires: ['shared'],
      async run({ equal, worker }) {
        const bytes = new Uint8Array(new SharedArrayBuffer(4));
        const all = Array.from({ length: 4 }, (_, me) => worker((tools, bytes, me) => {
          for (let n = 0; n < 20_003; n++) Atomics.add(bytes, me, 1);
        }, bytes, me));
        for (const { ended } of all) await ended;
        equal([...bytes], Array(4).fill(20_003 % 256));
      },
    },
    {
      id: 'contended-compare-exchange', title: 'compareExchange gives each number to exactly one thread', clause: 'ECMA-262 sec-atomics.compareexchange', requires: ['shared'],
      async run({ equal, worker }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const all = Array.from({ length: 4 }, () => worker((tools, cell) => {
          const mine = [];
          for (let next = Atomics.load(cell, 0); next < 8000;) {
            const found = Atomics.compareExchange(cell, 0, next, next + 1);
            if (found === next) mine.push(next);
            next = found === next ? next + 1 : found;
          }
          return mine;
        }, cell));
        const numbers = (await Promise.all(all.map(({ ended }) => ended))).flat().sort((a, b) => a - b);
        equal(numbers.length, 8000, 'numbers');
        equal(numbers.every((each, n) => each === n), true, 'each once');
      },
    },
    {
      id: 'contended-exchange', title: 'exchange loses no value between two threads', clause: 'ECMA-262 sec-atomics.exchange', requires: ['shared'],
      async run({ equal, worker }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const all = [0, 1].map((me) => worker((tools, cell, me) => {
          const taken = [];
          for (let n = 1; n <= 10_000; n++) {
            const old = Atomics.exchange(cell, 0, 2 * n + me);
            if (old !== 0) taken.push(old);
          }
          return taken;
        }, cell, me));
        const taken = (await Promise.all(all.map(({ ended }) => ended))).flat();
        equal(new Set([...taken, cell[0]]).size, 20_000, 'distinct values');
      },
    },
    {
      id: 'message-passing', title: 'plain writes before an atomic store are seen after the atomic load that reads it', clause: 'ECMA-262 sec-happens-before', requires: ['shared'],
      async run({ equal, worker }) {
        const memory = new Int32Array(new SharedArrayBuffer(1024));
        const rounds = 20_000;
        const writer = worker((tools, memory, rounds) => {
          for (let n = 1; n <= rounds; n++) {
            memory[200] = n;
            memory[37] = n;
            Atomics.store(memory, 0, n);
          }
        }, memory, rounds);
        const reader = worker((tools, memory, rounds) => {
          let wrong = 0;
          for (let seen = 0; seen < rounds;) {
            seen = Atomics.load(memory, 0);
            if (memory[200] < seen || memory[37] < seen) wrong++;
          }
          return wrong;
        }, memory, rounds);
        await writer.ended;
        equal(await reader.ended, 0, 'old values');
      },
    },
    {
      id: 'store-buffering', title: 'two threads that each store and then load cannot both miss the store of the other', clause: 'ECMA-262 sec-sequentially-consistent-atomics', requires: ['shared'],
      async run({ equal, worker }) {
        const rounds = 20_000;
        const memory = new Int32Array(new SharedArrayBuffer(2 * rounds * 4 + 256));
        const seen = new Int32Array(new SharedArrayBuffer(2 * rounds * 4));
        const both = [0, 1].map((me) => worker((tools, memory, seen, me, rounds) => {
          const start = memory.length - 1;
          Atomics.add(memory, start, 1);
          while (Atomics.load(memory, start) < 2);
          for (let n = 0; n < rounds; n++) {
            Atomics.store(memory, 2 * n + me, 1);
            seen[2 * n + me] = Atomics.load(memory, 2 * n + 1 - me);
          }
        }, memory, seen, me, rounds));
        for (const { ended } of both) await ended;
        let missed = 0;
        for (let n = 0; n < rounds; n++) if (seen[2 * n] === 0 && seen[2 * n + 1] === 0) missed++;
        equal(missed, 0, 'rounds in which both missed it');
      },
    },
    {
      id: 'no-tearing', title: 'a 64-bit atomic load never sees half of a store', clause: 'ECMA-262 sec-tear-free-aligned-reads', requires: ['shared'],
      async run({ equal, worker }) {
        const cell = new BigInt64Array(new SharedArrayBuffer(8));
        const stop = new Int32Array(new SharedArrayBuffer(4));
        const writer = worker((tools, cell, stop) => {
          for (let n = 0n; Atomics.load(stop, 0) === 0; n = ~n) Atomics.store(cell, 0, n);
        }, cell, stop);
        const reader = worker((tools, cell) => {
          let torn = 0;
          for (let n = 0; n < 100_000; n++) {
            const value = Atomics.load(cell, 0);
            if (value !== 0n && value !== -1n) torn++;
          }
          return torn;
        }, cell);
        const torn = await reader.ended;
        Atomics.store(stop, 0, 1);
        await writer.ended;
        equal(torn, 0, 'torn values');
      },
    },
  ],
};
