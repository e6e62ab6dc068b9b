// SPDX-License-Identifier: MIT
/** A read ends, whatever its engine, beside a bottom half that schedules itself in the same loop. */
import { Runtime } from 'wasm-aio';

export default async function ({ path, makeWorker, check }) {
  const name = await path('read-beside-busy-loop');
  const aio = await Runtime.create();
  const ended = [];
  for (const engine of ['threads', 'native', 'io_uring', 'sync']) {
    const io = await aio.iothread(engine, { worker: () => makeWorker(new URL('./read-beside-busy-loop.worker.mjs', import.meta.url)) });
    let file;
    try {
      file = await io.open(name, { aio: engine, create: true });
    } catch (error) {
      // A file that belongs to the worker that opened it cannot be read in another one.
      check(engine === 'sync' && error.code === 'ERR_AIO_UNSUPPORTED', `${engine}: ${error.message}`);
      continue;
    }
    await file.write(0, new Uint8Array(512).fill(7));
    await io.remote.start();
    const read = await file.read(0, 512);
    check(read.length === 512 && read[511] === 7, `${engine}: ${read.length} bytes`);
    await io.remote.stop();
    await file.close();
    ended.push(engine);
  }
  await aio.close();
  return ended.join(', ');
}
