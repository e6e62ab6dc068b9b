// SPDX-License-Identifier: MIT
import type { HostBase } from '../hosts/host.js';
import type { GuestConfig } from './guest-config.js';
import type { GuestMemory } from './guest-memory.js';
import type { Shared } from './shared.js';
import type { FdTable, FileSystem } from './table.js';

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

/** Those on directories, which not every host has. */
export type DirectoryCalls = (thread: GuestThread) => Calls;

/** Thrown through the module by proc_exit and proc_raise. */
export class ProcessExit extends Error {
  constructor(readonly exitCode: number, readonly signal?: string) {
    super(signal === undefined ? `exit ${exitCode}` : `signal ${signal}`);
    this.name = 'ProcessExit';
  }
}
