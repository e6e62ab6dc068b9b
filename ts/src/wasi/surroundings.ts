// SPDX-License-Identifier: MIT
import type { DirectoryCalls } from './guest-thread.js';
import type { AioStream } from './stream.js';

/** A standard stream of this process, for a guest. */
export interface Inherited {
  /** WASI's filetype. */
  type: number;
  isTerminal: boolean;
  /** What is waited for; none where its fd can be used at once. */
  stream?: AioStream;
}

export interface Listening {
  readonly port: number;
  /** No more connections; those that there are go on. */
  close(): void;
}

/** What guests get of this process and its system. */
export interface Surroundings {
  /** fd 0, 1 or 2 of this process; undefined: it is closed. */
  inherit(fd: number): Inherited | undefined;
  /** Whether two fds of this process are one and the same. */
  sameFile(one: number, other: number): boolean;
  /** An fd of a directory. @throws AioError ERR_AIO_IO, ERR_AIO_UNSUPPORTED */
  openDirectory(path: string): number;
  directoryCalls: DirectoryCalls;
  /** Rejects with AioError ERR_AIO_IO. */
  listen(host: string, port: number, onConnection: (stream: AioStream) => void): Promise<Listening>;
}
