// SPDX-License-Identifier: MIT
import { hostIORole } from '../api/host-io.js';
import { moreCalls } from '../runtime/console-more.js';
import { consoleSystem, type ConsoleConfig } from '../runtime/console.js';
import { Role } from '../runtime/exports.js';
import { runHelper } from '../runtime/helper-worker.js';
import type { Kinds } from '../runtime/worker.js';
import { IOThreadRole } from './role.js';
import { loadService } from './service.js';

/** What the package's own workers, and workers with the user's code, can be. */
export const kinds: Kinds = {
  system: (config: ConsoleConfig, ...rest) => consoleSystem(config, ...rest, moreCalls),
  others: { wait: runHelper },
  roles: { [Role.ioThread]: (worker) => new IOThreadRole(worker), [Role.hostIO]: hostIORole },
  messages: ['rpc', 'file call'],
  loadCode: loadService,
};
