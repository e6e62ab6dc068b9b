// SPDX-License-Identifier: MIT
/** Arguments, environment, clocks, random bytes, and the guest's end. */
import { Clock, E, fail } from './abi.js';
import type { HostBase } from '../hosts/host.js';
import type { GuestMemory } from './guest-memory.js';

/** A WASI call. It returns an errno, or nothing for success; it may throw a WasiError. */
export type SystemCall = (...args: never[]) => number | void;
export type SystemCalls = Record<string, SystemCall>;

/** What the WASI calls of one thread work with, whatever else its module has. */
export interface SystemThread {
  readonly config: {
    readonly args: readonly string[];
    /** NAME=VALUE */
    readonly env: readonly string[];
  };
  readonly memory: GuestMemory;
  readonly host: HostBase;
}

/** Thrown through the module by proc_exit and proc_raise. */
export class ProcessExit extends Error {
  constructor(readonly exitCode: number, readonly signal?: string) {
    super(signal === undefined ? `exit ${exitCode}` : `signal ${signal}`);
    this.name = 'ProcessExit';
  }
}

/** `signal`; those that POSIX ignores by default are lower case. */
const SIGNALS = (
  'none HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM chld cont STOP TSTP TTIN TTOU urg ' +
  'XCPU XFSZ VTALRM PROF winch POLL PWR SYS'
).split(' ');
const STOPPING = ['STOP', 'TSTP', 'TTIN', 'TTOU'];

const RESOLUTION_NS = { [Clock.realtime]: 1_000_000n, [Clock.monotonic]: 1000n };

/** ns since the clock's origin; undefined: there is no such clock. */
export function clockNow(thread: Pick<SystemThread, 'host'>, clock: number): bigint | undefined {
  if (clock === Clock.realtime) return BigInt(Date.now()) * 1_000_000n;
  if (clock === Clock.monotonic) return BigInt(Math.round(thread.host.monotonic()));
  return undefined;
}

export function processCalls(thread: SystemThread): SystemCalls {
  const { memory, config } = thread;
  const encode = (texts: readonly string[]): Uint8Array[] => texts.map((text) => new TextEncoder().encode(`${text}\0`));
  const args = encode(config.args);
  const env = encode(config.env);

  const sizes = (texts: Uint8Array[], count: number, size: number): void => {
    memory.setU32(count, texts.length);
    memory.setU32(size, texts.reduce((sum, text) => sum + text.length, 0));
  };
  const get = (texts: Uint8Array[], pointers: number, buffer: number): void => {
    let pointer = pointers >>> 0;
    let at = buffer >>> 0;
    for (const text of texts) {
      memory.setU32(pointer, at);
      memory.bytes(at, text.length).set(text);
      pointer += 4;
      at += text.length;
    }
  };

  return {
    args_sizes_get: (count: number, size: number) => sizes(args, count, size),
    args_get: (pointers: number, buffer: number) => get(args, pointers, buffer),
    environ_sizes_get: (count: number, size: number) => sizes(env, count, size),
    environ_get: (pointers: number, buffer: number) => get(env, pointers, buffer),

    clock_res_get(clock: number, resolution: number) {
      memory.setU64(resolution, (RESOLUTION_NS as Record<number, bigint | undefined>)[clock] ?? fail(E.INVAL));
    },
    clock_time_get(clock: number, _precision: bigint, time: number) {
      memory.setU64(time, clockNow(thread, clock) ?? fail(E.INVAL));
    },

    random_get(pointer: number, length: number) {
      const into = memory.bytes(pointer, length);
      // Shared memory is refused, and so are more than 65536 bytes at once.
      for (let at = 0; at < into.length; at += 65536) {
        into.set(crypto.getRandomValues(new Uint8Array(Math.min(65536, into.length - at))), at);
      }
    },

    // The kernel shares the processors out by itself; a thread has none to give away for longer.
    sched_yield() {},

    proc_exit(code: number) {
      throw new ProcessExit(code >>> 0);
    },
    proc_raise(signal: number) {
      const name = SIGNALS[signal] ?? fail(E.INVAL);
      if (STOPPING.includes(name)) fail(E.NOTSUP);
      if (name === name.toUpperCase()) throw new ProcessExit(128 + signal, `SIG${name}`);
    },
  };
}
