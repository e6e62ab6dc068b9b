// SPDX-License-Identifier: MIT
import { consoleSystem } from '../runtime/console.js';
import { runHelper } from './helper-worker.js';
import type { Kinds } from './worker.js';

/** What the package's own worker, and one with code of the user's, can be. */
export const kinds: Kinds = { system: consoleSystem, others: { wait: runHelper } };
