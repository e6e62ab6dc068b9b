// SPDX-License-Identifier: MIT
/** C coroutines that TypeScript awaits, in IOThreads and in the owner. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Runtime, type IOThread } from 'wasm-aio';
import { failure } from './helpers/errors.js';
import { fixture } from './helpers/paths.js';

const module = fixture('coroutine');

let runtime: Runtime;
let io0: IOThread;

beforeAll(async () => {
  runtime = await Runtime.create({ module });
  io0 = await runtime.iothread('io0');
  await runtime.iothread('io1');
});
afterAll(() => runtime.close());

test('what it returns is what the promise resolves with, in an IOThread and in the owner', async () => {
  expect(await Promise.all([io0.coroutine('add_in_turns', 100), runtime.coroutine('add_in_turns', 10)])).toEqual([5050, 55]);
  expect(await io0.coroutine('one_more_in_the_pool', 41)).toBe(42);
  expect(await runtime.coroutine('one_more_in_the_pool', -2)).toBe(-1);
});

test('many at once: each has its own', async () => {
  const sums = await Promise.all(Array.from({ length: 200 }, (_, i) => io0.coroutine('add_in_turns', i)));
  expect(sums).toEqual(Array.from({ length: 200 }, (_, i) => (i * (i + 1)) / 2));
});

test('it sleeps, and the loop goes on', async () => {
  const order: string[] = [];
  const note = (name: string, promise: Promise<number>): Promise<unknown> => promise.then(() => order.push(name));
  await Promise.all([
    note('long', io0.coroutine('sleep_ms', 1000)), note('short', io0.coroutine('sleep_ms', 1)), runtime.coroutine('sleep_ms', 1),
  ]);
  expect(order).toEqual(['short', 'long']);
});

test('it moves between workers, with its locals and its stack', async () => {
  expect(await io0.coroutine('move_between_io0_and_io1', 5000)).toBe(5000);
});

test('functions of the program may be called like functions of the loop', async () => {
  expect(await io0.coroutine('yield_in_namesakes', 20)).toBe(42);
});

test('closing an IOThread waits for the coroutines that run in it', async () => {
  const io2 = await runtime.iothread('io2');
  const sleeping = io2.coroutine('sleep_ms', 30);
  await io2.close();
  expect(await sleeping).toBe(30);
  await failure(io2.coroutine('sleep_ms', 1), 'ERR_AIO_CLOSED');
});

test('a name that is not exported, an argument that is no integer', async () => {
  const error = await failure(io0.coroutine('set_stack_size'), 'ERR_AIO_INVALID_ARG');
  expect(error.message).toBe("name: the module exports no coroutine 'set_stack_size' (AIO_EXPORT_COROUTINE)");
  for (const argument of [0.5, NaN, 2 ** 32, -(2 ** 31) - 1]) {
    await failure(runtime.coroutine('sleep_ms', argument), 'ERR_AIO_INVALID_ARG');
  }
});

test('while it polls, another coroutine may yield', async () => {
  expect(await io0.coroutine('poll_while_another_yields')).toBe(2);
});

// ---- Full stacks: each is the death of a runtime ----

/** The death of a runtime in which `name` runs in an IOThread, with stacks of these sizes. */
async function death(name: string, argument: number, stack = 0, frames = 0): Promise<string> {
  const mortal = await Runtime.create({ module, reserve: 0 });
  try {
    const io = await mortal.iothread('io0');
    mortal.call('set_stack_size', stack, frames);
    return (await failure(io.coroutine(name, argument), 'ERR_AIO_PANIC')).message;
  } finally {
    await mortal.close();
  }
}

test('a full C stack is named, with its coroutine and its size', async () => {
  expect(await death('use_c_stack', 100_000)).toMatch(
    /stack overflow \(at 0x[0-9a-f]+\): coroutine 0x[0-9a-f]+ 'use_c_stack' needs more than its C stack of 131072 bytes: qemu_coroutine_set_stack_size/,
  );
  expect(await death('use_c_stack', 100_000, 8192)).toMatch(/'use_c_stack' needs more than its C stack of 8192 bytes/);
});

test('a full Asyncify stack is named, with its coroutine and its size, before it traps', async () => {
  expect(await death('use_frames', 3000)).toMatch(
    /coroutine 0x[0-9a-f]+ 'use_frames' overflowed its Asyncify stack: its frames need \d+ bytes and it has 65536: give it more with qemu_coroutine_set_stack_size/,
  );
  expect(await death('use_frames', 300, 0, 4096)).toMatch(/'use_frames' overflowed .* and it has 4096:/);
});

test('larger stacks serve', async () => {
  const large = await Runtime.create({ module, reserve: 0 });
  const io = await large.iothread('io0');
  large.call('set_stack_size', 0, 1024 * 1024);
  expect(await io.coroutine('use_frames', 3000)).toBe(3001);
  await large.close();
});

// ---- Yields that cannot unwind ----

test.each(['yield_in_a_bottom_half', 'yield_in_a_timer', 'yield_in_a_handler'])('%s of a loop that the coroutine runs itself is refused', async (name) => {
  expect(await death(name, 0)).toMatch(
    new RegExp(`qemu_coroutine_yield: coroutine 0x[0-9a-f]+ '${name}' cannot yield here: .*call-back of the event loop`),
  );
});

test('a yield across a JavaScript frame is refused', async () => {
  const mortal = await Runtime.create({ module, reserve: 0 });
  const { now } = Date;
  try {
    // C reads the wall clock by this, so it is a JavaScript frame in a coroutine.
    Date.now = () => {
      Date.now = now;
      return mortal.call('yield_now') as number;
    };
    const error = await failure(mortal.coroutine('read_the_wall_clock'), 'ERR_AIO_PANIC');
    expect(error.message).toMatch(/'read_the_wall_clock' cannot yield here: .*JavaScript/);
  } finally {
    Date.now = now;
    await mortal.close();
  }
});

test('one that would block the owner is its death: its frames are lost', async () => {
  const mortal = await Runtime.create({ module, reserve: 0 });
  const error = await failure(mortal.coroutine('block'), 'ERR_AIO_PANIC');
  expect(error.message).toMatch(/aio_poll: this thread must not block, and it is in a coroutine/);
  await mortal.close();
});
