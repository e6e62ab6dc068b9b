// SPDX-License-Identifier: MIT
/**
 * What differs between runtimes. Everything else in ts/src is the same on all of
 * them.
 */

/** A worker as its owner sees it. */
export interface HostWorker {
  post(message: unknown, transfer?: Transferable[]): void;
  /** Kills it; no guarantee that it stops soon, or at all. */
  terminate(): void;
  /** Whether it keeps the process alive (where there is such a thing). */
  keepAlive(on: boolean): void;
}

export interface WorkerEvents {
  message(data: unknown): void;
  /** It could not start, or threw what nobody caught. */
  error(error: unknown): void;
  /** It is gone. Not every host can tell. */
  exit(): void;
}

/** A file that was opened by the owner, or by the host-I/O worker. */
export interface HostFile {
  /** What FileCalls take. */
  handle: number;
  /** Bytes. */
  size: number;
}

/** How a file is opened. */
export interface OpenMode {
  write: boolean;
  /** Make it if there is none. */
  create: boolean;
}

/** So many bytes of the shared memory. */
export interface Range {
  start: number;
  length: number;
}

/**
 * What every host has to offer for files: positional, synchronous calls, straight
 * from and into the shared memory. Bytes, fewer where the file ends or the medium
 * is full; or an errno name.
 */
export interface FileCalls {
  pread(handle: number, memory: Uint8Array, start: number, length: number, offset: number): number | string;
  pwrite(handle: number, memory: Uint8Array, start: number, length: number, offset: number): number | string;
  preadv(handle: number, memory: Uint8Array, ranges: readonly Range[], offset: number): number | string;
  pwritev(handle: number, memory: Uint8Array, ranges: readonly Range[], offset: number): number | string;
  /** What was written is on the medium; an errno name if not. */
  fdatasync(handle: number): string | undefined;
}

/** What both kinds of thread have. */
export interface HostBase extends FileCalls {
  readonly name: string;
  /** ns of CLOCK_MONOTONIC since a moment that all threads share. */
  monotonic(): number;
  /** All other tasks that wait get their turn; then the promise resolves. */
  turn(): Promise<void>;
  /** Writes all of it to standard output (1) or error (2); an errno name if not. */
  write(fd: number, bytes: Uint8Array): string | undefined;
}

/** The owner's side. */
export interface OwnerHost extends HostBase {
  /** Processors; at least 1. */
  readonly cpus: number;
  /** True: only the worker that opened a file can use it. */
  readonly filesAreOwned: boolean;
  /** Throws AioError ERR_AIO_UNSUPPORTED, saying what is missing. */
  checkSupport(): void;
  readModule(url: URL): Promise<Uint8Array<ArrayBuffer>>;
  /** Throws when the host refuses. */
  startWorker(name: string, events: WorkerEvents): HostWorker;
  /** Throws a host error. Not called where files are owned. */
  open(path: string, mode: OpenMode): Promise<HostFile>;
  close(handle: number): Promise<void>;
}

/** A worker's side. */
export interface WorkerHost extends HostBase {
  onMessage(listener: (data: unknown) => void): void;
  post(message: unknown): void;
  /** Ends this worker once its event loop has nothing left. */
  end(): void;
  open(path: string, mode: OpenMode): Promise<HostFile>;
  close(handle: number): Promise<void>;
}
