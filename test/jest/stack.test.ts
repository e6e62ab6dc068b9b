// SPDX-License-Identifier: MIT
/** A stack that runs down is noticed before it overwrites anything. */
import { expect, test } from '@jest/globals';
import { Runtime } from 'wasm-aio';
import type { ThreadPointer } from '../../dist/runtime/exports.js';
import { failure } from './helpers/errors.js';
import { fixture } from './helpers/paths.js';

const OVERFLOW = 7;
/** What the overflowing function fills its frames with. */
const FRAME = Buffer.from([0xa3, 0xf4, 0xfe, 0x5a]);

test("a worker's stack: what lies below it is untouched", async () => {
  const runtime = await Runtime.create({ module: fixture('death'), reserve: 0 });
  const { exports, memory } = runtime.instance;
  const io = await runtime.iothread('io0');
  const [pointer] = (runtime.threads as unknown as { all: Map<ThreadPointer, unknown> }).all.keys();
  const limit = exports.rt_thread_stack_limit(pointer as ThreadPointer);
  expect(exports.rt_thread_stack_top(pointer as ThreadPointer)).toBe(limit + 256 * 1024);
  const error = await failure(io.call('die_here', OVERFLOW), 'ERR_AIO_PANIC');
  const at = Number(/stack overflow \(at (0x[0-9a-f]+)\)/.exec(error.message)?.[1]);
  expect(at).toBeLessThan(limit);
  // What lies there is the heap's, and changes; but no frame of it was written.
  expect(Buffer.from(memory.copy(limit - 4096, 4096)).includes(FRAME)).toBe(false);
  // And it was used to the end.
  expect(Buffer.from(memory.copy(limit, 512)).includes(FRAME)).toBe(true);
  await runtime.close();
});

test('stackSize is the size of each', async () => {
  const runtime = await Runtime.create({ module: fixture('death'), reserve: 1, stackSize: 64 * 1024 });
  const { exports } = runtime.instance;
  const [pointer] = (runtime.threads as unknown as { all: Map<ThreadPointer, unknown> }).all.keys();
  const [top, limit] = [exports.rt_thread_stack_top(pointer as ThreadPointer), exports.rt_thread_stack_limit(pointer as ThreadPointer)];
  expect(top - limit).toBe(64 * 1024);
  await runtime.close();
});

test.each([
  ['the module that TypeScript drives', undefined, 64 * 1024],
  ['a program', fixture('death'), 1024 * 1024],
])("the owner's stack in %s: it comes first in memory, so that running down traps", async (_what, module, size) => {
  const runtime = await Runtime.create({ reserve: 0, ...(module ? { module } : {}) });
  expect(runtime.instance.exports.__stack_pointer.value).toBe(size);
  await runtime.close();
});
