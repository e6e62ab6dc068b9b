// SPDX-License-Identifier: MIT
import type { Duplex } from 'node:stream';
import { abortable, signalOf, type WaitOptions } from '../abort.js';
import { checkThat, isBytes } from '../check.js';
import { AioError, closedError } from '../errors.js';
import { showAs } from '../face.js';
import type { MessagePortLike, ReadableStreamLike, WritableStreamLike } from '../platform.js';

/** A pair of WHATWG streams of bytes, or one of them. */
export interface WebStreams {
  readable?: ReadableStreamLike;
  writable?: WritableStreamLike;
}

/** A stream of Node's: Readable, Writable, Duplex, such as net.Socket. */
export interface AnyNodeStream {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  destroy(error?: Error): unknown;
}

/** What AioStream.from takes. */
export type StreamSource = AioStream | AnyNodeStream | WebStreams | ReadableStreamLike | WritableStreamLike | MessagePortLike;

/**
 * A stream of the host, as the far end of a guest's fd: a net.Socket, a MessagePort,
 * WHATWG streams. It lives on the owner's event loop. Bytes are asked for one piece
 * after the other, and the next is written only when the one before has been taken:
 * that is the back-pressure.
 */
export abstract class AioStream {
  /** Whether there are bytes to read from it, or to write to it. */
  abstract readonly readable: boolean;
  abstract readonly writable: boolean;
  /** Read only when the guest asks for bytes, so that none are taken from others who
   * share it. Otherwise it is read ahead, as far as there is room. */
  lazy = false;
  /** Nobody else has it: an accepted connection. It is closed when the guest is done with both
   * its sides, and nobody waits for ever for a peer that does not read. */
  readonly owned: boolean = false;

  /** The piece that was asked for, until a read has got it. */
  #taking: Promise<Uint8Array | undefined> | undefined;
  #stopReading: ((error: AioError) => void) | undefined;
  #ending: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** The next piece; undefined: there are no more. */
  protected abstract take(): Promise<Uint8Array | undefined>;
  /** Resolves when the bytes, which may lie in shared memory, may change again. */
  protected abstract put(bytes: Uint8Array): Promise<void>;
  /** All has been put. */
  protected abstract finish(): Promise<void>;
  /** Nobody reads any more. */
  abstract cancel(): void;
  /** These bytes were read last, and not used: they are whoever's who reads the source next. @internal */
  giveBack(_bytes: Uint8Array): void {}
  /** What it has not taken yet it need not take any more. */
  abort(): void {}

  #assertOpen(can: boolean, what: string): void {
    if (this.#closing) throw closedError('the stream');
    if (!can) throw new AioError('ERR_AIO_INVALID_ARG', `the stream cannot be ${what}`);
  }

  /**
   * The next piece; undefined: there are no more. One read at a time; what comes after a read
   * was aborted is the next one's.
   * @throws the host's error, AioError ERR_AIO_CLOSED, ERR_AIO_INVALID_ARG; the signal's reason
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
   * Resolves when the bytes may change again.
   * @throws as read; after the signal's reason they may still be taken
   */
  async write(bytes: Uint8Array, options: WaitOptions = {}): Promise<void> {
    isBytes('bytes', bytes);
    const signal = signalOf(options);
    this.#assertOpen(this.writable, 'written');
    await abortable(signal, () => this.put(bytes));
  }

  /** All has been written. Idempotent. */
  end(): Promise<void> {
    this.#ending ??= this.finish();
    return this.#ending;
  }

  /** The pieces; who leaves before the end reads no more of it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    try {
      for (let piece = await this.read(); piece; piece = await this.read()) yield piece;
    } finally {
      this.cancel();
    }
  }

  /** Reads no more, and ends it when what was written has been taken. Idempotent. */
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
   * @throws AioError ERR_AIO_INVALID_ARG if it is no stream
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

/** By what is used of it. @internal */
export const isStream = checkThat('a stream of Node, a WHATWG stream (or a pair of them), or a MessagePort', (value) => {
  const has = (of: unknown, ...methods: string[]): boolean =>
    typeof of === 'object' && of !== null && methods.every((method) => typeof (of as Record<string, unknown>)[method] === 'function');
  if (value instanceof AioStream || has(value, 'getReader') || has(value, 'getWriter') || has(value, 'postMessage')) return true;
  if (has(value, 'on', 'destroy')) return has(value, 'pipe') || has(value, 'write');
  const { readable, writable } = value as WebStreams;
  const isOne = (stream: unknown, method: string): boolean => stream === undefined || has(stream, method);
  return (readable ?? writable) !== undefined && isOne(readable, 'getReader') && isOne(writable, 'getWriter');
});

/** Any piece of data as bytes. */
export function asBytes(data: unknown): Uint8Array {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (typeof data === 'string') return new TextEncoder().encode(data);
  if (Object.prototype.toString.call(data) === '[object ArrayBuffer]') return new Uint8Array(data as ArrayBuffer);
  throw new AioError('ERR_AIO_INVALID_ARG', `a stream of bytes gave ${Object.prototype.toString.call(data)}`);
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
    // What goes wrong is seen by the call that meets it.
    this.writer?.closed.catch(() => {});
    this.reader?.closed.catch(() => {});
  }

  protected async take(): Promise<Uint8Array | undefined> {
    const piece = await this.reader?.read();
    return !piece || piece.done ? undefined : asBytes(piece.value);
  }

  protected async put(bytes: Uint8Array): Promise<void> {
    await this.writer?.ready;
    // A copy: whoever gets it may keep it, and shared memory is refused or worse.
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
  /** What has come and was not asked for yet: at most what pause() came too late for. */
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

  /** Not before the first read: of a duplex stream the guest may have the other side alone. */
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
      // A socket is done with the bytes when it calls back; others may pass them on.
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
    // What still comes is thrown away, so that its end is seen.
    else if (this.finished) this.stream.destroySoon();
    else this.stream.resume();
  }

  override giveBack(bytes: Uint8Array): void {
    const { stream } = this;
    this.pieces.unshift(bytes);
    // Others may read it now.
    if (!this.owned && !stream.readableEnded && !stream.destroyed && !stream.readableEncoding) {
      for (let piece = this.pieces.pop(); piece; piece = this.pieces.pop()) stream.unshift(piece);
    }
  }

  override abort(): void {
    if (this.owned) this.stream.destroy();
  }
}

/**
 * Bytes over a MessagePort. A message is a piece of data (a Uint8Array or an
 * ArrayBuffer), null for the end, or a number: so many bytes that were received
 * have been used. The next piece is sent after the one before was acknowledged.
 */
class PortStream extends AioStream {
  readonly readable = true;
  readonly writable = true;
  /** Each throws if it is no bytes. */
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
    // The room for the last piece was there, or this would not be called.
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
