// SPDX-License-Identifier: MIT
/** What owner and workers say to each other; control data is comlink's own. */
import type { HostFile, OpenMode } from '../hosts/host.js';
import type { GuestConfig } from '../wasi/guest-config.js';
import type { ThreadPointer } from '../runtime/exports.js';
import type { HelperInit } from '../runtime/waiter.js';

export interface InitMessage {
  type: 'init';
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  thread: ThreadPointer;
  /** What its WASI calls work with. */
  guest: GuestConfig;
}

export type ToWorker =
  | InitMessage
  | { type: 'control'; data: unknown }
  | { type: 'open'; id: number; path: string; mode: OpenMode }
  | { type: 'close'; id: number; handle: number }
  /** Leave the role: host I/O is not needed any longer. */
  | { type: 'end' };

export type ToOwner =
  | { type: 'control'; data: unknown }
  /** Somebody needs a worker that attaches as this thread. */
  | { type: 'start'; thread: ThreadPointer }
  /** This thread, which has no Atomics.waitAsync, needs a helper. */
  | { type: 'helper'; init: HelperInit }
  /** This worker has a role now; the reserve is one short. */
  | { type: 'busy' }
  /** It waits for a role again, having played this one. */
  | { type: 'idle'; role: number }
  /** It has left for good, as it should. */
  | { type: 'ended' }
  /** What it shares may be half-changed. */
  | { type: 'failed'; message: string }
  /** The program that it runs called exit(). */
  | { type: 'exit'; code: number; thread: string }
  | { type: 'output'; fd: number; bytes: Uint8Array }
  | { type: 'opened'; id: number; file: HostFile }
  | { type: 'closed'; id: number }
  | { type: 'refused'; id: number; errno: string; message: string };
