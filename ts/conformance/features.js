// SPDX-License-Identifier: MIT
/**
 * What this thread of the runtime has, found by trying. The function uses nothing from outside of itself, because its text
 * runs in a worker, too.
 */
export async function features() {
  const tries = async (probe) => {
    try {
      return !!(await probe());
    } catch {
      return false;
    }
  };
  const inNode = typeof process === 'object' && !('Deno' in globalThis) && !('Bun' in globalThis) && !!process.versions?.node;
  const shared = () => new Int32Array(new SharedArrayBuffer(8));
  const probes = {
    browser: () => typeof crossOriginIsolated === 'boolean' && typeof navigator === 'object' && typeof location === 'object' && !('Deno' in globalThis) && !('Bun' in globalThis),
    workers: () => inNode || typeof (globalThis.startWorker ?? globalThis.Worker) === 'function',
    webWorker: () => !inNode && typeof Worker === 'function',
    nodeWorker: () => inNode,
    shared,
    wait: () => Atomics.wait(shared(), 0, 0, 0) === 'timed-out',
    waitAsync: () => Atomics.waitAsync(shared(), 0, 1).value === 'not-equal',
    pause: () => typeof Atomics.pause === 'function',
    growable: () => typeof SharedArrayBuffer.prototype.grow === 'function',
    wasm: () => WebAssembly.validate(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])),
    // A module with one shared memory of one page.
    wasmThreads: () => WebAssembly.validate(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 4, 1, 3, 1, 1])),
    resizableMemory: () => typeof WebAssembly.Memory.prototype.toResizableBuffer === 'function',
    streaming: () => typeof WebAssembly.compileStreaming === 'function' && typeof Response === 'function',
    performance: () => typeof performance.now() === 'number',
    text: () => new TextDecoder().decode(new TextEncoder().encode('a')) === 'a',
    crypto: () => crypto.getRandomValues(new Uint8Array(1)),
    subtle: () => crypto.subtle.digest('SHA-256', new Uint8Array(1)),
    blob: () => new Blob(['a']).text(),
    response: () => new Response('a').text(),
    streams: () => new ReadableStream(),
    byteStreams: () => new ReadableStream({ type: 'bytes' }),
    compression: () => new CompressionStream('deflate'),
    nodeFiles: () => (inNode || 'Deno' in globalThis || 'Bun' in globalThis) && import('node:fs'),
    opfs: () => navigator.storage.getDirectory(),
    async opfsModes() {
      const root = await navigator.storage.getDirectory();
      const name = `modes-${Math.random()}`;
      const handle = await (await root.getFileHandle(name, { create: true })).createSyncAccessHandle({ mode: 'readwrite-unsafe' });
      const { mode } = handle;
      handle.close();
      await root.removeEntry(name);
      return mode === 'readwrite-unsafe';
    },
  };
  const found = {};
  for (const [name, probe] of Object.entries(probes)) found[name] = await tries(probe);
  return found;
}
