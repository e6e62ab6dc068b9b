// SPDX-License-Identifier: MIT
import type { HostBase } from '../hosts/host.js';
import { hostFiles } from '../runtime/file-imports.js';
import type { Memory } from '../runtime/memory.js';
import type { System } from '../runtime/system.js';
import type { GuestConfig } from './guest-config.js';
import { guestFiles } from './guest-files.js';
import type { DirectoryCalls } from './guest-thread.js';
import { loopImports } from './loop-fds.js';
import { guestThread, noDirectories, preview1 } from './preview1.js';

/**
 * The system of one thread of a guest that contains the event loop. directoryCalls: absent where there are no
 * directories.
 */
export function guestSystem(config: GuestConfig, host: HostBase, memory: Memory, sleeps: boolean, directoryCalls: DirectoryCalls = noDirectories): System {
  const thread = guestThread(config, host, () => memory.memory, sleeps);
  const { calls, more } = directoryCalls(thread);
  return {
    env: { ...loopImports(thread, more), ...guestFiles(thread, hostFiles(thread.host, memory)) },
    calls: preview1(thread, calls),
    whenReady: (tell) => void (thread.shared.onReady = tell),
  };
}
