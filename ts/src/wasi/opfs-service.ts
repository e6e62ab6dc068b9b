// SPDX-License-Identifier: MIT
import { AioError, messageOf } from '../errors.js';
import type { MadeWorker, OwnerHost } from '../hosts/host.js';
import { TERMINATE_MS, within } from '../runtime/within.js';
import { OpfsChannel } from './opfs-channel.js';
import type { FromOpfs, OpfsInit } from './opfs-worker.js';

/** The files of the origin (OPFS) that a guest has, as its owner sees them. */
export class OpfsService {
  private constructor(private readonly channel: OpfsChannel, private readonly closed: Promise<void>, private readonly terminate: () => void) {}

  /**
   * Starts the worker that serves them, and opens the directories that the guest gets. lost() is called if that worker ends by itself.
   * @throws AioError ERR_AIO_UNSUPPORTED (there are no files of the origin), ERR_AIO_IO
   */
  static start(host: OwnerHost, make: (name: string) => MadeWorker, buffer: SharedArrayBuffer, paths: readonly string[], lost: (error: unknown) => void): Promise<OpfsService> {
    return new Promise((resolve, reject) => {
      let close = (): void => {};
      const closed = new Promise<void>((resolveClosed) => (close = resolveClosed));
      const failed = (error: unknown): void => {
        reject(error);
        lost(error);
        close();
      };
      const worker = host.startWorker('files', {
        message(data) {
          const message = data as FromOpfs;
          if (message.type === 'opfs-ready') resolve(new OpfsService(new OpfsChannel(buffer), closed, () => worker.terminate()));
          else if (message.type === 'opfs-closed') close();
          else if (message.type === 'opfs-refused') failed(refusal(paths, message.code, message.message));
        },
        unreadable: () => failed(new AioError('ERR_AIO_THREAD_LOST', 'a message of the worker for files of the origin cannot be read')),
        error: (error) => failed(new AioError('ERR_AIO_THREAD_LOST', `the worker for files of the origin has failed: ${messageOf(error)}`)),
        exit: () => failed(new AioError('ERR_AIO_THREAD_LOST', 'the worker for files of the origin has ended')),
      }, make);
      worker.post({ type: 'opfs', buffer, paths } satisfies OpfsInit);
    });
  }

  /** Closes all files, after the threads of the guest have ended. */
  async close(): Promise<void> {
    this.channel.end();
    await within(TERMINATE_MS, this.closed);
    this.terminate();
  }
}

function refusal(paths: readonly string[], code: string, message: string): AioError {
  if (code === 'ENOSYS') return new AioError('ERR_AIO_UNSUPPORTED', `${message}: give the guest directories in memory ('mem')`);
  return new AioError('ERR_AIO_IO', `cannot open the directories ${paths.map((path) => `'${path}'`).join(', ')} of the origin: ${message}`, { errno: code });
}
