// SPDX-License-Identifier: MIT
/** The worker that has all files open where only the one that has opened a file can use it. */
import { hostErrno, messageOf } from '../errors.js';
import type { HostFile, OpenMode, WorkerHost } from '../hosts/host.js';
import type { PlayedRole, RuntimeWorker } from '../runtime/worker.js';

export type ToHostIO =
  | { type: 'open'; id: number; path: string; mode: OpenMode }
  | { type: 'close'; id: number; handle: number }
  | { type: 'end' };

export type FromHostIO =
  | { type: 'opened'; id: number; file: HostFile }
  | { type: 'closed'; id: number }
  | { type: 'refused'; id: number; errno: string; message: string };

/** The answer to a request to open or close a file. */
async function openOrClose(host: WorkerHost, message: Extract<ToHostIO, { type: 'open' | 'close' }>): Promise<FromHostIO> {
  const { id } = message;
  try {
    if (message.type === 'open') return { type: 'opened', id, file: await host.open(message.path, message.mode) };
    await host.close(message.handle);
    return { type: 'closed', id };
  } catch (error) {
    return { type: 'refused', id, errno: hostErrno(error), message: messageOf(error) };
  }
}

export const hostIORole = (worker: RuntimeWorker): PlayedRole => ({
  async play() {
    const { host, instance: { exports, memory } } = worker;
    const posted = memory.word(exports.rt_thread_posted(worker.init.thread));
    for (;;) {
      // Before the first sleep, too: what arrived while this worker started is counted as received,
      // so nothing would wake it for that.
      for (let message = worker.takeWaiting() as ToHostIO | undefined; message; message = worker.takeWaiting() as ToHostIO | undefined) {
        if (message.type === 'end') return;
        if (message.type === 'open' || message.type === 'close') worker.post(await openOrClose(host, message));
      }
      exports.rt_host_io_run(worker.received);
      await worker.takeMessages(posted);
    }
  },
});
