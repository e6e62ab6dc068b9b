// SPDX-License-Identifier: MIT
import { signalOf, type WaitOptions } from '../abort.js';
import { isArrayOf, isBoolean, isBytes, isInteger, isOneOf, isSignal, isText, optionsOf, type Checks } from '../check.js';
import { errnoNumber } from '../errno.js';
import { AioError, closedError } from '../errors.js';
import { showAs } from '../face.js';
import type { HostFile, OpenMode } from '../hosts/host.js';
import { Engine, Operation, type RequestPointer } from '../runtime/exports.js';
import { resultError, type Runtime } from '../runtime/runtime.js';
import { isLength, type Staged } from './buffer.js';
import type { IOThread } from './iothread.js';

/**
 * What serves a file's requests; docs/block.md compares them.
 *
 * - `threads`: each request is a job of the IOThread's pool
 * - `native`: requests go in batches (`aioMaxBatch`) to a host-I/O thread
 * - `io_uring`: through rings in shared memory, 128 requests at most
 * - `sync`: done by the IOThread itself, which does nothing else meanwhile
 */
export type AioEngine = 'threads' | 'native' | 'io_uring' | 'sync';

export interface OpenOptions extends WaitOptions {
  /** Default `threads`. */
  aio?: AioEngine;
  /** Requests that `native` hands over at once, at most; 0: what the IOThread says. */
  aioMaxBatch?: number;
  /** Writing is allowed. Default false. */
  write?: boolean;
  /** Make the file if there is none; it can be written. Default false. */
  create?: boolean;
}

export interface RequestOptions {
  /** Ends the request, which rejects with the signal's reason, unless it has been begun. */
  signal?: AbortSignal | undefined;
}

/** @internal */
export interface FileSettings {
  aio: AioEngine;
  aioMaxBatch: number;
}

/** @internal */
export const isEngine = isOneOf(Object.keys(Engine));
const openChecks: Checks<OpenOptions> = {
  aio: isEngine, aioMaxBatch: isInteger(0, Number.MAX_SAFE_INTEGER), write: isBoolean, create: isBoolean, signal: isSignal,
};

/** The arguments of open(). @internal */
export function openOptions(path: string, options: OpenOptions): OpenOptions {
  isText('path', path);
  return optionsOf(options, openChecks);
}

const NO_MEMORY = -errnoNumber('ENOMEM');
const isOffset = isInteger(0, Number.MAX_SAFE_INTEGER);
function offsetOf(offset: bigint | number): number {
  const number = typeof offset === 'bigint' ? Number(offset) : offset;
  isOffset('offset', number);
  return number;
}

const MAX_VIEWS = 1024;
const areViews = isArrayOf(isBytes, 'Uint8Arrays');
const isCount = isInteger(0, MAX_VIEWS);

/** Checks the views of a request; their length in bytes. */
function lengthOf(name: string, views: readonly Uint8Array[]): number {
  areViews(name, views);
  isCount(`${name}.length`, views.length);
  const length = views.reduce((sum, view) => sum + view.length, 0);
  isLength(`the length of ${name} in bytes`, length);
  return length;
}

/**
 * A file whose requests an IOThread serves. Offsets and lengths are in bytes.
 * Requests that are in flight together may be done in any order.
 *
 * Views of private memory are copied; those of an {@link AioBuffer} are read into
 * and written from in place and must be left alone until the promise is settled.
 *
 * All of its requests throw AioError ERR_AIO_IO with errno, ERR_AIO_INVALID_ARG,
 * ERR_AIO_NO_MEMORY, ERR_AIO_CLOSED, ERR_AIO_CANCELED (the thread that served it ended), or
 * the reason of an AbortSignal.
 */
export class AioFile {
  #closing: Promise<void> | undefined;
  /** After close(), which need not wait for it: settles when it is closed. @internal */ closed: Promise<void> | undefined;
  /** After close(): it waits no longer. @internal */ giveUp: (() => void) | undefined;
  #requests = 0;
  #whenIdle: (() => void) | undefined;
  #known: number;

  readonly #runtime: Runtime;
  /** @internal */ readonly ioThread: IOThread;
  readonly path: string;
  /** @internal */ readonly host: HostFile;
  readonly #mode: OpenMode;
  /** @internal */ readonly settings: FileSettings;

  private constructor(runtime: Runtime, ioThread: IOThread, path: string, host: HostFile, mode: OpenMode, settings: FileSettings) {
    this.#runtime = runtime;
    this.ioThread = ioThread;
    this.path = path;
    this.host = host;
    this.#mode = mode;
    this.settings = settings;
    this.#known = host.size;
  }

  /** @internal */
  static opened(runtime: Runtime, ioThread: IOThread, path: string, host: HostFile, mode: OpenMode, settings: FileSettings): AioFile {
    return new AioFile(runtime, ioThread, path, host, mode, settings);
  }

  /** The engine that serves it. */
  get aio(): AioEngine {
    return this.settings.aio;
  }

  /** Bytes when it was opened, or more if it has been written behind its end here. */
  get size(): number {
    return this.#known;
  }

  /** Reads into memory of the caller's own. Fewer bytes come only where the file
   * ends. */
  read(offset: bigint | number, length: number, options?: RequestOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** Reads into `into`; resolves with the number of bytes. */
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
    const staged = this.#runtime.buffers.stageBytes(target);
    return this.#request('read', at, staged, signal, `read of ${target} bytes at ${at}`, (done) => staged.copy(done));
  }

  /** Reads one range of the file into several views; resolves with the number of
   * bytes. */
  async readv(offset: bigint | number, into: readonly Uint8Array[], options: RequestOptions = {}): Promise<number> {
    const at = offsetOf(offset);
    const length = lengthOf('into', into);
    const signal = signalOf(options);
    this.#assertOpen();
    const staged = this.#runtime.buffers.stage(into);
    return this.#request('read', at, staged, signal, `read of ${length} bytes at ${at}`, (done) => staged.copyOut(done));
  }

  /** Writes all of it. ENOSPC: the medium took less. */
  async write(offset: bigint | number, data: Uint8Array, options: RequestOptions = {}): Promise<void> {
    isBytes('data', data);
    await this.writev(offset, [data], options);
  }

  /** Writes several views to one range of the file. */
  async writev(offset: bigint | number, data: readonly Uint8Array[], options: RequestOptions = {}): Promise<void> {
    const at = offsetOf(offset);
    const length = lengthOf('data', data);
    const signal = signalOf(options);
    this.#assertOpen();
    if (!this.#mode.write) {
      throw new AioError('ERR_AIO_IO', `${this.path}: it was not opened for writing ({ write: true })`, { errno: 'EBADF' });
    }
    const staged = this.#runtime.buffers.stage(data);
    await this.#request('write', at, staged, signal, `write of ${length} bytes at ${at}`, (done) => {
      if (done > 0) this.#known = Math.max(this.#known, at + done);
    });
  }

  /** What had been written before is on the medium when it resolves (fdatasync). */
  async flush(options: RequestOptions = {}): Promise<void> {
    const signal = signalOf(options);
    this.#assertOpen();
    await this.#request('flush', 0, this.#runtime.buffers.stageBytes(0), signal, 'flush', () => {});
  }

  #assertOpen(): void {
    this.#runtime.assertOpen();
    this.ioThread.assertAlive();
    if (this.#closing) throw closedError(`file '${this.path}'`);
    this.ioThread.assertOpen();
  }

  /**
   * Has the loop do it, as soon as there is memory for it, and frees what was staged; take gets
   * the number of bytes. If the IOThread is lost, another thread may still be about to use the file
   * and the memory: both are kept until it is idle.
   */
  async #request<T>(
    operation: keyof typeof Operation, offset: number, staged: Staged, signal: AbortSignal | undefined, what: string, take: (done: number) => T,
  ): Promise<T> {
    const { ioThread, settings } = this;
    const runtime = this.#runtime;
    const { exports, memory } = runtime.instance;
    const { room } = runtime.buffers;
    const { cost } = staged;
    let held = false;
    let begun = false;
    let pointer = 0 as RequestPointer;
    const end = (): void => {
      staged.free();
      if (held) room.give(cost);
      this.#requests--;
      if (this.#requests === 0) this.#whenIdle?.();
    };
    this.#requests++;
    try {
      signal?.throwIfAborted();
      for (let wait = room.take(cost, signal); ; ) {
        if (wait) {
          if (operation === 'write') staged.keep();
          await wait;
        }
        held = true;
        ioThread.assertAlive();
        signal?.throwIfAborted();
        const ranges = staged.place(operation === 'write');
        pointer = (ranges ? runtime.run(() => exports.rt_file_request(
          ioThread.context, this.host.handle, Engine[settings.aio], Operation[operation], offset, ranges.length, settings.aioMaxBatch,
        )) : 0) as RequestPointer;
        let result = NO_MEMORY;
        if (ranges && pointer !== 0) {
          memory.words(exports.rt_file_request_iov(pointer), 2 * ranges.length).set(ranges.flatMap(({ start, length }) => [start, length]));
          const cancel = (): void => exports.rt_file_cancel(pointer);
          signal?.addEventListener('abort', cancel);
          begun = true;
          try {
            result = await runtime.request(ioThread, (id) => exports.rt_file_submit(pointer, id));
          } finally {
            signal?.removeEventListener('abort', cancel);
          }
          begun = false;
          exports.rt_file_request_free(pointer);
        }
        if (result >= 0) return take(result);
        const error = resultError(result, `${this.path}: ${what}`);
        if (error.code === 'ERR_AIO_CANCELED') signal?.throwIfAborted();
        if (result !== NO_MEMORY) throw error;
        staged.unplace();
        held = false;
        wait = room.again(cost, signal);
        if (!wait) throw error;
      }
    } finally {
      if (begun) {
        void ioThread.life.idle.then(() => {
          exports.rt_file_request_free(pointer);
          end();
        });
      } else {
        end();
      }
    }
  }

  /**
   * Closes it when the requests that are in flight have ended. If its IOThread is lost, it is closed
   * as soon as no other thread can be about to use it; that is waited for 3 s at most. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= new Promise<void>((resolve, reject) => {
      this.giveUp = resolve;
      this.closed = new Promise<void>((idle) => {
        this.#whenIdle = idle;
        if (this.#requests === 0) idle();
      }).then(() => this.#runtime.files.release(this, this.host.handle));
      this.closed.then(resolve, reject);
      if (this.#runtime.files.over) resolve();
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
showAs('AioFile', AioFile, ['path', 'aio', 'size']);
