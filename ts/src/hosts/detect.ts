// SPDX-License-Identifier: MIT
import type { OwnerHost } from './host.js';

let load: (() => Promise<OwnerHost>) | undefined;

/**
 * Each entry of the package says where its host comes from: what a page loads names
 * none of Node's files, which a bundler would follow.
 */
export function provideHost(loader: () => Promise<OwnerHost>): void {
  load = loader;
}

/** The host that this code runs on. */
export async function ownerHost(): Promise<OwnerHost> {
  if (!load) throw new Error('wasm-aio: import the package by its name, not one of its files');
  return load();
}
