// SPDX-License-Identifier: MIT
/** Blocking calls from IOThread to IOThread and to the owner; time-outs, signals, cycles, and the end of a thread that is waited for. */
import { Runtime } from 'wasm-aio';

export default async function ({ makeWorker, check }) {
  const aio = await Runtime.create();
  const start = (name) => aio.iothread(name, { worker: () => makeWorker(new URL('./sync-calls.worker.mjs', import.meta.url)) });
  const [a, b] = await Promise.all(['a', 'b'].map(start));
  await Promise.all([a.remote.meet(b.remote), b.remote.meet(a.remote)]);
  const code = (call) => call.then((value) => value, (error) => error.code ?? String(error));

  const right = await a.remote.many(500);
  check(right === 500, `${right} right answers`);
  const owner = await a.remote.owner(async (value) => value + 1, 4);
  check(owner === 5, `the owner answered ${owner}`);
  for (let n = 0; n < 3; n++) {
    const late = await code(a.remote.late());
    check(late === 'ERR_AIO_TIMEOUT', late);
    check((await a.remote.many(3)) === 3, 'a late answer is another call\'s');
  }
  for (let n = 0; n < 10; n++) {
    const word = new Int32Array(new SharedArrayBuffer(4));
    const ends = await Promise.all([code(a.remote.cross(word)), code(b.remote.cross(word))]);
    check(String(ends.sort()) === 'ERR_AIO_DEADLOCK,crossed', String(ends));
  }
  for (let n = 0; n < 5; n++) {
    const word = new Int32Array(new SharedArrayBuffer(4));
    const controller = new AbortController();
    const ended = a.remote.until(word, controller.signal);
    while (Atomics.load(word, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    controller.abort(new RangeError(`enough ${n}`));
    check((await ended) === `enough ${n}`, `aborted with ${await ended}`);
    check((await a.remote.many(3)) === 3, 'after an abort');
  }
  let refused;
  try {
    a.remote.sync.echo(1);
  } catch (error) {
    refused = error.code;
  }
  check(refused === 'ERR_AIO_WOULD_BLOCK', String(refused));
  const word = new Int32Array(new SharedArrayBuffer(4));
  const waits = code(a.remote.begin(word));
  while (Atomics.load(word, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await b.terminate();
  check((await waits) === 'ERR_AIO_THREAD_LOST', await waits);
  check((await a.remote.echo('here')) === 'here', 'a is gone');
  await aio.close();
}
