// SPDX-License-Identifier: MIT
/** The entry that bundlers take for a page; it imports nothing that needs Node. */
import { ownerHost } from './hosts/browser-owner.js';
import { provideHost } from './hosts/detect.js';

provideHost(() => Promise.resolve(ownerHost));

export * from './public.js';
