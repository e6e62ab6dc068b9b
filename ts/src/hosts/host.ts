// SPDX-License-Identifier: MIT
/** The interface to the JavaScript runtime (Node, Deno, Bun, browsers). Everything else in ts/src is the same on all of them. */

/** A worker as its owner sees it. */
export interface HostWorker {
  post(message: unknown, transfer?: Transferable[]): void;
  /** Terminates the worker. It may not stop soon, or at all. */
  terminate(): void;
  /**
   * Resolves when the worker has ended and no longer accesses memory. Some hosts cannot tell, and none tells in every
   * case (Bun does not for a worker that spins in WebAssembly).
   */
  readonly gone?: Promise<void>;
  /**
   * Whether no message of the worker has arrived yet. Present where the owner learns of a worker's end by a Web Lock
   * (life-lock.ts), whose name the worker's first message tells. Until that message nothing tells that the worker has ended, so
   * that the owner gives up a worker that is silent for too long.
   */
  isSilent?(): boolean;
  /** Sets whether the worker keeps the process alive, on hosts that have a process. */
  keepAlive(on: boolean): void;
}

/** A worker that your code has created: the platform's `Worker`, or the `Worker` of node:worker_threads. */
export interface MadeWorker {
  /** Sends a message to the worker. */
  postMessage(message: unknown): void;
  /** Ends the worker, whatever it is doing. */
  terminate(): unknown;
}

/** What a worker's owner is told about it. */
export interface WorkerEvents {
  message(data: unknown): void;
  /** A message arrived that cannot be deserialised in this thread. */
  unreadable(): void;
  /** The worker could not start, or an error in it was not caught. */
  error(error: unknown): void;
  /**
   * The worker has ended. confirmed: the host says that it no longer accesses memory. Some hosts cannot tell, or know
   * no code.
   */
  exit(confirmed: boolean, code?: number): void;
}

/** A file that was opened by the owner's thread or by the host-I/O worker. */
export interface HostFile {
  /** The file handle that the functions of FileCalls take. */
  handle: number;
  /** The file's size in bytes. */
  size: number;
}

/** What {@link AioFile.stat} tells about a file. */
export interface FileStat {
  /** The file's size in bytes. */
  size: number;
  /** When the file's content was last changed, in ms since the beginning of 1970 (UTC); 0 of an NBD export. */
  mtimeMs: number;
}

/** How a file is opened. */
export interface OpenMode {
  write: boolean;
  /** Create the file if it does not exist. */
  create: boolean;
}

/** A range of bytes of the shared memory. */
export interface Range {
  start: number;
  length: number;
}

/**
 * The file operations that every host offers: synchronous, at a given offset, directly from and to the shared memory.
 * They return the number of bytes, which is smaller than wanted where the file ends or the medium is full, or an
 * errno's name.
 */
export interface FileCalls {
  pread(handle: number, memory: Uint8Array, start: number, length: number, offset: number): number | string;
  pwrite(handle: number, memory: Uint8Array, start: number, length: number, offset: number): number | string;
  preadv(handle: number, memory: Uint8Array, ranges: readonly Range[], offset: number): number | string;
  pwritev(handle: number, memory: Uint8Array, ranges: readonly Range[], offset: number): number | string;
  /** Returns when all written data is on the medium; an errno's name if that failed. */
  fdatasync(handle: number): string | undefined;
}

/** What is done with files in the thread that opens them. Each promise rejects with the host's own error. */
export interface FileControl {
  open(path: string, mode: OpenMode): Promise<HostFile>;
  stat(handle: number): Promise<FileStat>;
  truncate(handle: number, size: number): Promise<void>;
  close(handle: number): Promise<void>;
}

/** Credentials and trust for TLS. */
export interface TlsOptions {
  /** The certificates, in PEM, of the authorities that are trusted instead of the host's. */
  ca?: string;
  /** The client's own certificate, in PEM, for a server that wants one. */
  cert?: string;
  /** The private key of `cert`, in PEM. */
  key?: string;
  /** The name that the server's certificate must have. Default: the host of the URL. */
  servername?: string;
}

/** Where a connection leads: TCP to a host and port, a Unix socket, or a WebSocket. */
export type SocketTarget = { host: string; port: number } | { path: string } | { url: string };

/** What a connection tells. Nothing is told during the call that makes it, or after close(). */
export interface SocketEvents {
  /** It has been made, or TLS has begun on it. */
  connected(): void;
  data(bytes: Uint8Array): void;
  /** The bytes that send() has taken are gone, after it has returned false. */
  drained(): void;
  /** It has ended, or could not be made: an errno's name and a phrase for messages. isOrderly: the peer has ended a WebSocket as it should. */
  ended(errno: string, why: string, isOrderly?: boolean): void;
}

/** A connection. */
export interface HostSocket {
  /** Sends bytes, which are not changed any more. Returns false if no more should be sent until drained(). */
  send(bytes: Uint8Array): boolean;
  /** Begins TLS. connected() or ended() follows. */
  secure(options: TlsOptions): void;
  /** Ends it after what was sent. Resolves when it is closed, which takes a second at most. */
  close(): Promise<void>;
}

/** Keeps the process alive while it is referenced. It is not referenced at first. */
export interface KeepAlive {
  ref(): void;
  unref(): void;
}

/** What the hosts of the owner's thread and of workers have in common. */
export interface HostBase extends FileCalls {
  readonly name: string;
  /**
   * Node's `fs` module, where there is one; WASI guests use it. (A user's program need not have Node's types, so the
   * type is `object`.)
   */
  readonly fs?: object;
  /** Runs touch(1) with these options on a file; false if that failed. */
  touch?(options: readonly string[], path: string): boolean;
  /**
   * The clock of all deadlines, in ns since a moment that all threads of a runtime share. It never goes backwards in
   * a thread. A worker that has agreeOnClock() calls that first.
   */
  monotonic(): number;
  /** Resolves after all other tasks that are waiting have run. */
  turn(): Promise<void>;
  /**
   * A thread that Atomics.waitAsync is to wake may sleep on until it gets something else to do, a timer for one. (WebKit's workers
   * do: the conformance case wait-async/notify-idle-often.)
   */
  readonly oversleeps?: boolean;
  /** Absent where a program does not end by itself. */
  keepAlive?(): KeepAlive;
  /** Writes all bytes to standard output (1) or standard error (2); returns an errno's name if that failed. */
  write(fd: number, bytes: Uint8Array): string | undefined;
}

/** The host as the owner's thread sees it. */
export interface OwnerHost extends HostBase {
  /** The number of processors, at least 1. */
  readonly cpus: number;
  /** Whether a file can be used only by the worker that opened it. */
  readonly filesAreOwned: boolean;
  /** Whether an uncaught error in a worker ends it, so that exit() reports it. (In a page the worker runs on.) */
  readonly errorsEnd: boolean;
  /**
   * Whether terminate() ends a worker that sleeps or waits immediately, and frees what it held. (Deno lets it sleep
   * on; WebKit never frees the memory of a worker that was terminated inside WebAssembly.)
   */
  readonly killsCleanly: boolean;
  /** Prints a warning for whoever operates the program. */
  warn(text: string): void;
  /** Rejects with AioError ERR_AIO_UNSUPPORTED, whose message says what is missing, if the runtime cannot work here. */
  checkSupport(): Promise<void>;
  readModule(url: URL): Promise<Uint8Array<ArrayBuffer>>;
  /** Starts a worker of the package, or the one that make() returns. Throws if the host refuses. */
  startWorker(name: string, events: WorkerEvents, make?: (name: string) => MadeWorker): HostWorker;
  /** Loads what opens files. Not used where files are owned by workers. */
  files?(): Promise<FileControl>;
}

/**
 * What the event loop of a worker has to do besides the runtime's work: timers, sockets, requests of files, and whatever else
 * would keep a process alive.
 */
export interface OtherWork {
  /** False: whenOver() has said that there is none, and none was begun until the latest turn(). */
  readonly mayBeOpen: boolean;
  /** Calls over() once there is none. Returns a function that ends this; one call at a time. */
  whenOver(over: () => void): () => void;
}

/** The host as a worker sees it. */
export interface WorkerHost extends HostBase {
  /** Absent where the host cannot tell: there may always be some. */
  readonly otherWork?: OtherWork;
  /** Calls listener for each message, and unreadable for one that cannot be deserialised in this thread. */
  onMessage(listener: (data: unknown) => void, unreadable: () => void): void;
  post(message: unknown, transfer?: Transferable[]): void;
  /**
   * Sets whether waiting for messages keeps the worker alive, as it does at first. Absent where this cannot be set.
   */
  refMessages?(on: boolean): void;
  /**
   * Reports errors that were not caught in this worker, on hosts where they do not end the worker. handled() says, in
   * a later task, whether the user's code has handled the error.
   */
  onUncaught?(listener: (error: unknown, handled: () => boolean) => void): void;
  /**
   * Reports an error that was not caught in this worker before the host ends the worker for it; the user's code may
   * still handle it. Absent where the owner gets the complete error anyway, or where onUncaught exists.
   */
  onLastWords?(listener: (error: unknown) => void): void;
  /**
   * Makes console.log and its like print immediately, even if the thread sleeps afterwards. Absent where they do
   * anyway.
   */
  takeConsole?(): void;
  /**
   * Finds out why a module could not be loaded, after import() rejected with this error. Absent where the error says
   * why.
   */
  whyNotLoaded?(url: string, error: unknown): Promise<unknown>;
  /** Sets this worker's clock by its owner's. Absent where all threads read the same clock. */
  agreeOnClock?(): Promise<void>;
  /** Begins to connect. Throws an AioError if the host has no connections of this kind. */
  connect(target: SocketTarget, events: SocketEvents): HostSocket;
  /** Ends this worker once its event loop has nothing left to do. */
  end(): void;
  readonly files: FileControl;
}
