// SPDX-License-Identifier: MIT
import { AioError, noMemory } from '../errors.js';
import { errnoName } from '../errno.js';
import type { Pending } from './pending.js';

/** The main() of a C program, which runs in a thread of its own. */
export class Program {
  private whenExited: ((code: number) => void) | undefined;

  /** The end of the holder, the program's runtime, rejects the promise of start(). */
  constructor(private readonly holder: object, private readonly pending: Pending) {}

  /** Starts the program and resolves with its exit code. begin() asks C for the thread, and returns 0 or -errno. */
  start(begin: (id: number) => number): Promise<number> {
    return new Promise<number>((resolve, reject) => {
      if (this.whenExited) throw new AioError('ERR_AIO_INVALID_ARG', 'main() has been called already');
      const ended = (result: number): void => reject(
        errnoName(-result) === 'EAGAIN' ? new AioError('ERR_AIO_THREAD_LIMIT', 'no worker for main()')
          : errnoName(-result) === 'ENOMEM' ? noMemory('the stack or the arguments of main()')
          : new AioError('ERR_AIO_CANCELED', "the worker of thread 'main' ended", { errno: 'ECANCELED' }),
      );
      const id = this.pending.hold(this.holder, { resolve: ended, reject });
      const refused = begin(id);
      if (refused === 0) {
        this.whenExited = (code) => {
          this.pending.drop(id);
          resolve(code);
        };
      } else {
        this.pending.settle(id, 'resolve', refused);
      }
    });
  }

  /** The program has called exit(). Returns false if there is no program that ends by that. */
  exited(code: number): boolean {
    this.whenExited?.(code);
    return this.whenExited !== undefined;
  }
}
