// SPDX-License-Identifier: MIT
const SIZE = {
  memory: { initial: 1, maximum: 64, shared: true },
  functions: {
    size: { params: [], results: ['i32'], body: 'memory.size 0' },
    grow: { params: ['i32'], results: ['i32'], body: 'local.get 0; memory.grow 0' },
    load: { params: ['i32'], results: ['i32'], body: 'local.get 0; i32.load 2 0' },
    store: { params: ['i32', 'i32'], results: [], body: 'local.get 0; local.get 1; i32.store 2 0' },
    // Waits until the word at 0 is set, and then reads where it points.
    follow: { params: [], results: ['i32'], locals: ['i32'], body: 'loop; i32.const 0; i32.atomic.load 2 0; local.tee 0; i32.eqz; br_if 0; end; local.get 0; i32.load 2 0' },
    fill: { params: ['i32', 'i32', 'i32'], results: [], body: 'local.get 0; local.get 1; local.get 2; memory.fill 0' },
    copy: { params: ['i32', 'i32', 'i32'], results: [], body: 'local.get 0; local.get 1; local.get 2; memory.copy 0 0' },
  },
};

export default {
  area: 'memory',
  title: 'Shared WebAssembly memory and its growth',
  requires: ['shared', 'wasmThreads'],
  cases: [
    {
      id: 'other-thread-grows', title: 'growth in another thread is seen after an atomic hand-over', clause: 'WebAssembly JS API refresh-the-memory-buffer',
      async run({ equal, worker }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 64, shared: true });
        const other = worker(async ({ next, post }, memory) => {
          for (let n = 0; n < 20; n++) {
            await next();
            memory.grow(1);
            const bytes = new Uint8Array(memory.buffer);
            bytes[bytes.length - 1] = n;
            Atomics.store(new Int32Array(memory.buffer), 0, bytes.length);
            post('grown');
          }
        }, memory);
        for (let n = 0; n < 20; n++) {
          other.post('grow');
          await other.next();
          const size = Atomics.load(new Int32Array(memory.buffer), 0);
          equal(memory.buffer.byteLength, size, 'byteLength');
          equal(new Uint8Array(memory.buffer)[size - 1], n, 'the last byte');
        }
      },
    },
    {
      id: 'seen-after-wait', title: 'a thread that waited sees the growth that happened meanwhile', clause: 'WebAssembly JS API refresh-the-memory-buffer', requires: ['wait'],
      async run({ equal, worker, until }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 64, shared: true });
        const other = worker(({ post }, memory) => {
          post(memory.buffer.byteLength);
          Atomics.wait(new Int32Array(memory.buffer), 0, 0);
          const { byteLength } = memory.buffer;
          return [byteLength, new Int32Array(memory.buffer)[byteLength / 4 - 1]];
        }, memory);
        equal(await other.next(), 65536, 'before');
        memory.grow(9);
        new Int32Array(memory.buffer)[10 * 16384 - 1] = 77;
        await until(() => Atomics.notify(new Int32Array(memory.buffer), 0) === 1);
        equal(await other.ended, [655360, 77]);
      },
    },
    {
      id: 'grown-under-way', title: 'a memory that grows between postMessage and the message event has its new size there', clause: 'WebAssembly JS API serialization-steps', requires: ['wait'],
      async run({ equal, worker }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 64, shared: true });
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const other = worker(async ({ post, next }, cell) => {
          post('ready');
          // The message lies there, and is taken only when the memory has grown.
          Atomics.wait(cell, 0, 0);
          const { buffer } = await next();
          return buffer.byteLength;
        }, cell);
        await other.next();
        other.post(memory);
        memory.grow(9);
        Atomics.store(cell, 0, 1);
        Atomics.notify(cell, 0);
        equal(await other.ended, 10 * 65536);
      },
    },
    {
      id: 'wasm-follows', title: 'compiled code that spins on a pointer reads beyond its old end when it comes', clause: 'WebAssembly threads resizing', wasm: { module: SIZE },
      async run({ equal, worker }, { module }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 64, shared: true });
        const other = worker(({ post }, bytes, memory) => {
          const { follow } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports;
          post('ready');
          return follow();
        }, module, memory);
        await other.next();
        memory.grow(20);
        const words = new Int32Array(memory.buffer);
        words[words.length - 1] = 4242;
        Atomics.store(words, 0, words.byteLength - 4);
        equal(await other.ended, 4242);
      },
    },
    {
      id: 'size-instruction', title: 'memory.size and memory.grow agree between threads and with JavaScript', clause: 'WebAssembly threads resizing', wasm: { module: SIZE },
      async run({ equal, worker }, { module }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 64, shared: true });
        const { size, grow } = new WebAssembly.Instance(new WebAssembly.Module(module), { env: { memory } }).exports;
        const { ended } = worker((tools, bytes, memory) => {
          const { size, grow } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports;
          return [size(), grow(2), size(), memory.buffer.byteLength];
        }, module, memory);
        equal(await ended, [1, 1, 3, 3 * 65536], 'there');
        equal([size(), memory.buffer.byteLength, memory.grow(1), grow(1), size()], [3, 3 * 65536, 3, 4, 5], 'here');
      },
    },
    {
      id: 'concurrent', title: 'four threads that grow at once get distinct sizes, and no page is lost', clause: 'WebAssembly threads resizing',
      async run({ equal, worker }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 65, shared: true });
        const all = Array.from({ length: 4 }, () => worker(({ post }, memory) => {
          const cell = new Int32Array(memory.buffer);
          Atomics.add(cell, 0, 1);
          while (Atomics.load(cell, 0) < 4);
          return Array.from({ length: 16 }, () => memory.grow(1));
        }, memory));
        const sizes = (await Promise.all(all.map(({ ended }) => ended))).flat().sort((a, b) => a - b);
        equal(sizes, Array.from({ length: 64 }, (_, n) => n + 1));
        equal(memory.buffer.byteLength, 65 * 65536);
      },
    },
    {
      id: 'old-views', title: 'views of the old range keep working, and alias the new ones', clause: 'WebAssembly JS API refresh-the-memory-buffer',
      run({ equal }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
        const old = new Int32Array(memory.buffer);
        const { buffer } = memory;
        memory.grow(1);
        new Int32Array(memory.buffer)[5] = 9;
        old[6] = 8;
        equal([old[5], new Int32Array(memory.buffer)[6], old.length, buffer.byteLength], [9, 8, 16384, 65536]);
        equal([memory.buffer === buffer, memory.buffer.byteLength, memory.buffer === memory.buffer], [false, 131072, true], 'the new buffer');
      },
    },
    {
      id: 'wait-across-buffers', title: 'a wait through the old buffer is notified through the new one', clause: 'ECMA-262 sec-getwaiterlist', requires: ['wait'],
      async run({ equal, worker, until }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
        const { ended } = worker((tools, memory) => Atomics.wait(new Int32Array(memory.buffer), 3, 0), memory);
        memory.grow(1);
        await until(() => Atomics.notify(new Int32Array(memory.buffer), 3) === 1);
        equal(await ended, 'ok');
      },
    },
    {
      id: 'frozen', title: 'the buffer of a shared memory is a frozen SharedArrayBuffer', clause: 'WebAssembly JS API create-a-fixed-length-memory-buffer',
      run({ equal }) {
        const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
        equal([buffer instanceof SharedArrayBuffer, Object.isFrozen(buffer), buffer.growable ?? false], [true, true, false]);
      },
    },
    {
      id: 'maximum', title: 'growth beyond the maximum is a RangeError, and -1 in WebAssembly; nothing changes', clause: 'WebAssembly JS API dom-memory-grow', wasm: { module: SIZE },
      run({ equal, throws }, { module }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 3, shared: true });
        const { grow } = new WebAssembly.Instance(new WebAssembly.Module(module), { env: { memory } }).exports;
        throws('RangeError', () => memory.grow(3));
        equal([grow(3), grow(-1), memory.buffer.byteLength, grow(2), grow(1), grow(0)], [-1, -1, 65536, 1, -1, 3]);
      },
    },
    {
      id: 'descriptor', title: 'a shared memory without a maximum, or with one below its initial size, is refused', clause: 'WebAssembly JS API dom-memory-memory',
      run({ throws }) {
        throws('TypeError', () => new WebAssembly.Memory({ initial: 1, shared: true }), 'without');
        throws('RangeError', () => new WebAssembly.Memory({ initial: 2, maximum: 1, shared: true }), 'below');
      },
    },
    {
      id: 'import-limits', title: 'a module takes only a memory that is shared and within its limits', clause: 'WebAssembly JS API read-the-imports', wasm: { module: SIZE, plain: { ...SIZE, memory: { initial: 1, maximum: 64 }, functions: {} } },
      run({ throws }, { module, plain }) {
        const link = (bytes, descriptor) => () => new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: new WebAssembly.Memory(descriptor) } });
        throws('LinkError', link(module, { initial: 1, maximum: 65, shared: true }), 'a greater maximum');
        throws('LinkError', link(module, { initial: 0, maximum: 64, shared: true }), 'a smaller initial size');
        throws('LinkError', link(module, { initial: 1, maximum: 64 }), 'not shared');
        throws('LinkError', link(plain, { initial: 1, maximum: 64, shared: true }), 'shared for a module that does not ask for it');
        link(module, { initial: 2, maximum: 8, shared: true })();
      },
    },
    {
      id: 'zeroed', title: 'new pages are zero', clause: 'WebAssembly core exec-memory-grow', wasm: { module: SIZE },
      run({ equal }, { module }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 64, shared: true });
        const { store, load } = new WebAssembly.Instance(new WebAssembly.Module(module), { env: { memory } }).exports;
        store(65532, 1);
        memory.grow(32);
        equal(new Uint8Array(memory.buffer, 65536).every((byte) => byte === 0), true);
        equal([load(65532), load(65536)], [1, 0]);
      },
    },
    {
      id: 'bulk-bounds', title: 'memory.fill and memory.copy beyond the end trap, and write nothing', clause: 'WebAssembly core exec-memory-fill', wasm: { module: SIZE },
      run({ equal, throws }, { module }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 64, shared: true });
        const { fill, copy } = new WebAssembly.Instance(new WebAssembly.Module(module), { env: { memory } }).exports;
        throws('RuntimeError', () => fill(65530, 7, 7), 'fill');
        throws('RuntimeError', () => copy(65530, 0, 7), 'copy');
        throws('RuntimeError', () => fill(-1, 7, 0), 'fill of nothing outside');
        equal(new Uint8Array(memory.buffer).every((byte) => byte === 0), true, 'nothing was written');
        fill(65530, 7, 6);
        copy(0, 65530, 6);
        fill(65536, 1, 0);
        equal([...new Uint8Array(memory.buffer, 0, 7)], [7, 7, 7, 7, 7, 7, 0]);
      },
    },
    {
      id: 'memory-posted', title: 'a posted memory keeps its kind: it is shared, grows and links there', clause: 'WebAssembly JS API serialization-steps', wasm: { module: SIZE },
      async run({ equal, worker }, { module }) {
        const memory = new WebAssembly.Memory({ initial: 2, maximum: 64, shared: true });
        const { ended } = worker((tools, bytes, memory) => {
          const { size } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports;
          return [memory instanceof WebAssembly.Memory, memory.buffer instanceof SharedArrayBuffer, size(), memory.grow(62)];
        }, module, memory);
        equal(await ended, [true, true, 2, 2]);
        equal(memory.buffer.byteLength, 64 * 65536);
      },
    },
    {
      id: 'unshared-not-posted', title: 'a memory that is not shared cannot be posted', clause: 'WebAssembly JS API serialization-steps',
      run({ throws }) {
        throws('DataCloneError', () => structuredClone(new WebAssembly.Memory({ initial: 1, maximum: 2 })));
      },
    },
    {
      id: 'resizable', title: 'toResizableBuffer() gives a growable buffer that follows the memory in each thread', clause: 'WebAssembly JS API dom-memory-toresizablebuffer', requires: ['resizableMemory'],
      async run({ equal, worker }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 8, shared: true });
        const bytes = new Uint8Array(memory.toResizableBuffer());
        await worker((tools, memory) => memory.grow(3), memory).ended;
        equal([bytes.length, memory.buffer.growable], [4 * 65536, true]);
      },
    },
    {
      id: 'growable-array', title: 'a SharedArrayBuffer grows for all of its views, and never shrinks', clause: 'ECMA-262 sec-sharedarraybuffer.prototype.grow', requires: ['growable'],
      run({ equal, throws }) {
        const buffer = new SharedArrayBuffer(8, { maxByteLength: 32 });
        const [tracking, fixed] = [new Uint8Array(buffer, 4), new Uint8Array(buffer, 0, 8)];
        buffer.grow(16);
        equal([buffer.byteLength, tracking.length, fixed.length], [16, 12, 8]);
        throws('RangeError', () => buffer.grow(15), 'shrinking');
        throws('RangeError', () => buffer.grow(33), 'beyond the maximum');
      },
    },
    {
      id: 'four-gib', title: 'a memory with a maximum of 65,536 pages can be made where 4 GiB can be reserved', clause: 'WebAssembly JS API limits',
      run({ equal, skip }) {
        let memory;
        try {
          memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
        } catch (error) {
          equal(error.name, 'RangeError', 'a refusal');
          skip(`refused: ${error.message}`);
        }
        equal([memory.buffer.byteLength, memory.grow(1)], [65536, 1]);
      },
    },
  ],
};
