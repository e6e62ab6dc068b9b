// SPDX-License-Identifier: MIT
/** What a module imports of a system: the WASI calls, the descriptors that its loops wait for, and files. */
import type { HostBase, MadeWorker } from '../hosts/host.js';
import { WasiError } from './abi.js';
import type { Locate } from './death.js';
import * as E from './wasi-errno.js';
import type { FileImports } from './file-imports.js';
import type { Memory } from './memory.js';
import type { SystemCalls } from './process.js';

/**
 * The imports by which the event loop of a program waits for WASI descriptors (wasm/port/fd-table.c), and creates
 * pipes.
 */
export interface LoopImports {
  fd_watch(fd: number): number;
  /** Which of the events are true now; negative: there is no such fd. */
  fd_revents(fd: number, events: number): number;
  /** What WASI has no calls for: see wasm/port/wasm-port.h. */
  fd_call(call: number, a: number, b: number, c: number): number;
}

/** One of the calls behind fd_call. It returns -errno on failure, or throws a WasiError. */
export type HostCall = (a: number, b: number, c: number) => number;

/** The events of poll(2), with the numbers that the loops use. */
export const POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 16, POLLRDHUP = 0x2000;

/** The imports of one thread's instance that belong to a system. */
export interface System {
  readonly env: LoopImports & FileImports;
  readonly calls: GuardedCalls;
  /** Passes the function to call when a descriptor becomes ready by a call of this thread. */
  whenReady?(tell: (fd: number, events: number) => void): void;
}

/** Makes the system of a thread. config: what its owner has posted to it. sleeps: its calls may block. */
export type MakeSystem<Config> = (config: Config, host: HostBase, memory: Memory, sleeps: boolean) => System;

/** The system of a runtime's program, as the owner sees it. */
export interface Guest {
  /** What the system of each thread is made of; it is posted to workers. */
  readonly config: unknown;
  /** Makes the system of the owner's own instance. */
  system(memory: Memory): System;
  /** Starts the workers of its threads. Absent where the package's own workers are used. */
  makeWorker?(name: string): MadeWorker;
  /** Passes the function to call when a descriptor becomes ready on the owner's side. */
  whenReady?(tell: (fd: number, events: number) => void): void;
  /** Returns what finds the source lines of the module; absent if it has none. */
  locate?: ((module: WebAssembly.Module) => Locate) | undefined;
}

/** The calls as a module imports them. */
export type GuardedCalls = Record<string, (...args: never[]) => number>;

/** The errno that a call returns which has thrown this. */
export function errnoOf(error: unknown): number {
  if (error instanceof WasiError) return error.errno;
  throw error;
}

/**
 * A call as the module sees it, which returns an errno also where the call throws a WasiError. It has the nine parameters of
 * the longest call, because passing on an array of arguments would cost more than a short call does.
 */
function guarded(call: (...args: never[]) => number | void): (...args: never[]) => number {
  return (a, b, c, d, e, f, g, h, i) => {
    try {
      return call(a, b, c, d, e, f, g, h, i) ?? E.SUCCESS;
    } catch (error) {
      return errnoOf(error);
    }
  };
}

/**
 * The calls as a module imports them. All of them share the code of guarded(), so the engine does not compile them into it: those
 * that have to be fast catch their errors themselves (errnoOf).
 */
export function guardAll(calls: SystemCalls): GuardedCalls {
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, guarded(call)]));
}
