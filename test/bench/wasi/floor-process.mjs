// SPDX-License-Identifier: MIT
// The floor of w_start and w_cat: a worker that loads node:fs, and that then copies standard input to standard output by blocking
// calls, if that is asked for. (A guest cannot use those: nothing would end a thread that waits in one.)
//
//   node floor-process.mjs [cat]
import { isMainThread, Worker, workerData } from 'node:worker_threads';

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { workerData: process.argv[2], stdout: true, stderr: true });
  worker.on('exit', (code) => process.exit(code));
} else {
  const { readSync, writeSync } = await import('node:fs');
  const block = new Uint8Array(new SharedArrayBuffer(65536));
  for (let count; workerData === 'cat' && (count = readSync(0, block)) > 0;) {
    for (let done = 0; done < count;) done += writeSync(1, block, done, count - done);
  }
}
