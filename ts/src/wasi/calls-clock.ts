// SPDX-License-Identifier: MIT
import { Clock, fail } from '../runtime/abi.js';
import { clockNow } from '../runtime/process.js';
import { errnoOf, type GuardedCalls } from '../runtime/system.js';
import * as E from '../runtime/wasi-errno.js';
import type { GuestThread } from './guest-thread.js';

/** The call that reads the clocks, which programs make often: without bigints where it can do without. */
export function clockCalls(thread: GuestThread): GuardedCalls {
  const { memory, host: { monotonic } } = thread;
  return {
    clock_time_get(clock: number, _precision: bigint, time: number) {
      try {
        if (clock === Clock.monotonic) memory.setWhole(time, Math.round(monotonic()));
        else memory.setU64(time, clockNow(thread, clock) ?? fail(E.INVAL));
        return E.SUCCESS;
      } catch (error) {
        return errnoOf(error);
      }
    },
  };
}
