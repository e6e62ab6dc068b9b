// SPDX-License-Identifier: MIT
/** A runtime whose owner is a worker: its IOThreads, clocks, timers and its end. */
export default async function ({ page, makeWorker, check }) {
  const worker = makeWorker(new URL('./owner-in-worker.worker.mjs', import.meta.url));
  const { ended, skew } = await new Promise((resolve, reject) => {
    if (page) {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
    } else {
      worker.on('message', resolve);
      worker.on('error', reject);
    }
  });
  await worker.terminate();
  check(ended === 'right', ended);
  // Each was read after the one before, by a thread of its own.
  check(skew < 100e6, `${skew} ns`);
}
