// SPDX-License-Identifier: MIT
/** The entry that bundlers take for a page: nothing of Node's is in reach of it. */
import { ownerHost } from './hosts/browser-owner.js';
import { provideHost } from './hosts/detect.js';

provideHost(() => Promise.resolve(ownerHost));

export * from './public.js';
