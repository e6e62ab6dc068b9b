// SPDX-License-Identifier: MIT
import type { MadeWorker } from '../hosts/host.js';
import type { Surroundings } from './surroundings.js';

/** What guests need of the owner's host, beyond what every runtime needs. */
export interface GuestHost {
  /** Starts a worker that can be a guest's thread: guest-node.js, guest-browser.js. */
  makeWorker(name: string): MadeWorker;
  /** Loaded for the first guest. Absent: a page, which has none of that. */
  surroundings?(): Promise<Surroundings>;
}

let load: (() => Promise<GuestHost>) | undefined;

/** Each entry of `wasm-aio/wasi` says where that comes from, as the package's others say for its host. */
export function provideGuestHost(loader: () => Promise<GuestHost>): void {
  load = loader;
}

export async function guestHost(): Promise<GuestHost> {
  if (!load) throw new Error("wasm-aio: import 'wasm-aio/wasi', not one of its files");
  return load();
}
