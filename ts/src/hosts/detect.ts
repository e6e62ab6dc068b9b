// SPDX-License-Identifier: MIT
import type { OwnerHost } from './host.js';

let load: (() => Promise<OwnerHost>) | undefined;

/**
 * Sets where this entry of the package loads its host from. The entry for pages names no file of Node's, because a
 * bundler would include it.
 */
export function provideHost(loader: () => Promise<OwnerHost>): void {
  load = loader;
}

/** Whether this is Node, or a runtime that imitates it (Deno, Bun); otherwise it is a browser. */
export const isNode = (): boolean => typeof process === 'object' && process.versions?.node !== undefined;

/** The host that this code runs on. */
export async function ownerHost(): Promise<OwnerHost> {
  if (!load) throw new Error('wasm-aio: import the package by its name, not one of its files');
  return load();
}
