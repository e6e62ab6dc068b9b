// SPDX-License-Identifier: MIT
import type { WaitOptions } from '../abort.js';
import type { AbortSignalLike } from '../platform.js';

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
  signal?: AbortSignalLike | undefined;
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
export abstract class AioFile {
  /** Its path, as it was given to open(). */
  abstract readonly path: string;

  /** The engine that serves it. */
  abstract readonly aio: AioEngine;

  /** Bytes when it was opened, or more if it has been written behind its end here. */
  abstract readonly size: number;

  /** Reads into memory of the caller's own. Fewer bytes come only where the file
   * ends. */
  abstract read(offset: bigint | number, length: number, options?: RequestOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** Reads into `into`; resolves with the number of bytes. */
  abstract read(offset: bigint | number, into: Uint8Array, options?: RequestOptions): Promise<number>;

  /** Reads one range of the file into several views; resolves with the number of
   * bytes. */
  abstract readv(offset: bigint | number, into: readonly Uint8Array[], options?: RequestOptions): Promise<number>;

  /** Writes all of it. ENOSPC: the medium took less. */
  abstract write(offset: bigint | number, data: Uint8Array, options?: RequestOptions): Promise<void>;

  /** Writes several views to one range of the file. */
  abstract writev(offset: bigint | number, data: readonly Uint8Array[], options?: RequestOptions): Promise<void>;

  /** What had been written before is on the medium when it resolves (fdatasync). */
  abstract flush(options?: RequestOptions): Promise<void>;

  /**
   * Closes it when the requests that are in flight have ended. If its IOThread is lost, it is closed
   * as soon as no other thread can be about to use it; that is waited for 3 s at most. Idempotent.
   */
  abstract close(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
