// SPDX-License-Identifier: MIT
const COUNTER = {
  memory: { initial: 1, maximum: 4, shared: true }, globals: { count: 5 }, data: 'once',
  functions: {
    next: { params: [], results: ['i32'], body: 'global.get 0; i32.const 1; i32.add; global.set 0; global.get 0' },
    init: { params: ['i32'], results: [], body: 'local.get 0; i32.const 0; i32.const 4; memory.init 0 0' },
    dropData: { params: [], results: [], body: 'data.drop 0' },
    trap: { params: [], results: [], body: 'unreachable' },
  },
};
const STARTED = {
  memory: { initial: 1, maximum: 4, shared: true },
  functions: { begin: { params: [], results: [], body: 'i32.const 0; i32.const 1; i32.atomic.rmw.add 2 0; drop' } }, start: 'begin',
};
const CALLS = {
  memory: { initial: 1, maximum: 4, shared: true },
  imports: { call: { params: ['i32'], results: ['i32'] } },
  functions: { through: { params: ['i32'], results: ['i32'], body: 'local.get 0; call $call; i32.const 1; i32.add' } },
};

export default {
  area: 'modules',
  title: 'Modules and instances in several threads',
  requires: ['wasmThreads'],
  cases: [
    {
      id: 'posted', title: 'a module that was posted can be instantiated there, with the memory of here', clause: 'WebAssembly JS API serialization-steps', requires: ['shared', 'workers'], wasm: { started: STARTED },
      async run({ equal, worker }, { started }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
        const module = new WebAssembly.Module(started);
        const { ended } = worker(async (tools, module, memory) => {
          await WebAssembly.instantiate(module, { env: { memory } });
          return module instanceof WebAssembly.Module;
        }, module, memory);
        equal([await ended, new Int32Array(memory.buffer)[0]], [true, 1]);
      },
    },
    {
      id: 'posted-back', title: 'a module that was compiled in a worker is usable here, and in a third thread', clause: 'WebAssembly JS API serialization-steps', requires: ['shared', 'workers'], wasm: { started: STARTED },
      async run({ equal, worker }, { started }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
        const module = await worker((tools, bytes) => new WebAssembly.Module(bytes), started).ended;
        new WebAssembly.Instance(module, { env: { memory } });
        await worker((tools, module, memory) => void new WebAssembly.Instance(module, { env: { memory } }), module, memory).ended;
        equal(new Int32Array(memory.buffer)[0], 2);
      },
    },
    {
      id: 'descriptors', title: 'imports, exports and custom sections of a cloned module are those of the original', clause: 'WebAssembly JS API dom-module-imports', requires: ['workers'], wasm: { calls: CALLS },
      async run({ equal, worker }, { calls }) {
        const custom = [0, 4, 2, 0x68, 0x69, 0x21];
        const module = new WebAssembly.Module(new Uint8Array([...calls, ...custom]));
        const describe = (tools, module) => JSON.stringify([
          WebAssembly.Module.imports(module).map(({ module, name, kind }) => [module, name, kind]), WebAssembly.Module.exports(module).map(({ name, kind }) => [name, kind]),
          WebAssembly.Module.customSections(module, 'hi').map((section) => [...new Uint8Array(section)]),
        ]);
        equal(await worker(describe, module).ended, describe({}, module));
        equal(describe({}, module), '[[["env","call","function"],["env","memory","memory"]],[["through","function"]],[[33]]]');
      },
    },
    {
      id: 'globals-per-instance', title: 'globals belong to an instance: each thread has its own, as thread-local storage needs', clause: 'WebAssembly core exec-instantiation', requires: ['shared', 'workers'], wasm: { counter: COUNTER },
      async run({ equal, worker }, { counter }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
        const module = new WebAssembly.Module(counter);
        const own = new WebAssembly.Instance(module, { env: { memory } }).exports;
        own.next();
        const { ended } = worker((tools, module, memory) => {
          const { next, count } = new WebAssembly.Instance(module, { env: { memory } }).exports;
          count.value = 100;
          return [next(), next()];
        }, module, memory);
        equal(await ended, [101, 102], 'there');
        equal([own.next(), own.count.value], [7, 7], 'here');
      },
    },
    {
      id: 'start-per-instance', title: 'the start function runs once for each instance', clause: 'WebAssembly core exec-instantiation', requires: ['shared', 'workers'], wasm: { started: STARTED },
      async run({ equal, worker }, { started }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
        const module = new WebAssembly.Module(started);
        const all = [1, 2, 3].map(() => worker((tools, module, memory) => void new WebAssembly.Instance(module, { env: { memory } }), module, memory));
        for (const { ended } of all) await ended;
        equal(new Int32Array(memory.buffer)[0], 3);
      },
    },
    {
      id: 'data-per-instance', title: 'data.drop in one instance leaves the segment to the others', clause: 'WebAssembly core exec-data-drop', requires: ['shared'], wasm: { counter: COUNTER },
      run({ equal, throws }, { counter }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
        const module = new WebAssembly.Module(counter);
        const [one, other] = [1, 2].map(() => new WebAssembly.Instance(module, { env: { memory } }).exports);
        one.dropData();
        throws('RuntimeError', () => one.init(0), 'init after drop');
        other.init(8);
        equal(String.fromCharCode(...new Uint8Array(memory.buffer, 8, 4)), 'once');
      },
    },
    {
      id: 'many-instances', title: '200 instances of one module in one thread', clause: 'WebAssembly JS API instantiate-the-core-of-a-webassembly-module', requires: ['shared'], wasm: { started: STARTED },
      run({ equal }, { started }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
        const module = new WebAssembly.Module(started);
        for (let n = 0; n < 200; n++) new WebAssembly.Instance(module, { env: { memory } });
        equal(new Int32Array(memory.buffer)[0], 200);
      },
    },
    {
      id: 'trap', title: 'a trap is a RuntimeError, after which the instance and the other threads go on', clause: 'WebAssembly JS API exported-function-exotic-objects', requires: ['shared', 'workers'], wasm: { counter: COUNTER },
      async run({ equal, throws, worker }, { counter }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
        const module = new WebAssembly.Module(counter);
        const other = worker(async ({ next: message, post }, module, memory) => {
          const { next } = new WebAssembly.Instance(module, { env: { memory } }).exports;
          post('ready');
          await message();
          return next();
        }, module, memory);
        await other.next();
        const { trap, next } = new WebAssembly.Instance(module, { env: { memory } }).exports;
        throws('RuntimeError', trap);
        other.post('go on');
        equal([next(), await other.ended], [6, 6]);
      },
    },
    {
      id: 'exception-passes', title: 'what an imported function throws passes through WebAssembly unchanged', clause: 'WebAssembly JS API create-a-host-function', requires: ['shared'], wasm: { calls: CALLS },
      run({ equal }, { calls }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
        const thrown = { name: 'mine' };
        let caught;
        const { through } = new WebAssembly.Instance(new WebAssembly.Module(calls), { env: { memory, call(value) {
          if (value === 0) throw thrown;
          return value;
        } } }).exports;
        try {
          through(0);
        } catch (error) {
          caught = error;
        }
        equal([caught === thrown, through(4)], [true, 5]);
      },
    },
    {
      id: 'reentry', title: 'an imported function may call the instance again', clause: 'WebAssembly JS API create-a-host-function', requires: ['shared'], wasm: { calls: CALLS },
      run({ equal }, { calls }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
        const { through } = new WebAssembly.Instance(new WebAssembly.Module(calls), { env: { memory, call: (value) => (value === 0 ? 0 : through(value - 1)) } }).exports;
        equal(through(50), 51);
      },
    },
    {
      id: 'not-posted', title: 'instances, globals, tables and exported functions cannot be posted', clause: 'HTML structuredserializeinternal', requires: ['shared'], wasm: { counter: COUNTER },
      run({ throws }, { counter }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
        const instance = new WebAssembly.Instance(new WebAssembly.Module(counter), { env: { memory } });
        for (const [what, value] of Object.entries({
          instance, global: instance.exports.count, function: instance.exports.next, table: new WebAssembly.Table({ initial: 1, element: 'anyfunc' }),
        })) throws('DataCloneError|TypeError', () => structuredClone(value), what);
      },
    },
    {
      id: 'compile-error', title: 'bytes that are no module are a CompileError, synchronously and not', clause: 'WebAssembly JS API asynchronously-compile-a-webassembly-module',
      async run({ throws, rejects }) {
        for (const bytes of [new Uint8Array(0), new Uint8Array([0, 0x61, 0x73, 0x6d, 2, 0, 0, 0]), new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 99, 0])]) {
          throws('CompileError', () => new WebAssembly.Module(bytes), `Module of ${bytes.length} bytes`);
          await rejects('CompileError', WebAssembly.compile(bytes), `compile of ${bytes.length} bytes`);
        }
      },
    },
    {
      id: 'from-shared-bytes', title: 'a module is compiled from bytes in shared memory, or they are refused by a TypeError', clause: 'Web IDL AllowShared', requires: ['shared'], wasm: { counter: COUNTER },
      run({ equal }, { counter }) {
        const bytes = new Uint8Array(new SharedArrayBuffer(counter.length));
        bytes.set(counter);
        let module;
        try {
          module = new WebAssembly.Module(bytes);
        } catch (error) {
          return equal(error.name, 'TypeError');
        }
        equal(WebAssembly.Module.exports(module).length, 5);
      },
    },
    {
      id: 'streaming-type', title: 'compileStreaming takes application/wasm only', clause: 'WebAssembly Web API compile-a-potential-webassembly-response', requires: ['streaming'], wasm: { counter: COUNTER },
      async run({ equal, rejects }, { counter }) {
        const response = (type) => new Response(counter, { headers: { 'Content-Type': type } });
        const module = await WebAssembly.compileStreaming(response('application/wasm'));
        equal(module instanceof WebAssembly.Module, true);
        await rejects('TypeError', WebAssembly.compileStreaming(response('text/javascript')));
      },
    },
  ],
};
