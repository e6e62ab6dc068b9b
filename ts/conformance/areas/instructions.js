// SPDX-License-Identifier: MIT
const both = ['i32', 'i32'];
const functions = {
  wait32: { params: ['i32', 'i32', 'i64'], results: ['i32'], body: 'local.get 0; local.get 1; local.get 2; memory.atomic.wait32 2 0' },
  wait64: { params: ['i32', 'i64', 'i64'], results: ['i32'], body: 'local.get 0; local.get 1; local.get 2; memory.atomic.wait64 3 0' },
  notify: { params: both, results: ['i32'], body: 'local.get 0; local.get 1; memory.atomic.notify 2 0' },
};
const WAITS = { memory: { initial: 1, maximum: 1, shared: true }, functions };
const UNSHARED = { memory: { initial: 1, maximum: 1, own: true }, functions };
const OPERATIONS = {
  memory: { initial: 1, maximum: 1, shared: true },
  functions: {
    load8: { params: ['i32'], results: ['i32'], body: 'local.get 0; i32.atomic.load8_u 0 0' },
    load16: { params: ['i32'], results: ['i32'], body: 'local.get 0; i32.atomic.load16_u 1 0' },
    load32: { params: ['i32'], results: ['i32'], body: 'local.get 0; i32.atomic.load 2 0' },
    load64: { params: ['i32'], results: ['i64'], body: 'local.get 0; i64.atomic.load 3 0' },
    offset2: { params: ['i32'], results: ['i32'], body: 'local.get 0; i32.atomic.load 2 2' },
    offsetEnd: { params: ['i32'], results: ['i32'], body: 'local.get 0; i32.atomic.load 2 4294967292' },
    store: { params: both, results: [], body: 'local.get 0; local.get 1; i32.atomic.store 2 0' },
    add: { params: both, results: ['i32'], body: 'local.get 0; local.get 1; i32.atomic.rmw.add 2 0' },
    sub: { params: both, results: ['i32'], body: 'local.get 0; local.get 1; i32.atomic.rmw.sub 2 0' },
    and: { params: both, results: ['i32'], body: 'local.get 0; local.get 1; i32.atomic.rmw.and 2 0' },
    or: { params: both, results: ['i32'], body: 'local.get 0; local.get 1; i32.atomic.rmw.or 2 0' },
    xor: { params: both, results: ['i32'], body: 'local.get 0; local.get 1; i32.atomic.rmw.xor 2 0' },
    xchg: { params: both, results: ['i32'], body: 'local.get 0; local.get 1; i32.atomic.rmw.xchg 2 0' },
    cmpxchg: { params: ['i32', 'i32', 'i32'], results: ['i32'], body: 'local.get 0; local.get 1; local.get 2; i32.atomic.rmw.cmpxchg 2 0' },
    add8: { params: both, results: ['i32'], body: 'local.get 0; local.get 1; i32.atomic.rmw8.add_u 0 0' },
    add16: { params: both, results: ['i32'], body: 'local.get 0; local.get 1; i32.atomic.rmw16.add_u 1 0' },
    add64: { params: ['i32', 'i64'], results: ['i64'], body: 'local.get 0; local.get 1; i64.atomic.rmw.add 3 0' },
    cmpxchg64: { params: ['i32', 'i64', 'i64'], results: ['i64'], body: 'local.get 0; local.get 1; local.get 2; i64.atomic.rmw.cmpxchg 3 0' },
    fence: { params: [], results: [], body: 'atomic.fence' },
  },
};
/** Adds to the 64-bit word at 8, so many times. */
const ADDS = {
  memory: { initial: 1, maximum: 1, shared: true },
  functions: {
    adds: { params: ['i32', 'i64'], results: [], body: 'loop; i32.const 8; local.get 1; i64.atomic.rmw.add 3 0; drop; local.get 0; i32.const 1; i32.sub; local.tee 0; br_if 0; end' },
  },
};
/** Takes turns with another thread: waits until the word at 0 is mine, sets it to other, notifies. All in one function. */
const TURNS = {
  memory: { initial: 1, maximum: 1, shared: true },
  functions: {
    play: {
      params: ['i32', 'i32', 'i32'], results: ['i32'], locals: ['i32'],
      body: `loop
          block
            loop
              i32.const 0; i32.atomic.load 2 0; local.get 0; i32.eq; br_if 1
              i32.const 0; local.get 1; i64.const -1; memory.atomic.wait32 2 0; drop
              br 0
            end
          end
          i32.const 0; local.get 1; i32.atomic.store 2 0
          i32.const 0; i32.const 1; memory.atomic.notify 2 0; drop
          local.get 3; i32.const 1; i32.add; local.tee 3
          local.get 2; i32.ne; br_if 0
        end
        local.get 3`,
    },
  },
};
const loadWith = (alignment) => ({ memory: { initial: 1, maximum: 1, shared: true }, functions: { load: { params: [], results: ['i32'], body: `i32.const 0; i32.atomic.load ${alignment} 0` } } });

export default {
  area: 'instructions',
  title: 'Instructions of WebAssembly threads',
  requires: ['shared', 'wasmThreads'],
  cases: [
    {
      id: 'wait-results', title: 'wait32 and wait64 return 1 for another value and 2 for a time-out', clause: 'WebAssembly threads wait', requires: ['wait'], wasm: { waits: WAITS },
      run({ equal }, { waits }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        const { wait32, wait64 } = new WebAssembly.Instance(new WebAssembly.Module(waits), { env: { memory } }).exports;
        equal([wait32(0, 1, -1n), wait64(0, 1n, -1n)], [1, 1], 'another value');
        equal([wait32(0, 0, 0n), wait64(0, 0n, 0n), wait32(65532, 0, 1000n), wait64(65528, 0n, 1_000_000n)], [2, 2, 2, 2], 'time-outs');
      },
    },
    {
      id: 'wait-notified', title: 'wait32 and wait64 return 0 when notified by WebAssembly', clause: 'WebAssembly threads notify', requires: ['wait'], wasm: { waits: WAITS },
      async run({ equal, worker, until }, { waits }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        const { notify } = new WebAssembly.Instance(new WebAssembly.Module(waits), { env: { memory } }).exports;
        const start = (name, value) => worker((tools, bytes, memory, name, value) =>
          new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports[name](16, value, -1n), waits, memory, name, value);
        for (const [name, value] of [['wait32', 0], ['wait64', 0n]]) {
          const { ended } = start(name, value);
          await until(() => notify(16, 1) === 1);
          equal(await ended, 0, name);
        }
      },
    },
    {
      id: 'wait-javascript', title: 'WebAssembly and JavaScript wake each other', clause: 'WebAssembly threads wait', requires: ['wait'], wasm: { waits: WAITS },
      async run({ equal, worker, until }, { waits }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        const { notify } = new WebAssembly.Instance(new WebAssembly.Module(waits), { env: { memory } }).exports;
        const inWasm = worker((tools, bytes, memory) => new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports.wait32(4, 0, -1n), waits, memory);
        await until(() => Atomics.notify(new Int32Array(memory.buffer), 1) === 1);
        equal(await inWasm.ended, 0, 'in WebAssembly');
        const inJavaScript = worker((tools, memory) => Atomics.wait(new Int32Array(memory.buffer), 1, 0), memory);
        await until(() => notify(4, 1) === 1);
        equal(await inJavaScript.ended, 'ok', 'in JavaScript');
      },
    },
    {
      id: 'wait-async', title: 'memory.atomic.notify wakes a waitAsync', clause: 'WebAssembly threads notify', requires: ['waitAsync'], wasm: { waits: WAITS },
      async run({ equal }, { waits }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        const { notify } = new WebAssembly.Instance(new WebAssembly.Module(waits), { env: { memory } }).exports;
        const { value } = Atomics.waitAsync(new Int32Array(memory.buffer), 2, 0);
        equal([notify(8, 3), notify(8, 3)], [1, 0]);
        equal(await value, 'ok');
      },
    },
    {
      id: 'wait64-upper-half', title: 'wait64 compares all 64 bits', clause: 'WebAssembly threads wait', requires: ['wait'], wasm: { waits: WAITS },
      run({ equal }, { waits }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        const { wait64 } = new WebAssembly.Instance(new WebAssembly.Module(waits), { env: { memory } }).exports;
        new BigInt64Array(memory.buffer)[1] = -(2n ** 63n) + 5n;
        equal([wait64(8, 5n, 0n), wait64(8, -(2n ** 63n) + 5n, 0n)], [1, 2]);
      },
    },
    {
      id: 'wait-unaligned', title: 'wait and notify on a misaligned address trap', clause: 'WebAssembly threads wait-and-wake-operators', requires: ['wait'], wasm: { waits: WAITS },
      run({ throws }, { waits }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        const { wait32, wait64, notify } = new WebAssembly.Instance(new WebAssembly.Module(waits), { env: { memory } }).exports;
        for (const address of [1, 2, 3]) throws('RuntimeError', () => wait32(address, 0, 0n), `wait32 at ${address}`);
        for (const address of [1, 2, 4, 12]) throws('RuntimeError', () => wait64(address, 0n, 0n), `wait64 at ${address}`);
        for (const address of [1, 2, 3]) throws('RuntimeError', () => notify(address, 1), `notify at ${address}`);
      },
    },
    {
      id: 'wait-bounds', title: 'wait and notify beyond the end trap', clause: 'WebAssembly threads wait-and-wake-operators', requires: ['wait'], wasm: { waits: WAITS },
      run({ throws }, { waits }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        const { wait32, wait64, notify } = new WebAssembly.Instance(new WebAssembly.Module(waits), { env: { memory } }).exports;
        for (const address of [65536, -4]) {
          throws('RuntimeError', () => wait32(address, 0, 0n), `wait32 at ${address}`);
          throws('RuntimeError', () => notify(address, 0), `notify at ${address}`);
        }
        throws('RuntimeError', () => wait64(65536, 0n, 0n), 'wait64');
      },
    },
    {
      id: 'wait-unshared', title: 'wait traps on a memory that is not shared, and notify returns 0 there', clause: 'WebAssembly threads wait', requires: ['wait'], wasm: { unshared: UNSHARED },
      run({ equal, throws }, { unshared }) {
        const { wait32, wait64, notify } = new WebAssembly.Instance(new WebAssembly.Module(unshared), {}).exports;
        equal(notify(0, 1), 0);
        throws('RuntimeError', () => wait32(0, 0, 0n), 'wait32');
        throws('RuntimeError', () => wait64(0, 0n, 0n), 'wait64');
      },
    },
    {
      id: 'notify-unsigned', title: 'the count of notify is unsigned: -1 wakes all', clause: 'WebAssembly threads notify', requires: ['waitAsync'], wasm: { waits: WAITS },
      async run({ equal }, { waits }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        const { notify } = new WebAssembly.Instance(new WebAssembly.Module(waits), { env: { memory } }).exports;
        const all = [1, 2, 3].map(() => Atomics.waitAsync(new Int32Array(memory.buffer), 0, 0).value);
        equal([notify(0, 0), notify(0, -1)], [0, 3]);
        equal(await Promise.all(all), ['ok', 'ok', 'ok']);
      },
    },
    {
      id: 'time-out', title: 'the time-out of wait32 is in nanoseconds, and not short', clause: 'WebAssembly threads wait', requires: ['wait'], alone: true, wasm: { waits: WAITS },
      run({ equal, ok }, { waits }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        const { wait32 } = new WebAssembly.Instance(new WebAssembly.Module(waits), { env: { memory } }).exports;
        const begun = performance.now();
        equal(wait32(0, 0, 30_000_000n), 2);
        const took = performance.now() - begun;
        ok(took >= 29, `30 ms took ${took} ms`);
      },
    },
    {
      id: 'wait-and-notify-in-one-loop', title: 'a function that both waits and notifies in a loop ends (2,000 turns between two threads)', clause: 'WebAssembly threads wait', requires: ['wait'], patience: 10_000, wasm: { turns: TURNS },
      async run({ equal, worker }, { turns }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        const play = (tools, bytes, memory, me) => new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports.play(me, 1 - me, 2000);
        const both = [0, 1].map((me) => worker(play, turns, memory, me));
        for (const { ended } of both) equal(await ended, 2000);
      },
    },
    {
      id: 'unaligned', title: 'misaligned atomic accesses trap, bytes excepted', clause: 'WebAssembly threads alignment', wasm: { operations: OPERATIONS },
      run({ equal, throws }, { operations }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        const instance = new WebAssembly.Instance(new WebAssembly.Module(operations), { env: { memory } }).exports;
        new Uint8Array(memory.buffer).set([1, 2, 3, 4, 5, 6, 7, 8]);
        equal([instance.load8(3), instance.load16(2), instance.load32(4), instance.load64(0)], [4, 0x403, 0x8070605, 0x807060504030201n]);
        for (const [name, address] of [['load16', 1], ['load32', 2], ['load64', 4], ['store', 1], ['add', 2], ['sub', 3], ['and', 2], ['or', 1], ['xor', 2], ['xchg', 2], ['add16', 1]]) {
          throws('RuntimeError', () => instance[name](address, 0), `${name} at ${address}`);
        }
        throws('RuntimeError', () => instance.cmpxchg(2, 0, 0), 'cmpxchg');
        throws('RuntimeError', () => instance.add64(4, 0n), 'add64');
        throws('RuntimeError', () => instance.cmpxchg64(4, 0n, 0n), 'cmpxchg64');
      },
    },
    {
      id: 'effective-address', title: 'the address with its offset counts: for alignment, and without wrapping around', clause: 'WebAssembly core exec-load', wasm: { operations: OPERATIONS },
      run({ equal, throws }, { operations }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        const { offset2, offsetEnd } = new WebAssembly.Instance(new WebAssembly.Module(operations), { env: { memory } }).exports;
        new Int32Array(memory.buffer)[1] = 33;
        equal(offset2(2), 33);
        throws('RuntimeError', () => offset2(4), 'address 4, offset 2');
        throws('RuntimeError', () => offsetEnd(4), 'address 4, offset 2^32 - 4');
        throws('RuntimeError', () => offsetEnd(8), 'address 8, offset 2^32 - 4');
      },
    },
    {
      id: 'validation', title: 'an atomic access with another than its natural alignment does not validate', clause: 'WebAssembly threads alignment', wasm: { less: loadWith(1), natural: loadWith(2), more: loadWith(3) },
      run({ equal }, { less, natural, more }) {
        equal([WebAssembly.validate(less), WebAssembly.validate(natural), WebAssembly.validate(more)], [false, true, false]);
      },
    },
    {
      id: 'memory-validation', title: 'a shared memory without a maximum does not validate', clause: 'WebAssembly threads resizing',
      run({ equal }) {
        const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
        // A memory section: its size, one memory, flags, limits.
        equal(WebAssembly.validate(new Uint8Array([...header, 5, 4, 1, 3, 1, 1])), true, 'shared, with a maximum');
        equal(WebAssembly.validate(new Uint8Array([...header, 5, 3, 1, 2, 1])), false, 'shared, without');
      },
    },
    {
      id: 'operations', title: 'read-modify-write instructions return the old value and store the new one', clause: 'WebAssembly threads read-modify-write', wasm: { operations: OPERATIONS },
      run({ equal }, { operations }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        const { add, sub, and, or, xor, xchg, cmpxchg, load32, store, fence } = new WebAssembly.Instance(new WebAssembly.Module(operations), { env: { memory } }).exports;
        store(0, 12);
        equal([add(0, 3), sub(0, 5), and(0, 6), or(0, 9), xor(0, 3), xchg(0, 7), cmpxchg(0, 7, 1), cmpxchg(0, 7, 2), load32(0)], [12, 15, 10, 2, 11, 8, 7, 1, 1]);
        store(0, -1);
        equal([add(0, 2), load32(0), fence()], [-1, 1, undefined]);
      },
    },
    {
      id: 'narrow', title: 'narrow read-modify-write wraps around, returns zero-extended values and leaves neighbours alone', clause: 'WebAssembly threads read-modify-write', wasm: { operations: OPERATIONS },
      run({ equal }, { operations }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        const { add8, add16, store, load32 } = new WebAssembly.Instance(new WebAssembly.Module(operations), { env: { memory } }).exports;
        store(0, 0x00ff00ff);
        equal([add8(0, 1), load32(0)], [255, 0x00ff0000], '8 bits');
        store(4, -1);
        equal([add16(6, 0x10002), load32(4)], [65535, 0x0001ffff], '16 bits');
      },
    },
    {
      id: 'contended-64', title: '64-bit additions of three threads carry into the upper half, and none is lost', clause: 'WebAssembly threads read-modify-write', wasm: { adds: ADDS },
      async run({ equal, worker }, { adds }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        const all = [1, 2, 3].map(() => worker((tools, bytes, memory) =>
          new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports.adds(100_000, 0x80000001n), adds, memory));
        for (const { ended } of all) await ended;
        equal(new BigInt64Array(memory.buffer)[1], 300_000n * 0x80000001n);
      },
    },
  ],
};
