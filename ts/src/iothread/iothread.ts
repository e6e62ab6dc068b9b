// SPDX-License-Identifier: MIT
import type { WaitOptions } from '../abort.js';
import type { LoopStats } from '../api/context.js';
import type { AioEngine, AioFile, OpenOptions } from '../api/file.js';
import type { Closed, CloseOptions } from '../runtime/closed.js';
import type { Argument } from '../runtime/functions.js';
import type { EngineStats, IOThreadOptions } from './options.js';
import type { Remote } from './remote.js';

/** A worker that runs an AioContext in WebAssembly; T: what its own code serves. */
export abstract class IOThread<T = unknown> {
  /** Its name, as it was given to Runtime.iothread(). */
  abstract readonly name: string;

  /**
   * What the code of this IOThread serves: its functions, called in that thread, return
   * promises. They reject with what the function there threw: class, `code`, `errno`, stack and
   * `cause` are kept; with ERR_AIO_CLOSED after close(), ERR_AIO_THREAD_LOST if the thread is
   * lost. Functions, objects with functions, and handles can be arguments and results.
   * @throws AioError ERR_AIO_INVALID_ARG: it was started without `worker` or `module`
   */
  abstract readonly remote: Remote<T>;

  /** Changes properties while it runs. */
  abstract set(options: IOThreadOptions): Promise<void>;

  /** What its loop did since it was started. */
  abstract stats(): Promise<LoopStats>;

  /**
   * Opens a file whose requests this thread's loop serves. In Node a path of the
   * file system; in a browser a path in the origin's private file system.
   * @throws AioError ERR_AIO_IO with errno, ERR_AIO_INVALID_ARG,
   * ERR_AIO_THREAD_LIMIT (the engine needs a thread), ERR_AIO_UNSUPPORTED (`sync`
   * where a file belongs to one worker); the signal's reason
   */
  abstract open(path: string, options?: OpenOptions): Promise<AioFile>;

  /** What an engine did in this thread since it was first used there. */
  abstract engineStats(aio: AioEngine): Promise<EngineStats>;

  /** The monotonic clock as that thread reads it, in ns. */
  abstract clock(options?: WaitOptions): Promise<number>;

  /**
   * Calls an exported C function of the module in that thread, whose event loop stands still
   * meanwhile. The arguments are those of {@link Runtime.call}. WaitOptions may follow them; a
   * function that runs is not ended by a signal, only no longer waited for.
   * @throws AioError ERR_AIO_INVALID_ARG (no such function; an argument that it does not take)
   */
  abstract call(name: string, ...args: Argument[] | [...Argument[], WaitOptions]): Promise<unknown>;

  /**
   * Runs an exported C coroutine (AIO_EXPORT_COROUTINE) in that thread's event loop;
   * argument is an integer or an address. Resolves with what it returns. close()
   * waits for it. A signal ends the wait, not the coroutine.
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_PANIC; the signal's reason
   */
  abstract coroutine(name: string, argument?: Argument, options?: WaitOptions): Promise<number>;

  /**
   * How this IOThread ends: resolves when close() or terminate() has ended it; rejects with
   * ERR_AIO_THREAD_LOST when it fails, with ERR_AIO_PANIC when the runtime does. A failure that
   * rejects no call, and that nobody waits for here, is an uncaught error of the owner's.
   */
  abstract readonly closed: Promise<Closed>;

  /**
   * Ends the thread after the requests that are in flight. Calls whose
   * promises are still open there are not waited for: they are rejected with ERR_AIO_CLOSED.
   * A thread that does not come back to its loop (a function that does not return) is
   * terminated after 5 s, and whatever it does after `timeout`: what is open is rejected with
   * ERR_AIO_THREAD_LOST. Idempotent.
   * @throws AioError ERR_AIO_TIMEOUT: it had to be terminated. Nothing is left to be closed
   * then. ERR_AIO_INVALID_ARG
   */
  abstract close(options?: CloseOptions): Promise<void>;

  /**
   * Ends the thread at once, whatever it does: for work that does not stop. Its calls and requests
   * are rejected with ERR_AIO_THREAD_LOST. Resolves when its worker is gone, or the host has not
   * said so in time: see `closed`. Idempotent.
   */
  abstract terminate(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
