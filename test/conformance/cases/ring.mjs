// SPDX-License-Identifier: MIT
/** A ring without a runtime: producers in workers that block, a consumer here that cannot, every byte verified; and back. */
import { createRing, RingConsumer, RingProducer } from 'wasm-aio/ring';

const COUNT = 3000;

export default async function ({ makeWorker, check, page }) {
  const ring = createRing({ size: 1024, producers: 2 });
  const back = createRing({ size: 256 });
  // The positions wrap around soon.
  for (const word of [16, 32]) new Int32Array(ring.buffer)[word] = -50;
  const workers = [0, 1].map((id) => {
    const worker = makeWorker(new URL('./ring.worker.mjs', import.meta.url));
    worker.postMessage({ ring, back: id === 0 ? back : undefined, id, count: COUNT });
    return worker;
  });
  const consumer = new RingConsumer(ring);
  const next = [0, 0];
  for await (const record of consumer) {
    const [id, low, high] = record;
    const n = low + 256 * high;
    check(n === next[id]++, `producer ${id}: record ${n} where ${next[id] - 1} was due`);
    check(record.length === 3 + (n % 90) && record.subarray(3).every((byte, at) => byte === ((n + at) & 255)), `record ${n} of ${id} is ${record}`);
  }
  check(next.every((n) => n === COUNT), `records: ${next}`);

  // What the first worker sums, by blocking.
  const producer = new RingProducer(back);
  for (let n = 0; n < COUNT; n++) await producer.write(Uint8Array.from({ length: n % 128 }, () => n & 255));
  await producer.flush();
  if (page) {
    // The page's thread must not block.
    const full = new RingProducer(createRing({ size: 256 }));
    while (full.tryWrite(new Uint8Array(100))) { /* until it is */ }
    let code;
    try {
      full.writeSync(new Uint8Array(100));
    } catch (error) {
      ({ code } = error);
    }
    check(code === 'ERR_AIO_WOULD_BLOCK', `the page's thread: ${code}`);
  }
  const sums = new RingConsumer(createRing({ size: 256 }));
  const waits = sums.read({ timeout: 1 }).then(() => 'a record', (error) => error.code);
  check(await waits === 'ERR_AIO_TIMEOUT', 'a read without a producer');
  await producer.close();
  for (const worker of workers) worker.terminate();
  return `${2 * COUNT} records`;
}
