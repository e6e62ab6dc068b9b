// SPDX-License-Identifier: MIT
/** The worker that serves the files of the origin (OPFS) to the threads of a guest. */
import type { WorkerHost } from '../hosts/host.js';
import { messageOf } from '../errors.js';
import { OpfsChannel } from './opfs-channel.js';
import { errnoOf } from './opfs-entries.js';
import { OpfsTree } from './opfs-tree.js';

/** Starts it. paths: the directories that the guest gets. */
export interface OpfsInit {
  type: 'opfs';
  buffer: SharedArrayBuffer;
  paths: readonly string[];
}

/** What it tells its owner. */
export type FromOpfs = { type: 'opfs-ready' } | { type: 'opfs-refused'; code: string; message: string } | { type: 'opfs-closed' };

export async function serveOpfs(host: WorkerHost, { buffer, paths }: OpfsInit): Promise<void> {
  const post = (message: FromOpfs): void => host.post(message);
  const channel = new OpfsChannel(buffer);
  try {
    const tree = new OpfsTree(host, channel.data);
    await tree.openTops(paths);
    post({ type: 'opfs-ready' });
    await channel.serve((call) => tree.call(call), errnoOf);
    await tree.end();
    post({ type: 'opfs-closed' });
  } catch (error) {
    post({ type: 'opfs-refused', code: errnoOf(error), message: messageOf(error) });
  }
  host.end();
}
