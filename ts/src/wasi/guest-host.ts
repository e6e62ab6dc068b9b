// SPDX-License-Identifier: MIT
import type { MadeWorker } from '../hosts/host.js';
import type { Surroundings } from './surroundings.js';

/** What guests need of the owner's host in addition to what every runtime needs. */
export interface GuestHost {
  /** Starts a worker that can be a thread of a guest: guest-node.js or guest-browser.js. */
  makeWorker(name: string): MadeWorker;
  /**
   * Called before a module with shared memory is compiled that aiocc has not built: makes the engine compile it rightly. Absent where
   * it does so anyway.
   */
  beforeThreads?(): Promise<void>;
  /** Loads what the guest inherits from this process. Called for the first guest; absent in a page. */
  surroundings?(): Promise<Surroundings>;
}

let load: (() => Promise<GuestHost>) | undefined;

/** Sets where this entry of `wasm-aio/wasi` loads its guest host from, as provideHost() does for the host. */
export function provideGuestHost(loader: () => Promise<GuestHost>): void {
  load = loader;
}

export async function guestHost(): Promise<GuestHost> {
  if (!load) throw new Error("wasm-aio: import 'wasm-aio/wasi', not one of its files");
  return load();
}
