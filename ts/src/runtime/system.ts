// SPDX-License-Identifier: MIT
/** What a module asks of a system: the calls of WASI, descriptors that its loops wait for, files by number. */
import type { HostBase, MadeWorker } from '../hosts/host.js';
import { WasiError } from './abi.js';
import * as E from './wasi-errno.js';
import type { FileImports } from './file-imports.js';
import type { Memory } from './memory.js';
import type { SystemCalls } from './process.js';

/** The descriptors of WASI in the event loop of programs that have one inside (wasm/port/fd-table.c), and pipes for them. */
export interface LoopImports {
  fd_watch(fd: number): number;
  fd_revents(fd: number, events: number): number;
  fd_pair(pointer: number, sockets: number, flags: number): number;
}

/** poll(2)'s events, as the loops have them. */
export const POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 16, POLLNVAL = 32;

/** The imports of one thread's instance that are a system's. */
export interface System {
  readonly env: LoopImports & FileImports;
  readonly calls: SystemCalls;
  /** Gets what is to be told when a descriptor becomes ready by a call of this thread. */
  whenReady?(tell: (fd: number) => void): void;
}

/** Makes the system of a thread. config: what its owner has posted to it. sleeps: calls may block. */
export type MakeSystem<Config> = (config: Config, host: HostBase, memory: Memory, sleeps: boolean) => System;

/** What the program of a runtime has of a system, as its owner knows it. */
export interface Guest {
  /** What each thread's system is made of; it is posted to workers. */
  readonly config: unknown;
  /** The system of the owner's own instance. */
  system(memory: Memory): System;
  /** Starts the workers that its threads need. Absent: the package's own do. */
  makeWorker?(name: string): MadeWorker;
  /** Gets what is to be told when a descriptor becomes ready on the owner's side. */
  whenReady?(tell: (fd: number) => void): void;
}

/** A call as the module sees it: an errno, whatever happens inside. */
function guarded(call: (...args: never[]) => number | void): (...args: never[]) => number {
  return (...args) => {
    try {
      return call(...args) ?? E.SUCCESS;
    } catch (error) {
      if (error instanceof WasiError) return error.errno;
      throw error;
    }
  };
}

/** Calls as a module imports them. */
export function guardAll(calls: SystemCalls): Record<string, (...args: never[]) => number> {
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, guarded(call)]));
}
