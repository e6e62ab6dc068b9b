// SPDX-License-Identifier: MIT
import * as Rights from '../runtime/wasi-rights.js';
import type { Descriptor, FileSystem } from './descriptor.js';
import { fdPath } from './fd-path.js';
import { host } from './path.js';

/**
 * Opens a host's file once more with O_APPEND, because whether an fd appends is decided when it is opened. The new fd
 * is used while the flag is set: the system then appends, so that data which other processes append is not
 * overwritten. The first fd stays open for threads that are using it, and for when the flag is cleared.
 */
export function openAppending(fs: FileSystem, file: Descriptor): void {
  const { O_APPEND, O_RDWR, O_WRONLY } = fs.constants;
  const mode = file.base & Rights.fdRead ? O_RDWR : O_WRONLY;
  file.locked(() => {
    if (!file.hasAppendFd) file.appendFd = host(() => fs.openSync(fdPath(file.hostFd), mode | O_APPEND));
  });
}
