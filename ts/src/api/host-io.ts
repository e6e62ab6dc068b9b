// SPDX-License-Identifier: MIT
/** The host-I/O worker, which opens all files of a runtime where a file can be used only by the worker that opened it. */
import { hostErrno, messageOf } from '../errors.js';
import type { FileControl, WorkerHost } from '../hosts/host.js';
import type { PlayedRole, RuntimeWorker } from '../runtime/worker.js';

/** A call of one of the host's functions for files. */
export interface FileCall {
  type: 'file call';
  id: number;
  call: keyof FileControl;
  args: readonly unknown[];
}
export type ToHostIO = FileCall | { type: 'end' };

export type FromHostIO =
  | { type: 'file result'; id: number; result: unknown }
  | { type: 'file refused'; id: number; errno: string; message: string };

/** Carries out a call, and returns the answer. */
async function answerTo({ files }: WorkerHost, { id, call, args }: FileCall): Promise<FromHostIO> {
  try {
    return { type: 'file result', id, result: await (files[call] as (...args: unknown[]) => Promise<unknown>)(...args) };
  } catch (error) {
    return { type: 'file refused', id, errno: hostErrno(error), message: messageOf(error) };
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
        if (message.type === 'file call') worker.post(await answerTo(host, message));
      }
      exports.rt_host_io_run(worker.received);
      await worker.takeMessages(posted);
    }
  },
});
