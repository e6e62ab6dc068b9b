// SPDX-License-Identifier: MIT
import { pathCalls } from './calls-path.js';
import { readdirCalls } from './calls-readdir.js';
import type { DirectoryCalls } from './guest-thread.js';
import { libcFiles } from './libc-files.js';

/** What only guests with directories need. */
export const directoryCalls: DirectoryCalls = (thread) => ({
  calls: { ...readdirCalls(thread), ...pathCalls(thread) },
  more: libcFiles(thread),
});
