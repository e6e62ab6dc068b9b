// SPDX-License-Identifier: MIT
/** Writes its records and blocks while there is no room; then takes those of the way back. */
import { RingConsumer, RingProducer } from 'wasm-aio/ring';

function run({ ring, back, id, count }) {
  const producer = new RingProducer(ring);
  for (let n = 0; n < count; n++) {
    const record = new Uint8Array(3 + (n % 90));
    record.set([id, n & 255, n >> 8]);
    for (let at = 3; at < record.length; at++) record[at] = n + at - 3;
    producer.writeSync(record);
  }
  producer.close();
  if (!back) return;
  const consumer = new RingConsumer(back);
  let n = 0;
  for (; consumer.waitSync(); consumer.release(), n++) {
    const bytes = consumer.peek();
    if (bytes.length !== n % 128 || bytes.some((byte) => byte !== (n & 255))) consumer.close(new Error(`record ${n} is ${bytes}`));
  }
}

const isWeb = typeof WorkerGlobalScope === 'function' && globalThis instanceof WorkerGlobalScope && !('Deno' in globalThis) && !('Bun' in globalThis);
if (isWeb) globalThis.onmessage = ({ data }) => run(data);
else (await import('node:worker_threads')).parentPort.once('message', run);
