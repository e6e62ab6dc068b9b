// SPDX-License-Identifier: MIT
/** A worker of the user's that owns a runtime. */
import { Runtime } from 'wasm-aio';

const isWeb = typeof WorkerGlobalScope === 'function' && globalThis instanceof WorkerGlobalScope && !('Deno' in globalThis) && !('Bun' in globalThis);
const post = isWeb ? (data) => postMessage(data) : (await import('node:worker_threads')).parentPort.postMessage.bind((await import('node:worker_threads')).parentPort);
try {
  const aio = await Runtime.create();
  const [one, other] = await Promise.all([aio.iothread('one'), aio.iothread('other')]);
  const before = await one.clock();
  const after = await other.clock();
  const bell = aio.context.notifier('bell');
  const timer = aio.context.timer('timer', () => bell.set());
  timer.arm(1);
  await bell.wait();
  await aio.close();
  post({ ended: 'right', skew: before - after });
} catch (error) {
  post({ ended: `${error.stack ?? error}` });
}
