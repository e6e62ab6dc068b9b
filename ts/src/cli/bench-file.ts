// SPDX-License-Identifier: MIT
import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { content, SECTOR } from '../bench/data.js';
import { AioError, hostErrno, messageOf } from '../errors.js';
import type { Runtime } from '../whole/runtime.js';

/** The path of a file that is deleted after the run. */
export function temporaryPath(): string {
  return join(tmpdir(), `wasm-aio-bench-${process.pid}.img`);
}

/** Creates a file of the bench, completely or not at all. The file must not exist. */
export async function make(runtime: Runtime, path: string, size: number, seed: number): Promise<void> {
  const rounded = Math.ceil(size / SECTOR) * SECTOR;
  let fd: number | undefined;
  try {
    fd = openSync(path, 'wx');
    for (const chunk of content(runtime, rounded, seed)) {
      for (let done = 0; done < chunk.length;) done += writeSync(fd, chunk, done);
      // Let Ctrl-C be noticed between two chunks.
      await runtime.host.turn();
    }
    closeSync(fd);
  } catch (error) {
    const errno = hostErrno(error);
    if (fd !== undefined) {
      closeSync(fd);
      rmSync(path, { force: true });
    }
    const why: Record<string, string> = {
      EEXIST: 'exists already, and the bench does not overwrite files',
      ENOSPC: `no space left for ${rounded} bytes: give a smaller --size, or another place in TMPDIR`,
      EFBIG: `a file of ${rounded} bytes is too large here: give a smaller --size`,
      ENOENT: 'no such directory',
    };
    if (error instanceof AioError) throw error;
    throw new AioError('ERR_AIO_IO', `${path}: ${why[errno] ?? messageOf(error)}`, { errno });
  }
}

/** The number of bytes to read. Throws an error that says why if the file cannot be read. */
export function sizeToRead(path: string, wanted: number | undefined, blockSize: number): number {
  let stat;
  try {
    stat = statSync(path);
  } catch (error) {
    const errno = hostErrno(error);
    throw new AioError('ERR_AIO_IO', `${path}: ${errno === 'ENOENT' ? 'no such file' : messageOf(error)}`, { errno });
  }
  if (stat.isDirectory()) throw new AioError('ERR_AIO_IO', `${path}: is a directory`, { errno: 'EISDIR' });
  if (stat.isFile() && stat.size < Math.max(wanted ?? 0, blockSize)) {
    const needed = wanted !== undefined && wanted > blockSize ? `--size=${wanted}` : `a block of ${blockSize} bytes`;
    throw new AioError('ERR_AIO_IO', `${path}: has ${stat.size} bytes, fewer than ${needed}`);
  }
  return wanted ?? stat.size;
}
