// SPDX-License-Identifier: MIT
/** Files: what each engine reads is what was written; places far out, ends, and what is refused. A read ends
 * beside a bottom half that schedules itself in the same loop, too. */
import { Runtime } from 'wasm-aio';

const FAR = 5 * 2 ** 30;

export default async function ({ path, page, makeWorker, check }) {
  const aio = await Runtime.create();
  const io = await aio.iothread('io', { worker: () => makeWorker(new URL('./files.worker.mjs', import.meta.url)) });
  const name = await path('files');
  const code = (promise) => promise.then(() => 'done', (error) => `${error.code} ${error.errno ?? ''}`.trim());

  const missing = await code(io.open(`${name}-missing`));
  check(missing === 'ERR_AIO_IO ENOENT', `a missing file: ${missing}`);
  const engines = [];
  for (const engine of ['threads', 'native', 'io_uring', 'sync']) {
    let file;
    try {
      file = await io.open(name, { aio: engine, create: true });
    } catch (error) {
      check(engine === 'sync' && error.code === 'ERR_AIO_UNSUPPORTED', `${engine}: ${error.message}`);
      continue;
    }
    const blocks = Array.from({ length: 200 }, (_, n) => new Uint8Array(1024).map((__, at) => n * 7 + at));
    await Promise.all(blocks.map((block, n) => file.write(n * 1024, block)));
    await file.flush();
    const read = await Promise.all(blocks.map((_, n) => file.read(n * 1024, 1024)));
    check(read.every((block, n) => block.every((byte, at) => byte === blocks[n][at])), `${engine}: a block is not what was written`);
    const views = [new Uint8Array(10), new Uint8Array(3000), new Uint8Array(1)];
    const all = await file.readv(500, views);
    check(all === 3011 && views[1][514] === blocks[1][0] && views[2][0] === blocks[3][438], `${engine}: readv ${all}`);
    const last = await file.read(200 * 1024 - 10, 100);
    check(last.length === 10, `${engine}: ${last.length} bytes at the end`);
    check((await file.read(200 * 1024 + 5, 10)).length === 0, `${engine}: something behind the end`);
    // Sparse in the host's file system; a page's has a quota.
    if (!page) {
      await file.write(FAR, new Uint8Array([1, 2, 3]));
      const far = await file.read(FAR + 1, 10);
      check(far.length === 2 && far[0] === 2, `${engine}: ${far.length} bytes far out`);
      await file.truncate(200 * 1024);
    }
    await io.remote.start();
    const beside = await file.read(1024, 512);
    check(beside.length === 512 && beside[511] === blocks[1][511], `${engine}: ${beside.length} bytes beside a busy loop`);
    await io.remote.stop();
    const aborted = await file.read(0, 1, { signal: AbortSignal.abort() }).then(() => 'done', (error) => error.name);
    check(aborted === 'AbortError', `${engine}: aborted: ${aborted}`);
    const open = file.read(0, 1024);
    await file.close();
    check((await open).length === 1024, `${engine}: a request in flight at close()`);
    const closed = await code(file.read(0, 1));
    check(closed === 'ERR_AIO_CLOSED', `${engine}: after close(): ${closed}`);
    engines.push(engine);
  }
  const plain = await io.open(name);
  const refused = await code(plain.write(0, new Uint8Array(1)));
  check(/EBADF|ERR_AIO_INVALID_ARG/.test(refused), `writing what is open for reading: ${refused}`);
  await aio.close();
  return `${engines.join(', ')}; write to a file open for reading: ${refused}`;
}
