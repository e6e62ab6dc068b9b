// SPDX-License-Identifier: MIT
import type { HostBase } from '../hosts/host.js';
import type { GuestMemory } from './guest-memory.js';
import type { Shared } from './shared.js';
import type { FdTable, FileSystem } from './table.js';

/** What every thread of a guest is given when it starts; can be posted. */
export interface GuestConfig {
  readonly args: readonly string[];
  /** NAME=VALUE */
  readonly env: readonly string[];
  /** The guest's names of the preopened directories, by number. */
  readonly preopens: readonly string[];
  readonly buffer: SharedArrayBuffer;
  /** Whether its module may read the host's fds by number: that of the library alone, which
   * gets them from TypeScript. */
  readonly hostFiles: boolean;
}

/** What the calls of one thread of a guest work with. */
export interface GuestThread {
  readonly config: GuestConfig;
  readonly memory: GuestMemory;
  readonly shared: Shared;
  readonly table: FdTable;
  readonly host: HostBase;
  readonly fs: FileSystem | undefined;
}

/** Returns an errno, or nothing for success; may throw a WasiError. */
export type Call = (...args: never[]) => number | void;
export type Calls = Record<string, Call>;

/** Thrown through the module by proc_exit and proc_raise. */
export class ProcessExit extends Error {
  constructor(readonly exitCode: number, readonly signal?: string) {
    super(signal === undefined ? `exit ${exitCode}` : `signal ${signal}`);
    this.name = 'ProcessExit';
  }
}
