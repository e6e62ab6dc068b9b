// The argument says which options the pool has.
import { Worker } from 'node:worker_threads';
import { Runtime } from 'wasm-aio';
import { Pool } from 'wasm-aio/pool';

const module = new URL('./squares.js', import.meta.url);
const options = {
  worker: { worker: () => new Worker(new URL('./pool-tasks.js', import.meta.url)) },
  module: { module },
  limits: { module, resourceLimits: { maxOldGenerationSizeMb: 64 } },
  // Its worker file has the name that the pool's own has in the package.
  runtime: { module, runtime: await Runtime.create({ reserve: 0, worker: () => new Worker(new URL('./worker.js', import.meta.url)) }) },
};
for (const [name, choice] of Object.entries(options)) {
  const pool = new Pool({ ...choice, threads: { max: 1 } });
  console.log(name, await pool.run(3).catch(({ code, message }) => `${code} ${message}`));
  await pool.close();
}
await options.runtime.runtime.close();
