// SPDX-License-Identifier: MIT
/** Where a browser has no files of the origin, opening one says so, and everything else goes on. */
import { Runtime } from 'wasm-aio';

export default async function ({ page, makeWorker, check }) {
  if (!page) return 'files are those of the machine';
  const aio = await Runtime.create({ worker: () => makeWorker(new URL('./no-files.worker.mjs', import.meta.url)) });
  const io = await aio.iothread('io');
  const error = await io.open('some/file', { create: true, write: true }).catch((reason) => reason);
  check(error?.code === 'ERR_AIO_UNSUPPORTED' && error.message.startsWith('some/file: this browser has no files of the origin'), `open: ${error?.code} ${error?.message}`);
  check(typeof await io.clock() === 'number', 'the IOThread answers');
  await aio.close();
}
