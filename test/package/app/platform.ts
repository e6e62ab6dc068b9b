// What users hand over and get, checked against the declarations with each set of libraries: this file
// uses no type of a library's by name, so that it means the same with all.
import { AioError, Runtime, doctor, proxy, release, transfer, type AioFile, type Handle, type IOThread, type Pipe, type Remote } from 'wasm-aio';
import { serve, type AioContext } from 'wasm-aio/iothread';
import { readable, writable, type ByteReadableStream } from 'wasm-aio/streams';
import { AioStream, WasiHost } from 'wasm-aio/wasi';

export const disk = serve(async (context: AioContext) => ({ sum: (a: number, b: number) => a + b, pipe: context.pipe('p') }));

export async function use(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const runtime: Runtime = await Runtime.create({ module: bytes, maxThreads: 4 });
  const io = await runtime.iothread<typeof disk>('disk', { worker: () => ({ postMessage() {}, terminate() {} }) });
  const remote: Remote<typeof disk> = io.remote;
  const sum: number = await remote.sum(1, 2);
  const plain: IOThread = await runtime.iothread('io', { startTimeout: 1000 });
  const file: AioFile = await plain.open('disk.img', { aio: 'native' });
  const read: number = await file.read(0, bytes);
  await remote.sum(transfer({ valueOf: () => 1 }, [bytes.buffer]).valueOf(), 2);
  release(proxy({ sum }));
  const host = await WasiHost.create({ module: bytes, stdin: AioStream.from({ readable: undefined, on() {}, destroy() {} }) });
  const code: number = await host.run();
  const wrong: unknown = await file.flush().catch((error: unknown) => (error instanceof AioError ? error.code : error));
  const handle: Handle<'pipe'> = runtime.context.pipe('p').toHandle();
  const pipe: Pipe = runtime.context.fromHandle(handle);
  const stream: ByteReadableStream = readable(pipe, { signal: undefined });
  await writable(file).getWriter().write(bytes);
  for await (const chunk of stream) bytes.set(chunk);
  for await (const periods of runtime.context.interval(1000)) await runtime.context.sleep(periods);
  // @ts-expect-error -- an engine that there is not
  await plain.open('disk.img', { aio: 'none' });
  // @ts-expect-error -- a stream of something else
  AioStream.from(7);
  const [finding] = await doctor();
  return [read, code, wrong, finding?.message].join();
}
