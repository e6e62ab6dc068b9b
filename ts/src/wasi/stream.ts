// SPDX-License-Identifier: MIT
import type { Duplex } from 'node:stream';
import { abortable, signalOf, type WaitOptions } from '../abort.js';
import { checkThat, isBytes } from '../check.js';
import { AioError, closedError } from '../errors.js';
import { showAs } from '../face.js';
import type { MessagePortLike, ReadableStreamLike, WritableStreamLike } from '../platform.js';

/** A pair of WHATWG streams of bytes, such as a TransformStream or a WebTransport stream, or one of the two. */
export interface WebStreams {
  /** The stream from which bytes are read. */
  readable?: ReadableStreamLike;
  /** The stream to which bytes are written. */
  writable?: WritableStreamLike;
}

/** A stream of Node: a Readable, Writable or Duplex, such as a net.Socket. */
export interface AnyNodeStream {
  /** Adds a listener for an event of the stream. */
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  /** Destroys the stream, with an error or without. */
  destroy(error?: Error): unknown;
}

/** The streams that {@link AioStream.from} accepts. */
export type StreamSource = AioStream | AnyNodeStream | WebStreams | ReadableStreamLike | WritableStreamLike | MessagePortLike;

/**
 * A stream of bytes of the host, for example a net.Socket, a MessagePort or a WHATWG stream, to which an fd of a
 * guest is connected. It lives on the owner's event loop, and the owner's thread calls its methods. It exerts
 * back-pressure: it asks its source for one piece of bytes at a time, and writes the next piece only after the one
 * before was taken.
 */
export abstract class AioStream {
  /** Whether bytes can be read from this stream. */
  abstract readonly readable: boolean;
  /** Whether bytes can be written to this stream. */
  abstract readonly writable: boolean;
  /** Whether it is read only when the guest asks for bytes, so that others who share the source lose none; otherwise it is read ahead. */
  lazy = false;
  /** Whether nobody else uses it, as with an accepted connection: it is closed once the guest has finished reading and writing. */
  readonly owned: boolean = false;

  /** The piece that was asked for and that no read() has got yet. */
  #taking: Promise<Uint8Array | undefined> | undefined;
  #stopReading: ((error: AioError) => void) | undefined;
  #ending: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** Resolves with the next piece of bytes, or with undefined at the end. Implemented by each kind of stream. */
  protected abstract take(): Promise<Uint8Array | undefined>;
  /**
   * Writes bytes, which may lie in shared memory, and resolves when they may change again. Implemented by each kind
   * of stream.
   */
  protected abstract put(bytes: Uint8Array): Promise<void>;
  /** Ends the writing side after everything was put. Implemented by each kind of stream. */
  protected abstract finish(): Promise<void>;
  /** Tells the source that nobody reads it any more. */
  abstract cancel(): void;
  /** Whether nobody has bytes of the source that were not passed on, and nobody reads it, so that others may read it. @internal */
  get unread(): boolean {
    return false;
  }
  /** Returns bytes that were read last and not used, so that whoever reads the source next gets them. @internal */
  giveBack(_bytes: Uint8Array): void {}
  /** Discards bytes that the peer has not taken yet, if nobody else uses the stream ({@link owned}). */
  abort(): void {}

  #assertOpen(can: boolean, what: string): void {
    if (this.#closing) throw closedError('the stream');
    if (!can) throw new AioError('ERR_AIO_INVALID_ARG', `the stream cannot be ${what}`);
  }

  /**
   * Resolves with the next piece of bytes, or with undefined at the end. Only one read may be pending at a time. A
   * piece that arrives after its read was aborted goes to the next read.
   * @throws AioError ERR_AIO_CLOSED, ERR_AIO_INVALID_ARG; the host's error; the signal's reason
   */
  async read(options: WaitOptions = {}): Promise<Uint8Array | undefined> {
    const signal = signalOf(options);
    this.#assertOpen(this.readable, 'read');
    if (this.#stopReading) throw new AioError('ERR_AIO_INVALID_ARG', 'the stream is being read: one read at a time');
    signal?.throwIfAborted();
    const taking = (this.#taking ??= this.take());
    try {
      const piece = await new Promise<Uint8Array | undefined>((resolve, reject) => {
        this.#stopReading = reject;
        abortable(signal, () => taking).then(resolve, reject);
      });
      this.#taking = undefined;
      return piece;
    } catch (error) {
      if (!signal?.aborted) this.#taking = undefined;
      throw error;
    } finally {
      this.#stopReading = undefined;
    }
  }

  /**
   * Writes bytes and resolves when they may be changed again. After an abort they may still be written.
   * @throws AioError ERR_AIO_CLOSED, ERR_AIO_INVALID_ARG; the host's error; the signal's reason
   */
  async write(bytes: Uint8Array, options: WaitOptions = {}): Promise<void> {
    isBytes('bytes', bytes);
    const signal = signalOf(options);
    this.#assertOpen(this.writable, 'written');
    await abortable(signal, () => this.put(bytes));
  }

  /** Ends the writing side, after everything that was written has been taken. Ending it twice does nothing. */
  end(): Promise<void> {
    this.#ending ??= this.finish();
    return this.#ending;
  }

  /** Yields the pieces of bytes until the end. Leaving the loop early cancels the source. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    try {
      for (let piece = await this.read(); piece; piece = await this.read()) yield piece;
    } finally {
      this.cancel();
    }
  }

  /**
   * Stops reading, and ends the stream after everything that was written has been taken. Closing it twice does
   * nothing.
   */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    this.#stopReading?.(closedError('the stream'));
    if (this.readable) this.cancel();
    if (this.writable) await this.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Returns an AioStream for a stream of Node, a WHATWG stream, a pair of these, or a MessagePort.
   * @throws AioError ERR_AIO_INVALID_ARG: the argument is no such stream
   */
  static from(source: StreamSource): AioStream {
    isStream('source', source);
    if (source instanceof AioStream) return source;
    const has = (name: string): boolean => typeof (source as unknown as Record<string, unknown>)[name] === 'function';
    if (has('getReader')) return new WebStream({ readable: source as ReadableStreamLike });
    if (has('getWriter')) return new WebStream({ writable: source as WritableStreamLike });
    if (has('postMessage')) return new PortStream(source as MessagePort);
    if (has('pipe') || (has('write') && has('on'))) return new NodeStream(source as AnyNodeStream);
    return new WebStream(source as WebStreams);
  }
}
showAs('AioStream', AioStream, ['readable', 'writable']);

/** Checks that a value has the methods of a stream that are used. @internal */
export const isStream = checkThat('a stream of Node, a WHATWG stream (or a pair of them), or a MessagePort', (value) => {
  const has = (of: unknown, ...methods: string[]): boolean =>
    typeof of === 'object' && of !== null && methods.every((method) => typeof (of as Record<string, unknown>)[method] === 'function');
  if (value instanceof AioStream || has(value, 'getReader') || has(value, 'getWriter') || has(value, 'postMessage')) return true;
  if (has(value, 'on', 'destroy')) return has(value, 'pipe') || has(value, 'write');
  const { readable, writable } = value as WebStreams;
  const isOne = (stream: unknown, method: string): boolean => stream === undefined || has(stream, method);
  return (readable ?? writable) !== undefined && isOne(readable, 'getReader') && isOne(writable, 'getWriter');
});

/** Returns a piece of data, a string or binary data, as bytes. */
export function asBytes(data: unknown): Uint8Array {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (typeof data === 'string') return new TextEncoder().encode(data);
  if (Object.prototype.toString.call(data) === '[object ArrayBuffer]') return new Uint8Array(data as ArrayBuffer);
  throw new AioError('ERR_AIO_INVALID_ARG', `a stream of bytes must yield Uint8Arrays or ArrayBuffers, not ${Object.prototype.toString.call(data)}`);
}

class WebStream extends AioStream {
  readonly readable: boolean;
  readonly writable: boolean;
  private readonly reader: ReturnType<ReadableStreamLike['getReader']> | undefined;
  private readonly writer: ReturnType<WritableStreamLike['getWriter']> | undefined;

  constructor({ readable, writable }: WebStreams) {
    super();
    this.reader = readable?.getReader();
    this.writer = writable?.getWriter();
    this.readable = this.reader !== undefined;
    this.writable = this.writer !== undefined;
    // Errors are reported by the read or the write that meets them.
    this.writer?.closed.catch(() => {});
    this.reader?.closed.catch(() => {});
  }

  protected async take(): Promise<Uint8Array | undefined> {
    const piece = await this.reader?.read();
    return !piece || piece.done ? undefined : asBytes(piece.value);
  }

  protected async put(bytes: Uint8Array): Promise<void> {
    await this.writer?.ready;
    // Write a copy: the receiver may keep it, and many streams do not accept shared memory.
    await this.writer?.write(bytes.slice());
  }

  protected async finish(): Promise<void> {
    await this.writer?.close();
  }

  cancel(): void {
    this.reader?.cancel().catch(() => {});
  }
}

/** A stream of Node's. */
export class NodeStream extends AioStream {
  readonly readable: boolean;
  readonly writable: boolean;
  /** Pieces that have arrived and that nobody has asked for yet: only those that arrived in spite of pause(). */
  private readonly pieces: Uint8Array[] = [];
  private listening = false;
  private ended = false;
  private error: Error | undefined;
  private waiting: (() => void) | undefined;
  private readonly isSocket: boolean;

  private cancelled = false;
  private finished = false;

  private readonly stream: Duplex & { destroySoon(): void };

  constructor(source: AnyNodeStream, override readonly owned = false) {
    super();
    const stream = (this.stream = source as NodeStream['stream']);
    this.readable = stream.readable === true;
    this.writable = stream.writable === true;
    this.isSocket = 'setNoDelay' in stream;
    if (this.isSocket) (stream as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true);
    stream.on('error', (error: Error) => {
      this.error ??= error;
      this.wake();
    });
    stream.on('close', this.onEnd);
  }

  private wake(): void {
    this.waiting?.();
    this.waiting = undefined;
  }

  private readonly onData = (piece: unknown): void => {
    this.stream.pause();
    this.pieces.push(asBytes(piece));
    this.wake();
  };

  private readonly onEnd = (): void => {
    this.ended = true;
    this.wake();
  };

  /** Called by the first read, and not before: a guest may use only the writing side of a duplex stream. */
  private listen(): void {
    const { stream } = this;
    this.listening = true;
    if (stream.readableEnded || stream.destroyed) this.ended = true;
    stream.pause();
    stream.on('data', this.onData).on('end', this.onEnd);
  }

  protected async take(): Promise<Uint8Array | undefined> {
    if (!this.listening) this.listen();
    for (;;) {
      const piece = this.pieces.shift();
      if (piece) return piece;
      if (this.error) throw this.error;
      if (this.ended) return undefined;
      const came = new Promise<void>((resolve) => (this.waiting = resolve));
      this.stream.resume();
      await came;
    }
  }

  protected put(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      // A socket no longer uses the bytes when it calls back; other streams may have passed them on.
      this.stream.write(this.isSocket ? bytes : bytes.slice(), (error) => (error ? reject(error) : resolve()));
    });
  }

  protected finish(): Promise<void> {
    return new Promise((resolve) => {
      if (this.stream.destroyed || this.stream.writableEnded) return resolve();
      this.stream.once('close', () => resolve());
      this.stream.end(() => {
        this.finished = true;
        if (this.owned && this.cancelled) this.stream.destroySoon();
        resolve();
      });
    });
  }

  cancel(): void {
    this.cancelled = true;
    this.stream.off('data', this.onData).off('end', this.onEnd);
    this.listening = false;
    if (!this.owned) this.stream.pause();
    // Bytes that still arrive are thrown away, so that the stream's end is seen.
    else if (this.finished) this.stream.destroySoon();
    else this.stream.resume();
  }

  override giveBack(bytes: Uint8Array): void {
    const { stream } = this;
    this.pieces.unshift(bytes);
    // Other readers of the source may want the bytes now.
    if (!this.owned && !stream.readableEnded && !stream.destroyed && !stream.readableEncoding) {
      for (let piece = this.pieces.pop(); piece; piece = this.pieces.pop()) stream.unshift(piece);
    }
  }

  override abort(): void {
    if (this.owned) this.stream.destroy();
  }
}

/**
 * Bytes over a MessagePort. A message is a piece of data (a Uint8Array or an ArrayBuffer), null at the end, or a number,
 * which acknowledges that many received bytes. The next piece is sent after the one before was acknowledged.
 */
class PortStream extends AioStream {
  readonly readable = true;
  readonly writable = true;
  /** Each returns one piece, and throws if the message did not contain bytes. */
  private readonly pieces: (() => Uint8Array | undefined)[] = [];
  private waiting: (() => void) | undefined;
  private acknowledged: (() => void) | undefined;
  private last = 0;

  constructor(private readonly port: MessagePort) {
    super();
    port.onmessage = ({ data }: { data: unknown }) => {
      if (typeof data === 'number') {
        this.acknowledged?.();
        this.acknowledged = undefined;
        return;
      }
      this.arrived(() => (data === null ? undefined : asBytes(data)));
    };
    port.onmessageerror = () => this.arrived(() => {
      throw new AioError('ERR_AIO_IO', 'a message of the port cannot be deserialised', { errno: 'EIO' });
    });
  }

  private arrived(piece: () => Uint8Array | undefined): void {
    this.pieces.push(piece);
    this.waiting?.();
    this.waiting = undefined;
  }

  protected async take(): Promise<Uint8Array | undefined> {
    // take() is called again only when there is room, so the last piece can be acknowledged now.
    if (this.last > 0) this.port.postMessage(this.last);
    this.last = 0;
    if (this.pieces.length === 0) await new Promise<void>((resolve) => (this.waiting = resolve));
    const piece = this.pieces.shift()?.();
    this.last = piece?.length ?? 0;
    return piece;
  }

  protected put(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.acknowledged = resolve;
      const copy = bytes.slice();
      this.port.postMessage(copy, [copy.buffer]);
    });
  }

  protected finish(): Promise<void> {
    this.port.postMessage(null);
    return Promise.resolve();
  }

  cancel(): void {}
}
