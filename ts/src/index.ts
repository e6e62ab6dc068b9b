// SPDX-License-Identifier: MIT
/** The entry for Node, Deno and Bun, and for pages without a bundler. */
import { isNode, provideHost } from './hosts/detect.js';

provideHost(async () => (isNode() ? await import('./hosts/node-owner.js') : await import('./hosts/browser-owner.js')).ownerHost);

export * from './public.js';
