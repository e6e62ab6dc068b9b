// SPDX-License-Identifier: MIT
import { signalOf, type WaitOptions } from '../abort.js';
import { isBytes, isFunction, isInteger } from '../check.js';
import { AioError, closedError } from '../errors.js';
import { showAs } from '../face.js';
import type { AbortSignalLike } from '../platform.js';
import type { AioContext } from '../api/context.js';
import type { Registration } from '../api/registration.js';
import type { Watch } from '../api/watch.js';
import type { Callback } from '../runtime/callbacks.js';
import { Readiness } from './readiness.js';
import type { SocketAddress, Transport, TransportEvents } from './transport.js';

const CAPACITY = 65536;
/** So many bytes may wait to be read where the platform cannot make the peer wait. */
const MAX_UNREAD = 1 << 24;

const isLimit = isInteger(0, Infinity);
/** @internal */
export const isCapacity = isInteger(1, 1 << 30);

/** What connect() and a listener make a socket of. @internal */
export interface SocketParts {
  readonly context: AioContext;
  readonly name: string;
  readonly peer: SocketAddress;
  readonly capacity?: number | undefined;
}

/**
 * A connection to another program: TCP, a Unix socket, TLS or a WebSocket. It is used as a {@link Pipe} is whose other end is
 * the peer: `read()` and `write()` never block, call-backs of the loop and promises wait. It belongs to the thread and the context that
 * `connect()` was given, or `listen()`; closing the context closes it. What the peer sends is not taken from it before there is room, so that a
 * reader that is slow makes the peer wait.
 */
export class AioSocket {
  readonly #context: AioContext;
  /** The socket's name, for messages: that of the peer, unless `connect()` was given another one. */
  readonly name: string;
  /** The address of the peer: of a client by TCP its own; of one by a Unix socket, which has none, the listener's. */
  readonly peer: SocketAddress;
  /** The number of bytes that may wait to be read, and of those that may wait until they are sent, before the other side has to wait. */
  readonly capacity: number;
  readonly #registration: Registration;
  readonly #readable: Readiness;
  readonly #writable: Readiness;
  #transport!: Transport;
  /** What has arrived and was not read: `#length` bytes. */
  readonly #chunks: Uint8Array<ArrayBuffer>[] = [];
  #length = 0;
  #flows = true;
  /** The peer sends no more. */
  #isOver = false;
  /** end() was called. */
  #isEnded = false;
  /** The last write() had no room for all. */
  #isFull = false;
  #connecting: { resolve(socket: AioSocket): void; reject(error: unknown): void } | undefined;
  /** Why nothing more arrives and nothing can be sent. */
  #error: AioError | undefined;
  #closing: Promise<void> | undefined;

  private constructor({ context, name, peer, capacity = CAPACITY }: SocketParts) {
    this.#context = context;
    this.name = name;
    this.peer = peer;
    this.capacity = capacity;
    this.#readable = new Readiness(context, `reader of socket '${name}'`, () => this.#length > 0);
    this.#writable = new Readiness(context, `writer of socket '${name}'`, () => false);
    this.#registration = context.register(() => void this.close(), false);
  }

  /** Makes a socket of the transport that begin() returns, and that tells it what happens. @internal */
  static make(parts: SocketParts, begin: (events: TransportEvents) => Transport): AioSocket {
    const socket = new AioSocket(parts);
    try {
      socket.#transport = begin(socket.#events());
    } catch (error) {
      socket.#registration.end();
      throw error;
    }
    return socket;
  }

  /** Resolves when there is a connection, and rejects if there will be none. @internal */
  whenConnected(): Promise<AioSocket> {
    return new Promise((resolve, reject) => (this.#connecting = { resolve, reject }));
  }

  #events(): TransportEvents {
    return {
      connected: () => {
        this.#connecting?.resolve(this);
        this.#connecting = undefined;
      },
      data: (bytes) => {
        this.#chunks.push(bytes);
        this.#length += bytes.length;
        if (this.#flows && this.#length >= this.capacity) this.#flow(false);
        this.#readable.tell();
      },
      drained: () => {
        // Not for each byte: to write a few bytes costs as much as to write many.
        if (!this.#isFull || this.#transport.unsent > this.capacity / 2) return;
        this.#isFull = false;
        this.#writable.tell();
      },
      ended: () => {
        this.#isOver = true;
        this.#readable.tell();
      },
      failed: (errno, why, cause) => this.#fail(errno, why, cause),
    };
  }

  #fail(errno: string, why: string, cause?: unknown): void {
    this.#error ??= new AioError('ERR_AIO_IO', `socket '${this.name}': ${why}`, { errno, ...(cause !== undefined && { cause }) });
    if (this.#connecting) {
      this.#connecting.reject(this.#error);
      void this.close();
      return;
    }
    this.#readable.tell();
    this.#isFull = false;
    this.#writable.tell();
  }

  #flow(on: boolean): void {
    const { flow } = this.#transport;
    if (flow) {
      this.#flows = on;
      flow(on);
    } else if (this.#length > Math.max(MAX_UNREAD, this.capacity)) {
      void this.#transport.close();
      this.#fail('ENOBUFS', `${this.#length} bytes wait to be read, and the peer of a WebSocket cannot be made to wait`);
    }
  }

  /** @throws AioError */
  #assertOpen(): void {
    if (this.#closing) throw this.#closed();
  }

  #closed(): AioError {
    return this.#context.thread.over ?? closedError(`socket '${this.name}'`);
  }

  /** The number of bytes that can be read now. */
  get length(): number {
    return this.#length;
  }

  /** Whether the peer has ended its side: after the bytes that are left no more will come. */
  get ended(): boolean {
    return this.#isOver;
  }

  /**
   * Writes as many of the bytes as there is room for and returns how many those were. If it was not all of them, wait
   * with {@link drain} or {@link onWritable} and write the others then. Never blocks. The bytes are copied.
   * @throws AioError ERR_AIO_IO: the connection is lost, and `errno` says how; ERR_AIO_CLOSED, also after end(); ERR_AIO_INVALID_ARG
   */
  write(bytes: Uint8Array): number {
    isBytes('bytes', bytes);
    this.#assertOpen();
    if (this.#error) throw this.#error;
    if (this.#isEnded) throw new AioError('ERR_AIO_CLOSED', `socket '${this.name}' was ended`);
    const count = Math.min(bytes.length, Math.max(0, this.capacity - this.#transport.unsent));
    if (count < bytes.length) this.#isFull = true;
    if (count > 0) {
      const copy = new Uint8Array(count);
      copy.set(bytes.subarray(0, count));
      this.#transport.send(copy);
    }
    return count;
  }

  /**
   * Declares that no more bytes will be written. The peer gets those that were, and then sees the end; it may still send. (A
   * WebSocket ends in both directions.) Ending it twice does nothing.
   * @throws AioError ERR_AIO_CLOSED
   */
  end(): void {
    this.#assertOpen();
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#transport.end();
  }

  /**
   * Returns the bytes that are there, at most `limit` of them. It is empty if there are none now or, once
   * {@link ended} is true, if no more will come. Never blocks.
   * @throws AioError ERR_AIO_IO: the connection is lost, what had arrived before is read, and `errno` says how it was lost;
   * ERR_AIO_CLOSED, ERR_AIO_INVALID_ARG
   */
  read(limit = Infinity): Uint8Array<ArrayBuffer> {
    if (limit !== Infinity) isLimit('limit', limit);
    this.#assertOpen();
    if (this.#length === 0 && this.#error) throw this.#error;
    const bytes = this.#take(Math.min(limit, this.#length));
    this.#length -= bytes.length;
    if (!this.#flows && this.#length <= this.capacity / 2) this.#flow(true);
    return bytes;
  }

  /** Removes so many bytes from the chunks. If they are the first chunk, they are not copied. */
  #take(count: number): Uint8Array<ArrayBuffer> {
    const [first] = this.#chunks;
    if (first?.length === count) return this.#chunks.shift() as typeof first;
    const bytes = new Uint8Array(count);
    let done = 0;
    let whole = 0;
    for (const chunk of this.#chunks) {
      if (done === count) break;
      const here = chunk.subarray(0, count - done);
      bytes.set(here, done);
      done += here.length;
      if (here.length === chunk.length) whole++;
      else this.#chunks[whole] = chunk.subarray(here.length);
    }
    this.#chunks.splice(0, whole);
    return bytes;
  }

  /**
   * Runs the call-back in the context's loop again and again while there are bytes to read, once when the peer has ended its side, and
   * once when the connection is lost (`aio_set_fd_handler` with `io_read`). A socket has one such call-back at a time.
   * @throws AioError ERR_AIO_CLOSED, ERR_AIO_INVALID_ARG, ERR_AIO_NO_MEMORY
   */
  onReadable(run: Callback): Watch {
    isFunction('run', run);
    this.#assertOpen();
    const watch = this.#readable.watch(run);
    if (this.#isOver || this.#error) this.#readable.tell();
    return watch;
  }

  /**
   * Runs the call-back in the context's loop when there is room again after a `write()` that did not take all bytes, or when the connection
   * is lost (`aio_set_fd_handler` with `io_write`). A socket has one such call-back at a time.
   * @throws AioError ERR_AIO_CLOSED, ERR_AIO_INVALID_ARG, ERR_AIO_NO_MEMORY
   */
  onWritable(run: Callback): Watch {
    isFunction('run', run);
    this.#assertOpen();
    return this.#writable.watch(run);
  }

  /**
   * Resolves when there is room to write.
   * @throws AioError ERR_AIO_IO: the connection is lost; ERR_AIO_CLOSED: it was closed, before the call or during it; the signal's reason
   */
  async drain(options: WaitOptions = {}): Promise<void> {
    const signal = signalOf(options);
    signal?.throwIfAborted();
    for (;;) {
      this.#assertOpen();
      if (this.#error) throw this.#error;
      if (!this.#isFull && this.#transport.unsent < this.capacity) return;
      // drained() follows: there is something that was sent and is not gone, or has gone just now.
      this.#isFull = true;
      await this.#writable.wait(signal);
    }
  }

  /**
   * Writes all of the bytes, and resolves when the last ones were taken; waits for room as {@link drain} does. The view must not be changed
   * until then, and nothing else be written. If the promise rejects, a part of the bytes may have been sent.
   * @throws AioError ERR_AIO_IO, ERR_AIO_CLOSED, ERR_AIO_INVALID_ARG; the signal's reason
   */
  async writeAll(bytes: Uint8Array, options: WaitOptions = {}): Promise<void> {
    isBytes('bytes', bytes);
    const signal = signalOf(options);
    signal?.throwIfAborted();
    const { length } = bytes;
    for (let done = this.write(bytes); done < length; done += this.write(bytes.subarray(done))) {
      await this.drain({ signal });
      if (bytes.length !== length) throw new AioError('ERR_AIO_INVALID_ARG', 'the buffer of bytes was transferred or resized before all were written');
    }
  }

  /**
   * Yields the bytes piece by piece as they arrive, until the peer has ended its side and all is read. Throws ERR_AIO_IO if the connection
   * is lost, and ERR_AIO_CLOSED if the socket is closed. An aborted signal makes it throw the signal's reason; bytes that were not yielded
   * stay in the socket.
   */
  values(options: WaitOptions = {}): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    return this.#each(signalOf(options));
  }

  /** Yields as {@link values} does. */
  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    return this.values();
  }

  async *#each(signal: AbortSignalLike | undefined): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    for (;;) {
      signal?.throwIfAborted();
      const bytes = this.read();
      if (bytes.length > 0) yield bytes;
      else if (this.#isOver) return;
      else await this.#readable.wait(signal);
    }
  }

  /**
   * Closes the socket and its connection. Bytes that were not read are lost, and whoever waits for the socket gets ERR_AIO_CLOSED. Those that were written are
   * sent first, for which the peer has a second: the promise resolves when that is over. Closing it twice does nothing.
   */
  close(): Promise<void> {
    if (this.#closing) return this.#closing;
    const closing = (this.#closing = this.#transport.close());
    this.#registration.end();
    this.#chunks.length = 0;
    this.#length = 0;
    const error = this.#closed();
    this.#connecting?.reject(this.#error ?? error);
    this.#connecting = undefined;
    this.#readable.fail(error);
    this.#writable.fail(error);
    return closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
showAs('AioSocket', AioSocket, ['name', 'length', 'ended']);
