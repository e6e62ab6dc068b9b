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

/** Whether this is Node, or one of those that are made to look like it; else it is a browser. */
export const isNode = (): boolean => typeof process === 'object' && process.versions?.node !== undefined;

/** The host that this code runs on. */
export async function ownerHost(): Promise<OwnerHost> {
  if (!load) throw new Error('wasm-aio: import the package by its name, not one of its files');
  return load();
}
