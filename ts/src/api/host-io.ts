// SPDX-License-Identifier: MIT
/** The host-I/O worker, which opens all files of a runtime where a file can be used only by the worker that opened it. */
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

/** Carries out a request to open or close a file, and returns the answer. */
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
      // Also before the first sleep: messages that arrived while this worker started already count as received,
      // so that nothing would wake it up for them.
      for (let message = worker.takeWaiting() as ToHostIO | undefined; message; message = worker.takeWaiting() as ToHostIO | undefined) {
        if (message.type === 'end') return;
        if (message.type === 'open' || message.type === 'close') worker.post(await openOrClose(host, message));
      }
      exports.rt_host_io_run(worker.received);
      await worker.takeMessages(posted);
    }
  },
});
