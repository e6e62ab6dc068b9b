// SPDX-License-Identifier: MIT
/** Many IOThreads at once; what is too many is refused, and none is left at the end. */
import { Runtime } from 'wasm-aio';

export default async function ({ check }) {
  const aio = await Runtime.create({ maxThreads: 24, reserve: 2 });
  // On a busy machine 24 workers start slowly.
  const options = { startTimeout: Infinity };
  const started = await Promise.allSettled(Array.from({ length: 30 }, (_, n) => aio.iothread(`io${n}`, options)));
  const threads = started.filter(({ status }) => status === 'fulfilled').map(({ value }) => value);
  const refused = started.filter(({ status }) => status === 'rejected').map(({ reason }) => reason.code);
  check(threads.length >= 20 && threads.length <= 24, `${threads.length} threads`);
  check(refused.every((code) => code === 'ERR_AIO_THREAD_LIMIT'), String(refused));
  await Promise.all(threads.map((io) => io.clock()));
  await Promise.all(threads.slice(0, 10).map((io) => io.close()));
  const again = await Promise.all(Array.from({ length: 10 }, (_, n) => aio.iothread(`again${n}`, options)));
  await Promise.all(again.map((io) => io.clock()));
  await aio.close();
  check(aio.workerCount === 0, `${aio.workerCount} workers are left`);
}
