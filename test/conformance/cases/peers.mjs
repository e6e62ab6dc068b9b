// SPDX-License-Identifier: MIT
/** IOThreads call each other directly: asleep inside WebAssembly, all at once, with sequences, signals and time-outs, and while one of them is terminated. */
import { Runtime } from 'wasm-aio';

export default async function ({ makeWorker, check }) {
  const aio = await Runtime.create();
  const start = (name) => aio.iothread(name, { worker: () => makeWorker(new URL('./peers.worker.mjs', import.meta.url)) });
  const threads = await Promise.all(['a', 'b', 'c'].map(start));
  const [a, b, c] = threads.map(({ remote }) => remote);
  await Promise.all([a.meet(b, c), b.meet(c, a), c.meet(a, b)]);

  const answer = aio.context.notifier('answer');
  await a.attach(answer);
  await a.start(500);
  await answer.wait();

  const told = await a.told(100);
  check(told === 100, `told ${told}`);
  const storms = await Promise.all([a, b, c].flatMap((thread) => [thread.storm(200), thread.storm(200)]));
  check(storms.every((right) => right === 400), String(storms));

  const iterated = await a.iterates(500);
  check(String(iterated) === '124750,2', `iterated: ${iterated}`);
  const cancelled = await a.cancels();
  check(String(cancelled) === 'ERR_AIO_TIMEOUT,enough,ERR_AIO_TIMEOUT,enough', `cancelled: ${cancelled}`);

  const hung = a.hangs().then(() => 'answered', (error) => error.code);
  const storm = c.storm(500).then(() => 'answered', (error) => error.code);
  await threads[1].terminate();
  check((await hung) === 'ERR_AIO_THREAD_LOST', `hung: ${await hung}`);
  check(['answered', 'ERR_AIO_THREAD_LOST'].includes(await storm), `storm: ${await storm}`);
  check((await a.echo('here')) === 'here', 'a is gone');
  await aio.close();
}
