// SPDX-License-Identifier: MIT
/** WASI calls for arguments, clocks, and the end of the program. */
import { Clock, fail } from './abi.js';
import * as E from './wasi-errno.js';
import type { HostBase } from '../hosts/host.js';
import type { GuestMemory } from './guest-memory.js';

/** A WASI call. It returns an errno, or nothing for success; it may throw a WasiError. */
export type SystemCall = (...args: never[]) => number | void;
export type SystemCalls = Record<string, SystemCall>;

/** What the WASI calls of one thread use, whatever else its module has. */
export interface SystemThread {
  readonly config: {
    readonly args: readonly string[];
    /** The environment, `NAME=VALUE` each. */
    readonly env: readonly string[];
  };
  readonly memory: GuestMemory;
  readonly host: HostBase;
  /** The realtime clock in ns; absent where whole milliseconds do. */
  realtime?(): bigint;
}

/** Thrown through the module by proc_exit and proc_raise. */
export class ProcessExit extends Error {
  constructor(readonly exitCode: number, readonly signal?: string) {
    super(signal === undefined ? `exit ${exitCode}` : `signal ${signal}`);
    this.name = 'ProcessExit';
  }
}

/** The time of a clock, in ns; undefined if there is no such clock. */
export function clockNow(thread: Pick<SystemThread, 'host' | 'realtime'>, clock: number): bigint | undefined {
  if (clock === Clock.realtime) return thread.realtime?.() ?? BigInt(Date.now()) * 1_000_000n;
  if (clock === Clock.monotonic) return BigInt(Math.round(thread.host.monotonic()));
  return undefined;
}

/** Makes the two calls by which a module gets a list of texts: one for their sizes, one for the texts. */
export function textCalls(memory: GuestMemory, list: readonly string[]): { sizes(count: number, size: number): void; get(pointers: number, buffer: number): void } {
  const texts = list.map((text) => new TextEncoder().encode(`${text}\0`));
  return {
    sizes(count, size) {
      memory.setU32(count, texts.length);
      memory.setU32(size, texts.reduce((sum, text) => sum + text.length, 0));
    },
    get(pointers, buffer) {
      let pointer = pointers >>> 0;
      let at = buffer >>> 0;
      for (const text of texts) {
        memory.setU32(pointer, at);
        memory.bytes(at, text.length).set(text);
        pointer += 4;
        at += text.length;
      }
    },
  };
}

/** Makes the calls that every module built by aiocc imports. */
export function processCalls(thread: SystemThread): SystemCalls {
  const { memory, config } = thread;
  const args = textCalls(memory, config.args);
  return {
    args_sizes_get: args.sizes,
    args_get: args.get,
    clock_time_get(clock: number, _precision: bigint, time: number) {
      // Most programs ask for this clock, and often.
      if (clock === Clock.monotonic) memory.setWhole(time, Math.round(thread.host.monotonic()));
      else memory.setU64(time, clockNow(thread, clock) ?? fail(E.INVAL));
    },

    proc_exit(code: number) {
      throw new ProcessExit(code >>> 0);
    },
  };
}
