// SPDX-License-Identifier: MIT
import { pathCalls } from './calls-path.js';
import { readdirCalls } from './calls-readdir.js';
import type { DirectoryCalls } from './guest-thread.js';

/** What works on directories: only guests that have some need it. */
export const directoryCalls: DirectoryCalls = (thread) => ({ ...readdirCalls(thread), ...pathCalls(thread) });
