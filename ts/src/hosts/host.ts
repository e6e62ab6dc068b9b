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
  /** Resolves when it has ended and touches no memory any more. Not every host can tell, and none
   * tells in every case (Bun: not of one that spins in WebAssembly). */
  readonly gone?: Promise<void>;
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
  /** A message came that cannot be deserialised here. */
  unreadable(): void;
  /** It could not start, or threw what nobody caught. */
  error(error: unknown): void;
  /** It has ended; confirmed: it touches no memory any more. Not every host can tell, or knows a
   * code. */
  exit(confirmed: boolean, code?: number): void;
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

/** Something that keeps the process alive while it is referenced; at first it is not. */
export interface KeepAlive {
  ref(): void;
  unref(): void;
}

/** What both kinds of thread have. */
export interface HostBase extends FileCalls {
  readonly name: string;
  /** Node's file system, where there is one; WASI guests use it. (Its type is Node's own: a
   * user's program need not have that.) */
  readonly fs?: object;
  /** Runs touch(1) on a file that this process names so; false if it did not work. */
  touch?(options: readonly string[], path: string): boolean;
  /** The clock of deadlines, in ns since a moment that all threads of a runtime share. It never goes
   * backwards in a thread. A worker with agreeOnClock() calls that first. */
  monotonic(): number;
  /** All other tasks that wait get their turn; then the promise resolves. */
  turn(): Promise<void>;
  /** Absent: nothing here ends by itself. */
  keepAlive?(): KeepAlive;
  /** Writes all of it to standard output (1) or error (2); an errno name if not. */
  write(fd: number, bytes: Uint8Array): string | undefined;
}

/** The owner's side. */
export interface OwnerHost extends HostBase {
  /** Processors; at least 1. */
  readonly cpus: number;
  /** True: only the worker that opened a file can use it. */
  readonly filesAreOwned: boolean;
  /** An error that nobody catches in a worker ends it, and exit() tells of that. (In a page it goes on.) */
  readonly errorsEnd: boolean;
  /** terminate() ends a worker that sleeps or waits at once, and frees what it held. (Deno lets it sleep
   * on; WebKit never frees the memory of one that is terminated inside WebAssembly.) */
  readonly killsCleanly: boolean;
  /** Tells whoever looks after the program; not an error. */
  warn(text: string): void;
  /** Throws AioError ERR_AIO_UNSUPPORTED, saying what is missing. */
  checkSupport(): void;
  readModule(url: URL): Promise<Uint8Array<ArrayBuffer>>;
  /** Throws when the host refuses. make: another way to start a worker than that of the package's own. */
  startWorker(name: string, events: WorkerEvents, make?: (name: string) => MadeWorker): HostWorker;
  /** Throws a host error. Not called where files are owned. */
  open(path: string, mode: OpenMode): Promise<HostFile>;
  close(handle: number): Promise<void>;
}

/** A worker's side. */
export interface WorkerHost extends HostBase {
  /** unreadable: a message came that cannot be deserialised here. */
  onMessage(listener: (data: unknown) => void, unreadable: () => void): void;
  post(message: unknown, transfer?: Transferable[]): void;
  /** Whether waiting for messages keeps it alive (where there is such a thing). Does, at first. */
  refMessages?(on: boolean): void;
  /**
   * Tells of what nobody in this worker caught, where the host does not end the worker for that.
   * handled, in a later task: code of the user's has dealt with it.
   */
  onUncaught?(listener: (error: unknown, handled: () => boolean) => void): void;
  /**
   * Tells of what nobody in this worker caught, before the host ends the worker for that; code of the
   * user's may handle it yet. Absent where the error that the owner gets has all in it, or onUncaught
   * is there.
   */
  onLastWords?(listener: (error: unknown) => void): void;
  /** What console.log and its like print comes out at once, even if the thread then sleeps. Absent:
   * it does anyway. */
  takeConsole?(): void;
  /** What kept a module from being loaded, which import() rejected with this error. Absent: the
   * error says all. */
  whyNotLoaded?(url: string, error: unknown): Promise<unknown>;
  /** Sets this worker's clock by its owner's. Absent where all threads read one clock anyway. */
  agreeOnClock?(): Promise<void>;
  /** Ends this worker once its event loop has nothing left. */
  end(): void;
  open(path: string, mode: OpenMode): Promise<HostFile>;
  close(handle: number): Promise<void>;
}
