// SPDX-License-Identifier: MIT
import { isNode, provideHost } from './detect.js';

/** Provides the host of an entry that is for Node, Deno and Bun, and for pages without a bundler. */
export function provideAnyHost(): void {
  provideHost(async () => (isNode() ? await import('./node-owner.js') : await import('./browser-owner.js')).ownerHost);
}
