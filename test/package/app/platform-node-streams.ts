// Node makes its own streams of the package's. (The DOM's types of streams and Node's are not assignable to each other.)
import { Readable, Writable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { AioFile, Pipe } from 'wasm-aio';
import { readable, writable } from 'wasm-aio/streams';

export function use(pipe: Pipe, file: AioFile): [Readable, Writable, ReadableStream<Uint8Array>] {
  return [Readable.fromWeb(readable(pipe)), Writable.fromWeb(writable(file, { offset: 7 })), readable(file)];
}
