// SPDX-License-Identifier: MIT
/** Opening files, in the owner, or where an fd belongs to the thread that opened it in its worker. */
import { close, constants, fstat, open } from 'node:fs';
import { promisify } from 'node:util';
import type { HostFile, OpenMode } from './host.js';

/** A failing call of the file system, as the host itself would throw it. */
function fileError(code: string, text: string): Error {
  return Object.assign(new Error(text), { code });
}

/** Deno's fds are those of one thread; Node's and Bun's are the process's. */
export const fdsAreOwned = 'Deno' in globalThis;

export async function openFile(path: string, { write, create }: OpenMode): Promise<HostFile> {
  const { O_RDONLY, O_RDWR, O_CREAT, O_NONBLOCK } = constants;
  const flags = (write ? O_RDWR : O_RDONLY) | (create ? O_CREAT : 0) | O_NONBLOCK;
  // Not O_NONBLOCK's business: a FIFO would block the open until a writer comes.
  const handle = await promisify<string, number, number, number>(open)(path, flags, 0o666);
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
}

export const closeFile: (handle: number) => Promise<void> = promisify(close);
