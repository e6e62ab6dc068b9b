// SPDX-License-Identifier: MIT
/** The entry for Node, Deno, Bun, and for files that no bundler has touched. */
import { provideHost } from './hosts/detect.js';

provideHost(async () => {
  const isNode = typeof process === 'object' && process.versions?.node !== undefined;
  return (isNode ? await import('./hosts/node-owner.js') : await import('./hosts/browser-owner.js')).ownerHost;
});

export * from './public.js';
