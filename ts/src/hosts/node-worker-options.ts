// SPDX-License-Identifier: MIT
import type { WorkerOptions } from 'node:worker_threads';

/** The options of each worker of Node. */
export const workerOptions = (name: string): WorkerOptions => ({
  name,
  // The flags are inherited, unless there is one that a worker refuses. (If they were passed one by one, V8's flags would be
  // refused, too; those hold for the whole process anyway.)
  ...(process.execArgv.some((arg) => arg.startsWith('--input-type')) ? { execArgv: [] } : {}),
  // A thread that ends must not close fds that other threads use.
  trackUnmanagedFds: false,
});
