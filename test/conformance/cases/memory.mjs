// SPDX-License-Identifier: MIT
/** The memory grows in one thread, and all the others see what is written there. */
import { Runtime } from 'wasm-aio';

const MIB = 150;

export default async function ({ module, check }) {
  const aio = await Runtime.create({ module: module('memory.module'), maximumMemory: 2 ** 30 });
  const [one, other] = await Promise.all([aio.iothread('one'), aio.iothread('other')]);
  // More than it has at first, in each of the threads.
  const blocks = [await one.call('make', MIB, 1), await other.call('make', MIB, 2), aio.call('make', MIB, 3)];
  check(blocks.every((block) => block !== 0), `blocks at ${blocks}`);
  for (const [n, block] of blocks.entries()) {
    const seen = [await one.call('is_filled', block, MIB, n + 1), await other.call('is_filled', block, MIB, n + 1), aio.call('is_filled', block, MIB, n + 1)];
    check(seen.every((right) => right === 1), `block ${n}: ${seen}`);
  }
  const buffer = aio.allocate(100 * 2 ** 20);
  buffer.bytes.fill(9);
  check(buffer.bytes.at(-1) === 9, 'the buffer');
  const more = await one.call('make', 800, 1);
  check(more === 0, `800 MiB more were found at ${more}`);
  await one.clock();
  await aio.close();
}
