// SPDX-License-Identifier: MIT
/** Opens and closes files: in the owner's thread or, where an fd can be used only by the thread that opened it, in a worker. */
import { close, constants, fstat, ftruncate, open } from 'node:fs';
import { promisify } from 'node:util';
import type { FileControl } from './host.js';

/** The error of a failed file operation, as the host itself would throw it. */
function fileError(code: string, text: string): Error {
  return Object.assign(new Error(text), { code });
}

export const fileControl: FileControl = {
  async open(path, { write, create }) {
    const { O_RDONLY, O_RDWR, O_CREAT, O_NONBLOCK } = constants;
    const flags = (write ? O_RDWR : O_RDONLY) | (create ? O_CREAT : 0) | O_NONBLOCK;
    // O_NONBLOCK is for FIFOs: without it, opening one would block until a writer has opened it, too.
    const handle = await promisify<string, number, number, number>(open)(path, flags, 0o666);
    try {
      const stat = await promisify(fstat)(handle);
      if (stat.isDirectory()) throw fileError('EISDIR', 'is a directory');
      // Other kinds of files are refused: nothing could end a worker that blocks while it reads one.
      if (!stat.isFile() && !stat.isBlockDevice()) {
        throw fileError('ENOTSUP', 'is not a regular file or block device');
      }
      return { handle, size: stat.size };
    } catch (error) {
      await promisify(close)(handle);
      throw error;
    }
  },

  async stat(handle) {
    const { size, mtimeMs } = await promisify(fstat)(handle);
    return { size, mtimeMs };
  },

  truncate: promisify<number, number>(ftruncate),
  close: promisify(close),
};
