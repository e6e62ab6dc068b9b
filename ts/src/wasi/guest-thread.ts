// SPDX-License-Identifier: MIT
import type { SystemCalls, SystemThread } from '../runtime/process.js';
import type { HostCall } from '../runtime/system.js';
import type { FileSystem } from './descriptor.js';
import type { GuestConfig } from './guest-config.js';
import type { Parents } from './parents.js';
import type { Shared } from './shared.js';
import type { FdTable } from './table.js';

/** What the WASI calls of one thread of a guest use. */
export interface GuestThread extends SystemThread {
  readonly config: GuestConfig;
  readonly shared: Shared;
  readonly table: FdTable;
  readonly fs: FileSystem | undefined;
  /** The directories that it has found; absent where there are none. */
  readonly parents: Parents | undefined;
  /** The permission bits of the file or directory that this thread creates next; undefined for the usual ones. */
  newMode?: number | undefined;
}

/** Makes the WASI calls on directories, which not every host has, and the calls that libc has beside them. */
export type DirectoryCalls = (thread: GuestThread) => { calls: SystemCalls; more: readonly HostCall[] };
