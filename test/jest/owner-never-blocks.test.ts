// SPDX-License-Identifier: MIT
/** The owner is refused by name whatever would block it; an IOThread may. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Runtime, type IOThread } from 'wasm-aio';
import { failure } from './helpers/errors.js';
import { fixture } from './helpers/paths.js';

const module = fixture('blocking');

// What is called, and the function that is refused by name.
const blocking: [string, string][] = [
  ['do_aio_poll', 'aio_poll'],
  ['do_join', 'qemu_thread_join'],
  ['do_cond_wait', 'qemu_cond_wait'],
  ['do_cond_timedwait', 'qemu_cond_timedwait'],
  ['do_event_wait', 'qemu_event_wait'],
  ['do_sem_wait', 'qemu_sem_wait'],
  ['do_sem_timedwait', 'qemu_sem_timedwait'],
  ['do_futex_wait', 'futex wait'],
];

let runtime: Runtime;
let io: IOThread;

beforeAll(async () => {
  runtime = await Runtime.create({ module });
  io = await runtime.iothread('io0');
});
afterAll(() => runtime.close());

test.each(blocking)('%s: the owner is refused, an IOThread waits', async (name, refused) => {
  await io.call('start_helper', 0);
  const error = await failure(() => runtime.call(name), 'ERR_AIO_WOULD_BLOCK');
  expect(error.message).toMatch(new RegExp(`^${refused}: this thread must not block`));

  // The refusal has changed nothing: what is waited for can still be had.
  const waited = io.call(name);
  expect(runtime.call('release_helper')).toBe(1);
  expect(await waited).toBe(1);
  if (name !== 'do_join') expect(await io.call('do_join')).toBe(1);
});

test('what need not block is granted to the owner', async () => {
  expect(runtime.call('do_not_block')).toBe(1);
  await io.call('start_helper', 1);
  await io.call('do_event_wait');
  expect(await io.call('do_join')).toBe(1);
});

test('the owner takes a lock that is held, by spinning', async () => {
  const held = io.call('hold_lock');
  while (runtime.call('lock_is_held') !== 1) await new Promise(setImmediate);
  expect(runtime.call('take_held_lock')).toBe(2);
  expect(await held).toBe(1);
});

test('the owner and IOThreads exclude each other', async () => {
  const times = 100_000;
  const io1 = await runtime.iothread('io1');
  const others = [io.call('add_locked', times), io1.call('add_locked', times)];
  for (let round = 0; round < 10; round++) {
    runtime.call('add_locked', times / 10);
    await new Promise(setImmediate);
  }
  await Promise.all(others);
  expect(runtime.call('add_locked', 0)).toBe(3 * times);
  await io1.close();
});

test('a refusal under a lock ends the runtime: what the lock guards may be half-changed', async () => {
  const doomed = await Runtime.create({ module });
  const error = await failure(() => doomed.call('wait_with_lock'), 'ERR_AIO_PANIC');
  expect(error.message).toContain('qemu_event_wait: this thread must not block, and it holds a lock');
  await doomed.close();
});

test('a refusal in a call-back of the owner ends the runtime: nobody is there to catch it', async () => {
  const doomed = await Runtime.create({ module });
  const other = await doomed.iothread('io0');
  await other.call('start_helper', 0);
  const waiting = other.call('do_event_wait');
  doomed.call('wait_in_bottom_half');
  const error = await failure(waiting, 'ERR_AIO_PANIC');
  expect(error.message).toContain('qemu_event_wait: this thread must not block');
  expect(error.message).toContain("[thread 'owner'");
  await doomed.close();
});

test('a function that the module has not is refused in both', async () => {
  const inOwner = await failure(() => runtime.call('no_such_function'), 'ERR_AIO_INVALID_ARG');
  const inIOThread = await failure(io.call('no_such_function'), 'ERR_AIO_INVALID_ARG');
  expect(inOwner.message).toContain("'no_such_function'");
  expect(inIOThread.message).toBe(inOwner.message);
});
