// SPDX-License-Identifier: MIT
import { onAbort, signalOf } from '../abort.js';
import { isArrayOf, isBoolean, isBytes, isInteger, isMs, isNumber, isOneOf, isSignal, isText, optionsOf, type Check, type Checks } from '../check.js';
import { errnoName, errnoNumber } from '../errno.js';
import { AioError, closedError, noMemory } from '../errors.js';
import { showAs } from '../face.js';
import type { FileControl, FileStat, HostFile, OpenMode, TlsOptions } from '../hosts/host.js';
import type { Core } from '../runtime/core.js';
import { Engine, Operation, RequestFlag, type ContextPointer, type RequestPointer } from '../runtime/exports.js';
import { isLength } from './buffer.js';
import { AioFile, type AioEngine, type FileExtent, type OpenOptions, type RequestOptions, type WriteOptions, type WriteZeroesOptions } from './file.js';
import type { RequestMemory, Staged } from './staged.js';
import type { AbortSignalLike } from '../platform.js';

/** What carries out the requests of a file: an IOThread. @internal */
export interface RequestServer {
  readonly context: ContextPointer;
  /** The IOThread has ended in another way than by close(). */
  readonly isLost: boolean;
  /** Resolves when no thread works on its requests any more. */
  readonly idle: Promise<void>;
  /** Throws unless its loop runs, even if only to finish requests in flight. */
  assertAlive(): void;
  /** Throws unless it accepts new requests. */
  assertOpen(): void;
}

/** The table of open files, as a file sees it. @internal */
export interface OpenFiles {
  readonly core: Core;
  /** The memory of all file requests. */
  readonly memory: RequestMemory;
  /** No thread uses files any more, or none that is worth waiting for. */
  readonly over: boolean;
  /** Calls one of the host's functions for files, in the thread that opens them. what: the file, for messages. */
  control<Call extends keyof FileControl>(what: string, call: Call, ...args: Parameters<FileControl[Call]>): Promise<Awaited<ReturnType<FileControl[Call]>>>;
  /** Returns the error of a request again, or one that says more. */
  explain?(error: AioError): Promise<AioError>;
  /** The last step of closing a file, when it has no request in flight. */
  release(file: object, handle: number): Promise<void>;
}

/** What open() has chosen for a file's requests. @internal */
export interface FileSettings {
  aio: AioEngine;
  aioMaxBatch: number;
}

/** Checks the name of an engine. @internal */
export const isEngine = isOneOf(Object.keys(Engine));
const tlsChecks: Checks<TlsOptions> = { ca: isText, cert: isText, key: isText, servername: isText };
const isTls: Check = (name, value) => void optionsOf(value as TlsOptions, tlsChecks, name);
const openChecks: Checks<OpenOptions> = {
  aio: isEngine, aioMaxBatch: isInteger(0, Number.MAX_SAFE_INTEGER), write: isBoolean, create: isBoolean, signal: isSignal,
  connections: isInteger(1, 16), reconnectDelay: isMs, requestTimeout: isNumber(1, Infinity, 'a number of ms'), tls: isTls,
};

/** Whether the path is the URL of an NBD export. @internal */
export const isExport = (path: string): boolean => /^nbds?(\+\w+)?:/.test(path);

/** Checks the arguments of open(). @internal */
export function openOptions(path: string, options: OpenOptions): OpenOptions {
  isText('path', path);
  return optionsOf(options, openChecks);
}

/** The error for a negative result of a request. */
function resultError(result: number, what: string): AioError {
  const errno = errnoName(-result);
  if (errno === 'ENOMEM') return noMemory(what);
  return new AioError(errno === 'ECANCELED' ? 'ERR_AIO_CANCELED' : 'ERR_AIO_IO', `${what}: ${errno}`, { errno });
}

/** A RawAioExtent of core-c/include/block/raw-aio.h has so many bytes, and so many are asked for at once. */
const EXTENT_BYTES = 16;
const EXTENTS = 256;
const NO_MEMORY = -errnoNumber('ENOMEM');
const isWhole = isInteger(0, Number.MAX_SAFE_INTEGER);
/** Checks an offset or a size in bytes. */
function wholeOf(name: string, value: bigint | number): number {
  const number = typeof value === 'bigint' ? Number(value) : value;
  isWhole(name, number);
  return number;
}
const offsetOf = (offset: bigint | number): number => wholeOf('offset', offset);

const writeChecks: Checks<WriteOptions> = { signal: isSignal, fua: isBoolean };
const zeroChecks: Checks<WriteZeroesOptions> = { ...writeChecks, mayUnmap: isBoolean };
/** What a request has besides its data: the length of one that has none, and its flags. */
interface Range {
  length: number;
  flags: number;
}
const flagsOf = ({ fua = false, mayUnmap = false }: WriteZeroesOptions): number => (fua ? RequestFlag.fua : 0) | (mayUnmap ? RequestFlag.mayUnmap : 0);

/** Checks a range and returns it as numbers. */
function rangeOf(offset: bigint | number, length: bigint | number): { at: number; bytes: number } {
  const range = { at: offsetOf(offset), bytes: wholeOf('length', length) };
  isWhole('offset + length', range.at + range.bytes);
  return range;
}

const MAX_VIEWS = 1024;
const areViews = isArrayOf(isBytes, 'Uint8Arrays');
const isCount = isInteger(0, MAX_VIEWS);

/** Checks the views of a request and returns their total length in bytes. */
function lengthOf(name: string, views: readonly Uint8Array[]): number {
  areViews(name, views);
  isCount(`${name}.length`, views.length);
  const length = views.reduce((sum, view) => sum + view.length, 0);
  isLength(`the length of ${name} in bytes`, length);
  return length;
}

/** An open file in the owner's thread. @internal */
export class OpenFile extends AioFile {
  #closing: Promise<void> | undefined;
  /** Set by close(): settles when the file is closed. close() itself may resolve before that. @internal */ closed: Promise<void> | undefined;
  /** Set by close(): makes close() resolve although the file cannot be closed yet. @internal */ giveUp: (() => void) | undefined;
  #requests = 0;
  #whenIdle: (() => void) | undefined;
  #known: number;

  readonly #files: OpenFiles;
  /** @internal */ readonly ioThread: RequestServer;
  readonly path: string;
  /** @internal */ readonly host: HostFile;
  readonly #mode: OpenMode;
  /** @internal */ readonly settings: FileSettings;

  private constructor(files: OpenFiles, ioThread: RequestServer, path: string, host: HostFile, mode: OpenMode, settings: FileSettings) {
    super();
    this.#files = files;
    this.ioThread = ioThread;
    this.path = path;
    this.host = host;
    this.#mode = mode;
    this.settings = settings;
    this.#known = host.size;
  }

  /** @internal */
  static opened(files: OpenFiles, ioThread: RequestServer, path: string, host: HostFile, mode: OpenMode, settings: FileSettings): OpenFile {
    return new OpenFile(files, ioThread, path, host, mode, settings);
  }

  get aio(): AioEngine {
    return this.settings.aio;
  }

  get size(): number {
    return this.#known;
  }

  read(offset: bigint | number, length: number, options?: RequestOptions): Promise<Uint8Array<ArrayBuffer>>;
  read(offset: bigint | number, into: Uint8Array, options?: RequestOptions): Promise<number>;
  async read(
    offset: bigint | number, target: number | Uint8Array, options: RequestOptions = {},
  ): Promise<Uint8Array<ArrayBuffer> | number> {
    if (typeof target !== 'number') {
      isBytes('length or into', target);
      return this.readv(offset, [target], options);
    }
    isLength('length', target);
    const at = offsetOf(offset);
    const signal = signalOf(options);
    this.#assertOpen();
    const staged = this.#files.memory.stageBytes(target);
    return this.#request('read', at, staged, signal, `read of ${target} bytes at ${at}`, (done) => staged.copy(done));
  }

  async readv(offset: bigint | number, into: readonly Uint8Array[], options: RequestOptions = {}): Promise<number> {
    const at = offsetOf(offset);
    const length = lengthOf('into', into);
    const signal = signalOf(options);
    this.#assertOpen();
    const staged = this.#files.memory.stage(into);
    return this.#request('read', at, staged, signal, `read of ${length} bytes at ${at}`, (done) => staged.copyOut(done));
  }

  async write(offset: bigint | number, data: Uint8Array, options: WriteOptions = {}): Promise<void> {
    isBytes('data', data);
    await this.writev(offset, [data], options);
  }

  async writev(offset: bigint | number, data: readonly Uint8Array[], options: WriteOptions = {}): Promise<void> {
    const at = offsetOf(offset);
    const length = lengthOf('data', data);
    const { signal, ...given } = optionsOf(options, writeChecks);
    const flags = flagsOf(given);
    this.#assertOpen();
    this.#assertWritable();
    const staged = this.#files.memory.stage(data);
    await this.#request('write', at, staged, signal, `write of ${length} bytes at ${at}`, (done) => {
      if (done > 0) this.#known = Math.max(this.#known, at + done);
    }, flags === 0 ? undefined : { length, flags });
  }

  async writeZeroes(offset: bigint | number, length: bigint | number, options: WriteZeroesOptions = {}): Promise<void> {
    const { at, bytes } = rangeOf(offset, length);
    const { signal, ...given } = optionsOf(options, zeroChecks);
    await this.#change('writeZeroes', at, bytes, signal, flagsOf(given));
    if (bytes > 0) this.#known = Math.max(this.#known, at + bytes);
  }

  async discard(offset: bigint | number, length: bigint | number, options: RequestOptions = {}): Promise<void> {
    const { at, bytes } = rangeOf(offset, length);
    await this.#change('discard', at, bytes, signalOf(options), 0);
  }

  /** A request that changes the file and has no data. */
  async #change(operation: 'writeZeroes' | 'discard', at: number, length: number, signal: AbortSignalLike | undefined, flags: number): Promise<void> {
    this.#assertOpen();
    this.#assertWritable();
    await this.#request(operation, at, this.#files.memory.stageBytes(0), signal, `${operation} of ${length} bytes at ${at}`, () => {}, { length, flags });
  }

  blockStatus(offset: bigint | number, length: bigint | number, options: RequestOptions = {}): AsyncGenerator<FileExtent, void, void> {
    const { at, bytes } = rangeOf(offset, length);
    const signal = signalOf(options);
    this.#assertOpen();
    return this.#extents(at, at + bytes, signal);
  }

  async *#extents(from: number, to: number, signal: AbortSignalLike | undefined): AsyncGenerator<FileExtent, void, void> {
    const end = Math.min(to, this.aio === 'nbd' ? this.#known : (await this.stat({ signal })).size);
    let last: FileExtent | undefined;
    for (let at = from; at < end; ) {
      this.#assertOpen();
      const length = end - at;
      const staged = this.#files.memory.stageBytes(EXTENTS * EXTENT_BYTES);
      const told = await this.#request('blockStatus', at, staged, signal, `blockStatus of ${length} bytes at ${at}`, (count) => staged.copy(count * EXTENT_BYTES), { length, flags: 0 });
      const view = new DataView(told.buffer);
      for (let n = 0; n < told.length; n += EXTENT_BYTES) {
        const flags = view.getUint32(n + 8, true);
        const extent = { offset: at, length: Number(view.getBigInt64(n, true)), zero: (flags & 2) !== 0, hole: (flags & 1) === 0 };
        at += extent.length;
        if (last?.zero === extent.zero && last.hole === extent.hole) {
          last.length += extent.length;
        } else {
          if (last) yield last;
          last = extent;
        }
      }
    }
    if (last) yield last;
  }

  async flush(options: RequestOptions = {}): Promise<void> {
    const signal = signalOf(options);
    this.#assertOpen();
    await this.#request('flush', 0, this.#files.memory.stageBytes(0), signal, 'flush', () => {});
  }

  async stat(options: RequestOptions = {}): Promise<FileStat> {
    const signal = signalOf(options);
    this.#assertOpen();
    const state = await this.#control(signal, () => this.#files.control(`${this.path}: stat`, 'stat', this.host.handle));
    this.#known = state.size;
    return state;
  }

  async truncate(size: bigint | number, options: RequestOptions = {}): Promise<void> {
    const bytes = wholeOf('size', size);
    const signal = signalOf(options);
    this.#assertOpen();
    this.#assertWritable();
    await this.#control(signal, () => this.#files.control(`${this.path}: truncate to ${bytes} bytes`, 'truncate', this.host.handle, bytes));
    this.#known = bytes;
  }

  /** Begins a call of the host's functions for files; the file is not closed meanwhile. */
  async #control<T>(signal: AbortSignalLike | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    this.#requests++;
    try {
      return await work();
    } finally {
      this.#ended();
    }
  }

  /** A request has ended. */
  #ended(): void {
    this.#requests--;
    if (this.#requests === 0) this.#whenIdle?.();
  }

  #assertWritable(): void {
    if (this.#mode.write) return;
    throw new AioError('ERR_AIO_IO', `${this.path}: it was not opened for writing ({ write: true })`, { errno: 'EBADF' });
  }

  #assertOpen(): void {
    this.#files.core.assertOpen();
    this.ioThread.assertAlive();
    if (this.#closing) throw closedError(`file '${this.path}'`);
    this.ioThread.assertOpen();
  }

  /**
   * Submits a request to the IOThread's loop once there is memory for it, and frees the memory afterwards; take()
   * gets the number of bytes. If the IOThread is lost, another thread may still be about to use the file and the
   * memory, so both are kept until `ioThread.idle` resolves.
   */
  async #request<T>(
    operation: keyof typeof Operation, offset: number, staged: Staged, signal: AbortSignalLike | undefined, what: string, take: (done: number) => T, range?: Range,
  ): Promise<T> {
    const { ioThread, settings } = this;
    const { core, memory: { room } } = this.#files;
    const { exports, memory } = core.instance;
    const { cost } = staged;
    let held = false;
    let begun = false;
    let pointer = 0 as RequestPointer;
    const end = (): void => {
      staged.free();
      if (held) room.give(cost);
      this.#ended();
    };
    this.#requests++;
    try {
      signal?.throwIfAborted();
      if (range && !exports.rt_file_request_range) {
        throw new AioError('ERR_AIO_UNSUPPORTED', `${this.path}: ${what}: the module was built by a version without it: build it again`);
      }
      for (let wait = room.take(cost, signal); ; ) {
        if (wait) {
          if (operation === 'write') staged.keep();
          await wait;
        }
        held = true;
        ioThread.assertAlive();
        signal?.throwIfAborted();
        const ranges = staged.place(operation === 'write');
        pointer = (ranges ? core.run(() => exports.rt_file_request(
          ioThread.context, this.host.handle, Engine[settings.aio], Operation[operation], offset, ranges.length, settings.aioMaxBatch,
        )) : 0) as RequestPointer;
        let result = NO_MEMORY;
        if (ranges && pointer !== 0) {
          if (range) exports.rt_file_request_range?.(pointer, range.length, range.flags);
          memory.words(exports.rt_file_request_iov(pointer), 2 * ranges.length).set(ranges.flatMap(({ start, length }) => [start, length]));
          const ignore = onAbort(signal, () => exports.rt_file_cancel(pointer));
          begun = true;
          try {
            result = await core.request(ioThread, (id) => exports.rt_file_submit(pointer, id));
          } finally {
            ignore();
          }
          begun = false;
          exports.rt_file_request_free(pointer);
        }
        if (result >= 0) return take(result);
        const error = resultError(result, `${this.path}: ${what}`);
        if (error.code === 'ERR_AIO_CANCELED') signal?.throwIfAborted();
        if (result !== NO_MEMORY) throw (await this.#files.explain?.(error)) ?? error;
        staged.unplace();
        held = false;
        wait = room.again(cost, signal);
        if (!wait) throw error;
      }
    } finally {
      if (begun) {
        void ioThread.idle.then(() => {
          exports.rt_file_request_free(pointer);
          end();
        });
      } else {
        end();
      }
    }
  }

  close(): Promise<void> {
    this.#closing ??= new Promise<void>((resolve, reject) => {
      this.giveUp = resolve;
      this.closed = new Promise<void>((idle) => {
        this.#whenIdle = idle;
        if (this.#requests === 0) idle();
      }).then(() => this.#files.release(this, this.host.handle));
      this.closed.then(resolve, reject);
      if (this.#files.over) resolve();
    });
    return this.#closing;
  }
}
showAs('AioFile', OpenFile, ['path', 'aio', 'size']);
