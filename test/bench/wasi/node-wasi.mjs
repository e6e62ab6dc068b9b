// SPDX-License-Identifier: MIT
// Runs a command by Node's own node:wasi, in a worker as wasm-aio does.
//
//   node node-wasi.mjs MODULE FOLDER ARGUMENT...
import { readFile } from 'node:fs/promises';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

if (isMainThread) {
  const [module, folder, ...args] = process.argv.slice(2);
  // (With streams of its own: a worker that shares this thread's would make the pipe non-blocking, which node:wasi does not expect.)
  const worker = new Worker(new URL(import.meta.url), { workerData: { module, folder, args }, execArgv: ['--no-warnings'], stdout: true, stderr: true });
  worker.on('exit', (code) => process.exit(code));
} else {
  const { WASI } = await import('node:wasi');
  const { module, folder, args } = workerData;
  const wasi = new WASI({ version: 'preview1', args: ['bench', ...args], preopens: { '/': folder }, returnOnExit: true });
  const instance = await WebAssembly.instantiate(await WebAssembly.compile(await readFile(module)), wasi.getImportObject());
  process.exit(wasi.start(instance));
}
