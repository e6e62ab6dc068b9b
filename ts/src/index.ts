// SPDX-License-Identifier: MIT
/** The entry for Node, Deno, Bun, and for files that no bundler has touched. */
import { isNode, provideHost } from './hosts/detect.js';

provideHost(async () => (isNode() ? await import('./hosts/node-owner.js') : await import('./hosts/browser-owner.js')).ownerHost);

export * from './public.js';
