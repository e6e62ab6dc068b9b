// SPDX-License-Identifier: MIT
import * as Rights from '../runtime/wasi-rights.js';
import { host } from './path.js';
import type { Descriptor, FileSystem } from './table.js';

/**
 * Whether a host's fd appends is settled when it is opened: one more is opened of
 * the same file, and used while the flag is set. The system then appends, so that
 * what other processes append is not written over. The first one stays, for those
 * who are using it and for when the flag is cleared.
 */
export function openAppending(fs: FileSystem, file: Descriptor): void {
  const { O_APPEND, O_RDWR, O_WRONLY } = fs.constants;
  const mode = file.base & Rights.fdRead ? O_RDWR : O_WRONLY;
  file.locked(() => {
    if (!file.hasAppendFd) file.appendFd = host(() => fs.openSync(`/proc/self/fd/${file.hostFd}`, mode | O_APPEND));
  });
}
