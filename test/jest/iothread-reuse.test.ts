// SPDX-License-Identifier: MIT
/** The thread of an IOThread frees its memory before the owner hears of its end: the next IOThread may have it by then. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Runtime, type AioBuffer, type IOThread } from 'wasm-aio';

let runtime: Runtime;
beforeEach(async () => {
  runtime = await Runtime.create();
});
afterEach(() => runtime.close());

/**
 * Tells it to end, and waits until its thread has freed it, in which time the owner takes no message: only promises run.
 * Resolves with a function that resolves when it is closed.
 */
async function freed(io: IOThread): Promise<() => Promise<void>> {
  const closed = io.close();
  while (runtime.dump().includes(`'IO ${io.name}'`)) await Promise.resolve();
  return () => closed;
}

/** Takes all memory that has been freed, and overwrites it. */
function overwriteFreed(): AioBuffer[] {
  const buffers = [64, 128, 256, 512, 1024, 2048, 4096, 8192, 1 << 14, 1 << 16, 1 << 17].flatMap((length) =>
    Array.from({ length: 8 }, () => runtime.allocate(length)));
  for (const { bytes } of buffers) bytes.fill(0xa5);
  return buffers;
}

const pointerOf = (io: IOThread): unknown => (io as unknown as { life: { pointer: number } }).life.pointer;

test('an IOThread at the same address is another one', async () => {
  let again = 0;
  let io = await runtime.iothread('io-0');
  for (let i = 1; again < 3 && i < 50; i++) {
    const before = io;
    const closed = await freed(before);
    const starting = runtime.iothread(`io-${i}`);
    // Both count as open, but only one is there.
    while (!(await runtime.iothreads()).length) { /* it is being started */ }
    expect((await runtime.iothreads()).map(({ name }) => name)).toEqual([`io-${i}`]);
    await closed();
    io = await starting;
    again += Number(pointerOf(io) === pointerOf(before));
    const buffers = overwriteFreed();
    for (let n = 0; n < 20; n++) expect(await io.clock()).toBeGreaterThan(0);
    for (const buffer of buffers) buffer.close();
  }
  // Otherwise this shows nothing.
  expect(again).toBe(3);
});

test('metrics() does not read what has been freed', async () => {
  const closed = await freed(await runtime.iothread('a'));
  const buffers = overwriteFreed();
  expect((await runtime.metrics()).text).not.toContain('iothread="a"');
  await closed();
  for (const buffer of buffers) buffer.close();
});

test('several lanes, in each of which one IOThread follows another', async () => {
  await Promise.all([1, 2, 3].map(async (lane) => {
    for (let i = 0; i < 200; i++) {
      const io = await runtime.iothread(`${lane}-${i}`);
      expect(await io.clock()).toBeGreaterThan(0);
      await io.close();
    }
  }));
});
