// SPDX-License-Identifier: MIT
/** JavaScript in an IOThread uses timers and fetch() that no call waits for, while nobody calls the thread. */
import { Runtime } from 'wasm-aio';

export default async function ({ makeWorker, check }) {
  const aio = await Runtime.create();
  const io = await aio.iothread('io', { worker: () => makeWorker(new URL('./own-io.worker.mjs', import.meta.url)) });
  const { remote } = io;
  const answer = aio.context.notifier('answer');
  await remote.attach(answer);
  for (let n = 0; n < 30; n++) {
    await remote.later(n % 3);
    await answer.wait();
  }
  for (let n = 0; n < 10; n++) {
    await remote.fetch('data:text/plain,fetched');
    await answer.wait();
  }
  check((await remote.mode()) === 'hosted', 'the thread is not hosted');
  const before = await remote.ticks();
  // No call is made meanwhile, and the interval goes on.
  await remote.later(50);
  await answer.wait();
  const after = await remote.ticks();
  check(after > before, `${before} ticks, then ${after}`);
  await remote.stop();
  await io.close();
  await aio.close();
}
