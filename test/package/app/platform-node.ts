// Node's objects are what the declarations ask for.
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { Worker, type MessagePort } from 'node:worker_threads';
import { Runtime } from 'wasm-aio';
import { AioStream, WasiHost } from 'wasm-aio/wasi';

export async function use(url: URL, signal: AbortSignal, port: MessagePort, stream: Readable, web: ReadableStream<Uint8Array>, socket: Socket): Promise<void> {
  const runtime = await Runtime.create({ module: url, signal, worker: () => new Worker(url) });
  await runtime.iothread('code', { module: url, signal });
  await WasiHost.create({ module: url, signal, stdin: stream, streams: [port, socket, web] });
  AioStream.from(socket);
}
