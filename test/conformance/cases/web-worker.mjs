// SPDX-License-Identifier: MIT
/** IOThreads whose workers are of the web's kind, which Deno and Bun have beside node:worker_threads: calls, failures, files that do not load. */
import iothreadCode from './iothread-code.mjs';
import calls from './calls.mjs';
import failures from './failures.mjs';
import brokenFiles from './broken-files.mjs';

export default async function (given) {
  if (typeof Worker !== 'function') given.skip('this runtime has no Worker of the web');
  const makeWorker = (url) => new Worker(url, { type: 'module' });
  for (const run of [iothreadCode, calls, brokenFiles, failures]) await run({ ...given, makeWorker });
}
