// SPDX-License-Identifier: MIT
import { hostErrno, messageOf } from '../errors.js';
import type { WorkerHost } from '../hosts/host.js';
import type { ToOwner, ToWorker } from './messages.js';

/** The host-I/O worker's answer to a request to open or close a file. */
export async function openOrClose(host: WorkerHost, message: Extract<ToWorker, { type: 'open' | 'close' }>): Promise<ToOwner> {
  const { id } = message;
  try {
    if (message.type === 'open') return { type: 'opened', id, file: await host.open(message.path, message.mode) };
    await host.close(message.handle);
    return { type: 'closed', id };
  } catch (error) {
    return { type: 'refused', id, errno: hostErrno(error), message: messageOf(error) };
  }
}
