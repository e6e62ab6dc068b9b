// SPDX-License-Identifier: MIT
export default {
  area: 'isolation',
  title: 'Cross-origin isolation',
  requires: ['browser'],
  cases: [
    {
      id: 'constructor', title: 'SharedArrayBuffer is a global if and only if the page is cross-origin isolated', clause: 'HTML cross-origin-isolated', on: 'main',
      run({ equal }) {
        equal(typeof SharedArrayBuffer === 'function', crossOriginIsolated);
      },
    },
    {
      id: 'memory', title: 'a shared memory can be posted if and only if the page is cross-origin isolated', clause: 'HTML structuredserializeinternal', on: 'main', requires: ['wasmThreads'],
      run({ equal, throws }) {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        const { port1, port2 } = new MessageChannel();
        if (crossOriginIsolated) port1.postMessage(memory);
        else throws('DataCloneError', () => port1.postMessage(memory));
        equal(Object.prototype.toString.call(memory.buffer), '[object SharedArrayBuffer]');
        port1.close();
        port2.close();
      },
    },
    {
      id: 'worker', title: 'a worker is isolated if its page is', clause: 'HTML run-a-worker', on: 'main', requires: ['workers'],
      async run({ equal, worker }) {
        equal(await worker(() => crossOriginIsolated).ended, crossOriginIsolated);
      },
    },
    {
      id: 'secure', title: 'an isolated page is a secure context', clause: 'HTML cross-origin-isolated', on: 'main',
      run({ ok }) {
        ok(!crossOriginIsolated || isSecureContext, 'crossOriginIsolated without isSecureContext');
      },
    },
  ],
};
