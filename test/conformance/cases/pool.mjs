// SPDX-License-Identifier: MIT
/** A pool: tasks of a module and of a worker's file, errors, transfers, aborts, and what runs for too long. */
import { Pool } from 'wasm-aio/pool';

const failed = (promise) => promise.then(() => undefined, (reason) => reason);

export default async function ({ makeWorker, check }) {
  const pool = new Pool({ module: new URL('./pool.tasks.mjs', import.meta.url), threads: { max: 2 }, terminateAfter: 10 });
  const squares = await Promise.all(Array.from({ length: 1000 }, (_, n) => pool.run(n)));
  check(squares.every((square, n) => square === n * n), `squares: ${squares}`);

  const bytes = new Uint8Array(100_000).fill(1);
  const sum = await pool.run(bytes, { name: 'sum', transfer: [bytes.buffer] });
  check(sum === 100_000 && bytes.length === 0, `sum ${sum}, ${bytes.length} bytes left`);
  check(await pool.run(1, { name: 'later' }) === 'later', 'later');
  const error = await failed(pool.run('too far', { name: 'fail' }));
  check(error instanceof RangeError && error.message === 'too far', `fail: ${error}`);

  const spin = await failed(pool.run(undefined, { name: 'spin', timeout: 20 }));
  check(spin?.code === 'ERR_AIO_TIMEOUT', `spin: ${spin}`);
  const abort = new AbortController();
  const patient = failed(pool.run(undefined, { name: 'patient', signal: abort.signal }));
  const reason = new Error('enough');
  abort.abort(reason);
  check(await patient === reason, 'patient');
  const after = await Promise.all(Array.from({ length: 100 }, (_, n) => pool.run(n)));
  check(after.at(-1) === 99 * 99, `after: ${after.at(-1)}`);
  await pool.close();
  check((await failed(pool.run(1)))?.code === 'ERR_AIO_CLOSED', 'closed');

  const own = new Pool({ worker: () => makeWorker(new URL('./pool.worker.mjs', import.meta.url)), threads: { max: 1 } });
  check(await own.run('text') === 'TEXT', 'worker');
  await own.terminate();
  return `${squares.length + after.length} tasks`;
}
