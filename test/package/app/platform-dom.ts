// The DOM's objects are what the declarations ask for.
import { Runtime, type AioFile, type Pipe } from 'wasm-aio';
import { readable, writable } from 'wasm-aio/streams';
import { AioStream, WasiHost } from 'wasm-aio/wasi';

export async function use(module: WebAssembly.Module, url: URL, signal: AbortSignal, port: MessagePort, stream: ReadableStream<Uint8Array>, sink: WritableStream<Uint8Array>): Promise<void> {
  const runtime = await Runtime.create({ module, signal, worker: () => new Worker(url, { type: 'module' }) });
  await runtime.iothread('code', { module: url, signal });
  await WasiHost.create({ module: url, signal, stdin: stream, stdout: sink, streams: [port, { readable: stream, writable: sink }] });
  AioStream.from(stream);
  // @ts-expect-error -- a stream of text
  AioStream.from(new ReadableStream<string>());
}

export async function view(pipe: Pipe, file: AioFile): Promise<Blob> {
  const first: Uint8Array | undefined = (await readable(pipe).getReader().read()).value;
  const bytes: ReadableStream<Uint8Array> = readable(file, { offset: 7, length: 100 });
  await bytes.pipeThrough(new TransformStream<Uint8Array, Uint8Array>()).pipeTo(writable(pipe));
  // @ts-expect-error -- a pipe has no offsets
  readable(pipe, { offset: first?.length });
  return new Response(readable(file)).blob();
}
