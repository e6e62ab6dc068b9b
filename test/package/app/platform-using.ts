// Where TypeScript knows Symbol.asyncDispose, everything that has a close() can be used so.
import { Runtime } from 'wasm-aio';
import { WasiHost } from 'wasm-aio/wasi';

export async function use(module: Uint8Array<ArrayBuffer>): Promise<void> {
  await using runtime = await Runtime.create();
  await using io = await runtime.iothread('io');
  await using file = await io.open('disk.img');
  using buffer = runtime.allocate(file.size);
  using pipe = runtime.context.pipe('p');
  await using host = await WasiHost.create({ module });
  pipe.write(buffer.bytes);
  await host.run();
}
