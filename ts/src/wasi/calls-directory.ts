// SPDX-License-Identifier: MIT
import { pathCalls } from './calls-path.js';
import { readdirCalls } from './calls-readdir.js';
import type { DirectoryCalls } from './guest-thread.js';

/** The WASI calls on directories, which only guests with directories need. */
export const directoryCalls: DirectoryCalls = (thread) => ({ ...readdirCalls(thread), ...pathCalls(thread) });
