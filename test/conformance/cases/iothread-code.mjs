// SPDX-License-Identifier: MIT
/** An IOThread with code: calls both ways, errors, bottom halves, timers and pipes. */
import { Runtime } from 'wasm-aio';

export default async function ({ makeWorker, check }) {
  const aio = await Runtime.create();
  const io = await aio.iothread('io', { worker: () => makeWorker(new URL('./iothread-code.worker.mjs', import.meta.url)) });
  const { remote } = io;
  const answer = aio.context.notifier('answer');
  await remote.attach(answer);

  for (let n = 0; n < 500; n++) {
    remote.tick.schedule();
    await answer.wait();
  }
  const ticks = await remote.ticks();
  check(ticks === 500, `${ticks} ticks`);

  for (let n = 0; n < 20; n++) {
    await remote.arm(n % 3);
    await answer.wait();
  }

  const told = [];
  await remote.each(200, (n) => void told.push(n));
  check(told.length === 200 && told.every((value, n) => value === n), `told ${told.length}`);

  for (const [kind, name] of [['range', 'RangeError'], ['own', 'OwnError']]) {
    const error = await remote.fail(kind).then(() => undefined, (reason) => reason);
    check(error?.name === name, `${kind}: ${error}`);
    check(kind !== 'range' || error instanceof RangeError, 'not a RangeError of this thread');
    check(kind !== 'own' || error.code === 'OWN', `code ${error.code}`);
  }

  const pipe = aio.context.pipe('pipe', { capacity: 4096 });
  const poured = remote.pour(pipe, 200_000);
  let bytes = 0;
  for await (const piece of pipe) {
    for (const byte of piece) {
      check(byte === bytes % 251, `byte ${bytes} is ${byte}`);
      bytes++;
    }
  }
  await poured;
  check(bytes === 200_000, `${bytes} bytes`);

  const later = await Promise.all(Array.from({ length: 10 }, (_, n) => remote.later(n)));
  check(later.every((value) => value === 'later'), String(later));
  await io.close();
  const after = await remote.ticks().then(() => 'answered', (error) => error.code);
  check(after === 'ERR_AIO_CLOSED', after);
  await aio.close();
}
