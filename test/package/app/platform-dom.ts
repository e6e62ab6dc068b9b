// The DOM's objects are what the declarations ask for.
import { Runtime } from 'wasm-aio';
import { AioStream, WasiHost } from 'wasm-aio/wasi';

export async function use(module: WebAssembly.Module, url: URL, signal: AbortSignal, port: MessagePort, stream: ReadableStream<Uint8Array>, sink: WritableStream<Uint8Array>): Promise<void> {
  const runtime = await Runtime.create({ module, signal, worker: () => new Worker(url, { type: 'module' }) });
  await runtime.iothread('code', { module: url, signal });
  await WasiHost.create({ module: url, signal, stdin: stream, stdout: sink, streams: [port, { readable: stream, writable: sink }] });
  AioStream.from(stream);
  // @ts-expect-error -- a stream of text
  AioStream.from(new ReadableStream<string>());
}
