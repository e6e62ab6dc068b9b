// SPDX-License-Identifier: MIT
import { EVENT_HANGUP, EventType, SUBCLOCK_ABSTIME, Clock, WasiError, fail } from './abi.js';
import * as E from './wasi-errno.js';
import { clockNow, type SystemCalls, type SystemThread } from './process.js';

const SUBSCRIPTION_BYTES = 48;
const EVENT_BYTES = 32;
/** Enough for each fd in both directions, and clocks. */
const MAX_SUBSCRIPTIONS = 65536;

/** What a call of poll_oneoff waits for. */
export interface Subscription {
  userdata: bigint;
  type: number;
  /** The fd of an fd_read or fd_write. */
  fd: number;
  /** For a clock: its number, and when it is due, in ns. */
  clock: number;
  deadline: bigint;
  /** The errno of a wrong subscription; 0 if it is right. */
  error: number;
}

/** The state of a descriptor that poll_oneoff reports. */
export interface PollEvent {
  error: number;
  nbytes: bigint;
  hangup: boolean;
}

/** The longest sleep. It is shorter for the realtime clock, which may be set meanwhile. */
const LONGEST_MS = 2 ** 31 - 1;
const REALTIME_MS = 1000;

export const READY: PollEvent = { error: 0, nbytes: 0n, hangup: false };

/** The descriptors that poll_oneoff can wait for. */
export interface Pollable {
  /**
   * The state of fd if it is ready. If it is not, returns undefined, and the fd wakes this thread up once it is
   * ready. Throws a WasiError.
   */
  look(fd: number, type: number): PollEvent | undefined;
  /** Called before the descriptors are examined; its result is passed to sleep(). */
  prepareSleep(): number;
  /** Sleeps until a descriptor wakes this thread up, for at most ms. */
  sleep(seen: number, ms: number): void;
  /** Called before a call begins to wait, and with what it returns. Absent where nobody records the calls. */
  begun?(all: readonly Subscription[]): void;
  ended?(ready: readonly [Subscription, PollEvent][]): void;
}

/**
 * Makes poll_oneoff. It examines the subscriptions and, if none of them is ready, sleeps until a descriptor wakes the
 * thread up or the first clock is due.
 */
export function pollCalls(thread: SystemThread, pollable: Pollable): SystemCalls {
  const { memory } = thread;

  function subscription(at: number): Subscription {
    const type = memory.u8(at + 8);
    const made: Subscription = { userdata: memory.u64(at), type, fd: -1, clock: 0, deadline: 0n, error: 0 };
    if (type === EventType.clock) {
      made.clock = memory.u32(at + 16);
      const now = clockNow(thread, made.clock);
      const flags = memory.u16(at + 40);
      if (now === undefined || flags & ~SUBCLOCK_ABSTIME) return { ...made, error: E.INVAL };
      made.deadline = memory.u64(at + 24) + (flags & SUBCLOCK_ABSTIME ? 0n : now);
    } else if (type === EventType.fdRead || type === EventType.fdWrite) {
      made.fd = memory.u32(at + 16);
    } else {
      fail(E.INVAL);
    }
    return made;
  }

  function poll(one: Subscription): PollEvent | undefined {
    if (one.error !== 0) return { ...READY, error: one.error };
    if (one.type === EventType.clock) {
      return (clockNow(thread, one.clock) ?? 0n) >= one.deadline ? READY : undefined;
    }
    try {
      return pollable.look(one.fd, one.type);
    } catch (error) {
      if (!(error instanceof WasiError)) throw error;
      return { ...READY, error: error.errno };
    }
  }

  /** How long to sleep until the first clock is due, in ms. */
  function untilClock(all: readonly Subscription[]): number {
    let ms = Infinity;
    for (const { type, clock, deadline } of all) {
      if (type !== EventType.clock) continue;
      const left = Number(deadline - (clockNow(thread, clock) ?? 0n)) / 1e6;
      ms = Math.min(ms, Math.max(left, 0), clock === Clock.realtime ? REALTIME_MS : LONGEST_MS);
    }
    return ms;
  }

  function putEvent(at: number, { userdata, type }: Subscription, event: PollEvent): void {
    memory.bytes(at, EVENT_BYTES).fill(0);
    memory.setU64(at, userdata);
    memory.setU16(at + 8, event.error);
    memory.setU8(at + 10, type);
    if (type === EventType.clock || event.error !== 0) return;
    memory.setU64(at + 16, event.nbytes);
    memory.setU16(at + 24, event.hangup ? EVENT_HANGUP : 0);
  }

  return {
    poll_oneoff(input: number, output: number, count: number, result: number) {
      const n = count >>> 0;
      if (n === 0) fail(E.INVAL);
      const [from, to] = [input >>> 0, output >>> 0];
      memory.check(from, n * SUBSCRIPTION_BYTES);
      memory.check(to, n * EVENT_BYTES);
      memory.check(result, 4);
      if (n > MAX_SUBSCRIPTIONS) fail(E.INVAL);
      // All subscriptions are read before the first event is written, because the two arrays may overlap.
      const all = Array.from({ length: n }, (_, i) => subscription(from + i * SUBSCRIPTION_BYTES));
      pollable.begun?.(all);
      for (;;) {
        const seen = pollable.prepareSleep();
        const ready: [Subscription, PollEvent][] = [];
        for (const one of all) {
          const event = poll(one);
          if (event) ready.push([one, event]);
        }
        if (ready.length > 0) {
          ready.forEach(([one, event], i) => putEvent(to + i * EVENT_BYTES, one, event));
          memory.setU32(result, ready.length);
          pollable.ended?.(ready);
          return;
        }
        pollable.sleep(seen, untilClock(all));
      }
    },
  };
}
