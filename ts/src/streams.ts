// SPDX-License-Identifier: MIT
/**
 * The entry `wasm-aio/streams`: pipes and files as streams of the platform, a ReadableStream or a WritableStream. Node
 * makes its own kinds of these: `Readable.fromWeb(readable(pipe))`, `Writable.fromWeb(writable(pipe))`.
 */
import type { AioFile } from './api/file.js';
import type { Pipe } from './api/pipe.js';
import { checkThat, isBytes, isInteger, isSignal, optionsOf, type Check, type Checks } from './check.js';
import { kindOf } from './face.js';
import type { AbortSignalLike, ByteReadableStream, ByteWritableStream } from './platform.js';

export type { ByteReadableStream, ByteStreamReader, ByteStreamWriter, ByteWritableStream } from './platform.js';

/** Options of {@link readable} and {@link writable}. */
export interface StreamOptions {
  /** Cancels or aborts the stream when it is aborted: whoever reads or writes it gets the signal's reason. */
  signal?: AbortSignalLike | undefined;
}

/** Options of {@link readable} for a file. */
export interface FileReadableOptions extends StreamOptions {
  /** Where in the file the stream begins, in bytes. Default 0. */
  offset?: number;
  /** The most bytes that the stream has. Default Infinity: up to the end of the file. */
  length?: number;
  /** The size of a chunk in bytes. One chunk is read ahead. Default 64 KiB. */
  chunkSize?: number;
}

/** Options of {@link writable} for a file. */
export interface FileWritableOptions extends StreamOptions {
  /** Where in the file the first byte is written. Default 0. */
  offset?: number;
}

const isPosition = isInteger(0, Number.MAX_SAFE_INTEGER);
const isLimit: Check = (name, value) => value === Infinity || isPosition(name, value);
const pipeChecks: Checks<StreamOptions> = { signal: isSignal };
const readChecks: Checks<FileReadableOptions> = { ...pipeChecks, offset: isPosition, length: isLimit, chunkSize: isInteger(1, 2 ** 30) };
const writeChecks: Checks<FileWritableOptions> = { ...pipeChecks, offset: isPosition };

// In a worker the objects' classes are those of the worker's bundle, so that instanceof does not know them.
const isPipe = (value: object): value is Pipe => kindOf(value) === 'Pipe';
const isPipeOrFile = checkThat('a Pipe or an AioFile', (value) => isPipe(value as object) || kindOf(value as object) === 'AioFile');

/** Ends what a stream waits for: when the stream itself is given up, or when the caller's signal is aborted. */
class Abortion {
  private readonly own = new AbortController();
  private listener: (() => void) | undefined;

  /** dropped: called once, if the stream is given up. */
  constructor(private readonly caller: AbortSignalLike | undefined, private readonly dropped: () => void) {}

  get signal(): AbortSignal {
    return this.own.signal;
  }

  /** Calls fail() with the reason if the caller's signal is, or will be, aborted. */
  listen(fail: (reason: unknown) => void): void {
    const { caller } = this;
    if (!caller) return;
    this.listener = () => {
      fail(caller.reason);
      this.abort(caller.reason);
    };
    if (caller.aborted) this.listener();
    else caller.addEventListener('abort', this.listener);
  }

  /** The stream has come to its end. */
  leave(): void {
    if (this.listener) this.caller?.removeEventListener('abort', this.listener);
  }

  abort(reason: unknown): void {
    this.leave();
    if (this.signal.aborted) return;
    this.own.abort(reason);
    this.dropped();
  }

  /** Does work() as a part of the stream, which is given up if that fails. */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.abort(error);
      throw error;
    }
  }
}

/** Reads what a stream of bytes has: resolves with the next ones, or with undefined at the end. */
type Next = (signal: AbortSignal) => Promise<Uint8Array<ArrayBuffer> | void>;

function nextOf(file: AioFile, { offset: at = 0, length: left = Infinity, chunkSize = 65536 }: FileReadableOptions): Next {
  return async (signal) => {
    const bytes = left > 0 ? await file.read(at, Math.min(chunkSize, left), { signal }) : undefined;
    if (!bytes?.length) return undefined;
    at += bytes.length;
    left -= bytes.length;
    return bytes;
  };
}

/**
 * Returns a stream of the bytes that arrive in a pipe, until its writer has ended it. A chunk is taken from the pipe
 * only when it is asked for, so that a slow reader makes the writer wait. Cancelling the stream closes the pipe, which is
 * how its writer hears of it. The thread that reads the pipe calls this, and reads it in no other way.
 * @throws AioError ERR_AIO_INVALID_ARG
 */
export function readable(from: Pipe, options?: StreamOptions): ByteReadableStream;
/**
 * Returns a stream of a file's bytes, which are read one after the other. Cancelling the stream ends the reading; the
 * file stays open in any case.
 * @throws AioError ERR_AIO_INVALID_ARG
 */
export function readable(from: AioFile, options?: FileReadableOptions): ByteReadableStream;
export function readable(from: Pipe | AioFile, options: FileReadableOptions = {}): ByteReadableStream {
  isPipeOrFile('from', from);
  const checked = optionsOf<FileReadableOptions>(options, isPipe(from) ? pipeChecks as typeof readChecks : readChecks);
  const abortion = new Abortion(checked.signal, () => isPipe(from) && from.close());
  const next: Next = isPipe(from) ? async (signal) => (await from.values({ signal }).next()).value : nextOf(from, checked);
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => abortion.listen((reason) => controller.error(reason)),
    async pull(controller) {
      const bytes = await abortion.guard(() => next(abortion.signal));
      // A request for a file that was begun before the stream was given up ends as usual.
      if (abortion.signal.aborted) return;
      if (bytes) return controller.enqueue(bytes);
      abortion.leave();
      controller.close();
    },
    cancel: (reason) => abortion.abort(reason),
  }, { highWaterMark: isPipe(from) ? 0 : 1 }) as ByteReadableStream;
}

/**
 * Returns a stream that writes its chunks, which are Uint8Arrays, into a pipe. A chunk is taken once all of it is in the
 * pipe, so that a slow reader makes the writer wait. Closing the stream ends the pipe. If the stream is aborted or fails,
 * the pipe is closed, so that its reader does not take what has arrived for all. The thread that writes the pipe calls
 * this, and writes it in no other way.
 * @throws AioError ERR_AIO_INVALID_ARG
 */
export function writable(to: Pipe, options?: StreamOptions): ByteWritableStream;
/**
 * Returns a stream that writes its chunks, which are Uint8Arrays, into a file, one after the other. Closing the stream
 * resolves when all are written; {@link AioFile.flush} brings them to the medium. What was written before the stream was
 * aborted stays in the file. The file stays open in any case.
 * @throws AioError ERR_AIO_INVALID_ARG
 */
export function writable(to: AioFile, options?: FileWritableOptions): ByteWritableStream;
export function writable(to: Pipe | AioFile, options: FileWritableOptions = {}): ByteWritableStream {
  isPipeOrFile('to', to);
  const { signal: caller, offset = 0 } = optionsOf<FileWritableOptions>(options, isPipe(to) ? pipeChecks as typeof writeChecks : writeChecks);
  const abortion = new Abortion(caller, () => isPipe(to) && to.close());
  const { signal } = abortion;
  let at = offset;
  return new WritableStream<Uint8Array>({
    start(controller) {
      abortion.listen((reason) => controller.error(reason));
      // The stream's abort() calls that of this object only after the write that it shall end.
      controller.signal?.addEventListener('abort', () => abortion.abort(controller.signal.reason), { once: true });
    },
    write: (chunk) => abortion.guard(async () => {
      isBytes('chunk', chunk);
      const { length } = chunk;
      if (isPipe(to)) await to.writeAll(chunk, { signal });
      else await to.write(at, chunk, { signal });
      at += length;
    }),
    close() {
      abortion.leave();
      if (isPipe(to)) to.end();
    },
    abort: (reason) => abortion.abort(reason),
  }) as ByteWritableStream;
}
