// SPDX-License-Identifier: MIT
import { close, constants, fstat, open } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker, type TransferListItem } from 'node:worker_threads';
import type { OwnerHost } from './host.js';
import { nodeBase } from './node.js';

/** A failing call of the file system, as the host itself would throw it. */
function fileError(code: string, text: string): Error {
  return Object.assign(new Error(text), { code });
}

export const ownerHost: OwnerHost = {
  ...nodeBase,
  cpus: availableParallelism(),
  filesAreOwned: false,

  checkSupport() {},

  async readModule(url) {
    return new Uint8Array(await readFile(fileURLToPath(url)));
  },

  startWorker(name, events, make) {
    const worker = make ? (make() as Worker) : new Worker(new URL('../iothread/worker-node.js', import.meta.url), {
      name,
      // Inherited, unless a flag is among them that a worker refuses. (Named one by
      // one, V8's would be refused: they hold for the whole process anyway.)
      ...(process.execArgv.some((arg) => arg.startsWith('--input-type')) ? { execArgv: [] } : {}),
      // A thread that ends must not close the fds of the others.
      trackUnmanagedFds: false,
    });
    worker.on('message', (data) => events.message(data));
    worker.on('error', (error) => events.error(error));
    worker.on('exit', () => events.exit());
    return {
      post: (message, transfer = []) => worker.postMessage(message, transfer as TransferListItem[]),
      terminate: () => void worker.terminate(),
      keepAlive: (on) => (on ? worker.ref() : worker.unref()),
    };
  },

  async open(path) {
    // Not O_NONBLOCK's business: a FIFO would block the open until a writer comes.
    const handle = await promisify(open)(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await promisify(fstat)(handle);
      if (stat.isDirectory()) throw fileError('EISDIR', 'is a directory');
      // Nothing can end a worker that blocks in a read of one of these.
      if (!stat.isFile() && !stat.isBlockDevice()) {
        throw fileError('ENOTSUP', 'is not a regular file or block device');
      }
      return { handle, size: stat.size };
    } catch (error) {
      await promisify(close)(handle);
      throw error;
    }
  },

  close: (handle) => promisify(close)(handle),
};
