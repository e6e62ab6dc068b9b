// Runs a package of npm that was built with napi-rs for wasm32-wasip1-threads on a WasiHost (option `imports`). Node-API is
// implemented by emnapi, in the first thread of the guest; the others only send that thread what it has to call.
import { createNapiModule } from '@emnapi/core';
import { createContext } from '@emnapi/runtime';

let napi;

// Every thread has an instance of its own, so it gets imports of its own.
export function imports(guest) {
  napi = createNapiModule(guest.thread === 0
    ? { context: createContext(), asyncWorkPoolSize: 2 }
    : { childThread: true, postMessage: (message) => guest.post(message) });
  // napi-rs imports all functions from 'env'.
  const { env, napi: functions, emnapi } = napi.imports;
  return { env: { ...env, ...functions, ...emnapi }, napi: functions, emnapi };
}

// The first thread is initialised by bindingOf().
export function instantiated(guest) {
  if (guest.thread !== 0) init(guest);
}

function init({ instance, module, memory }) {
  return napi.init({ instance, module, memory, table: instance.exports.__indirect_function_table });
}

// emnapi expects messages of other threads from their workers. The workers belong to the WasiHost, so these objects stand in for them.
const workers = new Map();

function workerOf(thread) {
  if (!workers.has(thread)) {
    const listeners = new Set();
    const add = (_type, listener) => void listeners.add(listener);
    const remove = (_type, listener) => void listeners.delete(listener);
    const worker = { on: add, off: remove, addEventListener: add, removeEventListener: remove, listeners };
    workers.set(thread, worker);
    napi.emnapi.addSendListener(worker);
  }
  return workers.get(thread);
}

const isNode = typeof process === 'object' && Boolean(process.versions?.node);

export function message(data, thread) {
  for (const listener of [...workerOf(thread).listeners]) listener(isNode ? data : { data });
}

// Returns what the package exports. Call it in run().
export function bindingOf(guest) {
  const { exports } = guest.instance;
  napi.PThread.pthreads = new Proxy({}, { get: (_workers, thread) => workerOf(Number(thread)) });
  for (const name of Object.keys(exports)) if (name.startsWith('__napi_register__')) exports[name]();
  return init(guest);
}
