// SPDX-License-Identifier: MIT
import type { OwnerHost } from './host.js';

/** The host that this code runs on. */
export async function ownerHost(): Promise<OwnerHost> {
  const isNode = typeof process === 'object' && process.versions?.node !== undefined;
  return (isNode ? await import('./node-owner.js') : await import('./browser-owner.js')).ownerHost;
}
