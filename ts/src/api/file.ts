// SPDX-License-Identifier: MIT
import type { WaitOptions } from '../abort.js';
import type { FileStat, TlsOptions } from '../hosts/host.js';
import type { AbortSignalLike } from '../platform.js';

/**
 * How an IOThread carries out the requests of a file, as QEMU's `aio=` option; docs/block.md compares them.
 *
 * - `threads`: each request is a job of the IOThread's thread pool.
 * - `native`: requests are handed to a host-I/O thread in batches of at most `aioMaxBatch`.
 * - `io_uring`: requests go through rings in shared memory, at most 128 at a time.
 * - `sync`: the IOThread carries out each request itself, and does nothing else meanwhile.
 * - `nbd`: a server carries out the requests. All files that are opened by an NBD URL have it, and no others.
 */
export type AioEngine = 'threads' | 'native' | 'io_uring' | 'sync' | 'nbd';

/** Options of {@link IOThread.open}. Its `signal` ends the wait for the file. */
export interface OpenOptions extends WaitOptions {
  /** The engine that carries out the file's requests. Default `threads`. */
  aio?: AioEngine;
  /** The most requests that the engine `native` submits at once. Default 0: the IOThread's `aioMaxBatch`. */
  aioMaxBatch?: number;
  /** Whether the file may be written. Default false. */
  write?: boolean;
  /** Whether to create the file if it does not exist; it is then opened for writing, too. Default false. */
  create?: boolean;
  /**
   * Of an NBD URL: the most connections that are made if the server allows several (NBD_FLAG_CAN_MULTI_CONN), from 1 to 16.
   * Default 1.
   */
  connections?: number;
  /**
   * Of an NBD URL: how long, in ms, requests wait for a new connection after the last one was lost, before they reject
   * with the errno of the loss. Default 10,000. With 0 those in flight reject at once, and each later one makes one attempt.
   */
  reconnectDelay?: number;
  /**
   * Of an NBD URL: after so long, in ms, without an answer to requests that wait for one, a connection counts as lost.
   * Default 30,000.
   */
  requestTimeout?: number;
  /** Of an `nbds:` URL: credentials and trust for TLS. */
  tls?: TlsOptions;
}

/** Options of one request of an {@link AioFile}. */
export interface RequestOptions {
  /**
   * Cancels the request, which then rejects with the signal's reason. A request that an engine has already begun is
   * not cancelled and completes.
   */
  signal?: AbortSignalLike | undefined;
}

/** Options of a request that writes to an {@link AioFile}. */
export interface WriteOptions extends RequestOptions {
  /**
   * Whether the data is on the medium when the promise resolves, as if a flush had followed (force unit access). Default
   * false. An NBD server that offers it does this by the request itself; otherwise a flush follows the write.
   */
  fua?: boolean | undefined;
}

/** Options of {@link AioFile.writeZeroes}. */
export interface WriteZeroesOptions extends WriteOptions {
  /**
   * Whether a server may make a hole of the range, which takes no space, so that a later write may find none (ENOSPC).
   * Default false. It makes no difference for files of this machine.
   */
  mayUnmap?: boolean | undefined;
}

/** A part of a file, as {@link AioFile.blockStatus} tells. */
export interface FileExtent {
  /** Where it begins, in bytes. */
  offset: number;
  /** Its length in bytes, at least 1. */
  length: number;
  /** It reads as zeros. False: nothing is known of its content. */
  zero: boolean;
  /** It takes no space on the medium. False: it does, or nothing is known. */
  hole: boolean;
}

/**
 * An open file whose requests an IOThread carries out. {@link IOThread.open} opens one; the owner's thread uses it.
 * Offsets and lengths are in bytes. Requests that are in flight at the same time may be carried out in any order.
 *
 * The bytes of views of private memory are copied. Views of an {@link AioBuffer} are read into and written from in
 * place, and must not be touched until the promise is settled.
 *
 * Each request may reject with AioError ERR_AIO_IO (`errno` says why), ERR_AIO_INVALID_ARG, ERR_AIO_NO_MEMORY,
 * ERR_AIO_CLOSED or ERR_AIO_CANCELED (the thread that served it has ended), or with the reason of its AbortSignal.
 */
export abstract class AioFile {
  /** The file's path or URL, as it was given to {@link IOThread.open}. */
  abstract readonly path: string;

  /** The engine that carries out the file's requests. */
  abstract readonly aio: AioEngine;

  /**
   * The file's size in bytes as far as this object knows it: when the file was opened, or after the last stat() or
   * truncate(), or more if requests of this object have written beyond that.
   */
  abstract readonly size: number;

  /** Reads `length` bytes at `offset` into new private memory. Fewer bytes are returned only where the file ends. */
  abstract read(offset: bigint | number, length: number, options?: RequestOptions): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Reads into the view `into` as many bytes as it has, beginning at `offset`. Resolves with the number of bytes that
   * were read, which is smaller only where the file ends.
   */
  abstract read(offset: bigint | number, into: Uint8Array, options?: RequestOptions): Promise<number>;

  /**
   * Reads one contiguous range of the file, beginning at `offset`, into at most 1024 views, one after the other.
   * Resolves with the number of bytes that were read, which is smaller than their lengths only where the file ends.
   */
  abstract readv(offset: bigint | number, into: readonly Uint8Array[], options?: RequestOptions): Promise<number>;

  /**
   * Writes all bytes of `data` at `offset`. Rejects with `errno` ENOSPC if the medium has taken only a part of them.
   */
  abstract write(offset: bigint | number, data: Uint8Array, options?: WriteOptions): Promise<void>;

  /**
   * Writes the bytes of at most 1024 views, one after the other, to one contiguous range of the file that begins at
   * `offset`.
   */
  abstract writev(offset: bigint | number, data: readonly Uint8Array[], options?: WriteOptions): Promise<void>;

  /**
   * Makes `length` bytes at `offset` read as zeros. An NBD server does that by itself if it offers it
   * (NBD_FLAG_SEND_WRITE_ZEROES). Everywhere else zeros are written as data, 64 KiB at a time; a file of this machine grows by
   * that, and an export does not (`errno` ENOSPC). The signal also ends it between two parts of a long range, which is then
   * done in part.
   */
  abstract writeZeroes(offset: bigint | number, length: bigint | number, options?: WriteZeroesOptions): Promise<void>;

  /**
   * Says that the content of `length` bytes at `offset` is not needed any more: until they are written again, nobody knows
   * what they read as. This is a hint, which an NBD server may use to free space (NBD_FLAG_SEND_TRIM). A server that does not
   * offer it, and a file of this machine, keep what they have, and the promise resolves, too.
   */
  abstract discard(offset: bigint | number, length: bigint | number, options?: RequestOptions): Promise<void>;

  /**
   * Yields what the file consists of from `offset` on, in order and without gaps, for `length` bytes or to the end of the
   * file. Neighbours differ in `zero` or `hole`. Where nothing is known, it is data: an NBD server that does not offer
   * `base:allocation`, and files of this machine, are one extent. Requests that are in flight may count or not. The
   * iteration throws what a request would reject with.
   */
  abstract blockStatus(offset: bigint | number, length: bigint | number, options?: RequestOptions): AsyncGenerator<FileExtent, void, void>;

  /**
   * Resolves when all data of writes that had completed before this call is on the medium, as after `fdatasync(2)`.
   */
  abstract flush(options?: RequestOptions): Promise<void>;

  /**
   * Asks for the file's size and the time of its last change. Requests that are in flight may count or not. Once the
   * question was put, the signal has no effect.
   */
  abstract stat(options?: RequestOptions): Promise<FileStat>;

  /**
   * Sets the file's size in bytes: cuts off what is beyond it, or adds zeros (`ftruncate(2)`). Await the writes that
   * must come before it. Once it has been begun, the signal has no effect.
   */
  abstract truncate(size: bigint | number, options?: RequestOptions): Promise<void>;

  /**
   * Closes the file after its requests in flight have ended. If its IOThread was lost, the file is closed as soon as
   * no other thread can still use it, and the promise waits at most 3 s for that. Closing it twice does nothing.
   */
  abstract close(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
