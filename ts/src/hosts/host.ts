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

/** A worker that the caller made: the web's, or one of node:worker_threads. */
export interface MadeWorker {
  postMessage(message: unknown): void;
  terminate(): unknown;
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
  /** What pread takes. */
  handle: number;
  /** Bytes. */
  size: number;
}

/** What both kinds of thread have. */
export interface HostBase {
  readonly name: string;
  /** ns of CLOCK_MONOTONIC since a moment that all threads share. */
  monotonic(): number;
  /** All other tasks that wait get their turn; then the promise resolves. */
  turn(): Promise<void>;
  /** Writes all of it to standard output (1) or error (2); an errno name if not. */
  write(fd: number, bytes: Uint8Array): string | undefined;
  /** Positional read into shared memory: bytes, or an errno name. */
  pread(handle: number, into: Uint8Array, offset: number): number | string;
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
  /** Throws when the host refuses. make: the caller's way to start the worker's entry. */
  startWorker(name: string, events: WorkerEvents, make?: () => MadeWorker): HostWorker;
  /** Throws a host error. Not called where files are owned. */
  open(path: string): Promise<HostFile>;
  close(handle: number): Promise<void>;
}

/** A worker's side. */
export interface WorkerHost extends HostBase {
  onMessage(listener: (data: unknown) => void): void;
  post(message: unknown): void;
  /** Ends this worker once its event loop has nothing left. */
  end(): void;
  open(path: string): Promise<HostFile>;
  close(handle: number): Promise<void>;
}
