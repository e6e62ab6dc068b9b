// SPDX-License-Identifier: MIT
import type { WaitOptions } from '../abort.js';
import type { LoopStats } from '../api/loop-stats.js';
import type { AioEngine, AioFile, OpenOptions } from '../api/file.js';
import type { Closed, CloseOptions } from '../runtime/closed.js';
import type { Argument } from '../runtime/functions.js';
import type { EngineStats, IOThreadOptions } from './options.js';
import type { Remote } from './remote.js';

/**
 * A worker that runs an AioContext in WebAssembly, QEMU's `IOThread`. {@link Runtime.iothread} starts one, and the
 * thread that owns the runtime calls its methods. T is the type of what its own code serves. After close() methods
 * reject with AioError ERR_AIO_CLOSED, and after a failure of the thread with ERR_AIO_THREAD_LOST.
 */
export abstract class IOThread<T = unknown> {
  /** The IOThread's name, as it was given to {@link Runtime.iothread}. */
  abstract readonly name: string;

  /**
   * The object that the IOThread's code has passed to serve(). Its functions run in the IOThread and return promises
   * here. If a function throws, its promise rejects with the same error: class, `code`, `errno`, stack and `cause`
   * are kept. Promises reject with AioError ERR_AIO_CLOSED after close(), and with ERR_AIO_THREAD_LOST if the thread
   * is lost. Arguments and results may be functions, objects with functions, handles, and everything that can be
   * cloned. `io.remote.with({ signal, timeout })` is the same object, for calls that can be cancelled.
   * @throws AioError ERR_AIO_INVALID_ARG: the IOThread was started without `worker` or `module`
   */
  abstract readonly remote: Remote<T>;

  /**
   * Changes properties of the IOThread while it runs (`qom-set`); those that `options` does not name remain as they
   * are.
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_CLOSED, ERR_AIO_THREAD_LOST
   */
  abstract set(options: IOThreadOptions): Promise<void>;

  /**
   * Resolves with the counters of the IOThread's loop since it was started.
   * @throws AioError ERR_AIO_CLOSED, ERR_AIO_THREAD_LOST
   */
  abstract stats(): Promise<LoopStats>;

  /**
   * Opens a file whose requests this IOThread carries out. `path` is a path of the file system in Node, Deno and Bun,
   * and a path in the origin's private file system in a browser.
   * @throws AioError ERR_AIO_IO (`errno` says why), ERR_AIO_INVALID_ARG, ERR_AIO_THREAD_LIMIT (the engine needs a
   * thread), ERR_AIO_UNSUPPORTED (`sync` where a file belongs to one worker; a page in a browser without files of the
   * origin), ERR_AIO_CLOSED, ERR_AIO_THREAD_LOST; the signal's reason
   */
  abstract open(path: string, options?: OpenOptions): Promise<AioFile>;

  /**
   * Resolves with the counters of a file engine in this IOThread since it was first used there; all are zero before.
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_CLOSED, ERR_AIO_THREAD_LOST
   */
  abstract engineStats(aio: AioEngine): Promise<EngineStats>;

  /**
   * Resolves with the time on the monotonic clock, in nanoseconds, as the IOThread reads it (`qemu_clock_get_ns`).
   * All threads of a runtime share this clock.
   * @throws AioError ERR_AIO_CLOSED, ERR_AIO_THREAD_LOST; the signal's reason
   */
  abstract clock(options?: WaitOptions): Promise<number>;

  /**
   * Calls an exported C function of the module in the IOThread and resolves with its result. The IOThread's loop does
   * nothing else until the function returns. Arguments are those of {@link Runtime.call}, optionally followed by
   * WaitOptions; an aborted signal ends the wait, and the function runs on.
   * @throws AioError ERR_AIO_INVALID_ARG (there is no such function, or an argument does not fit), ERR_AIO_CLOSED,
   * ERR_AIO_THREAD_LOST, ERR_AIO_PANIC; the signal's reason
   */
  abstract call(name: string, ...args: Argument[] | [...Argument[], WaitOptions]): Promise<unknown>;

  /**
   * Runs an exported C coroutine (`AIO_EXPORT_COROUTINE`) in the IOThread's event loop and resolves with its result.
   * close() waits for it to end. An aborted signal ends the wait; the coroutine runs on.
   * @param argument an integer or an address in the shared memory
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_CLOSED, ERR_AIO_THREAD_LOST, ERR_AIO_PANIC; the signal's reason
   */
  abstract coroutine(name: string, argument?: Argument, options?: WaitOptions): Promise<number>;

  /**
   * Settles when the IOThread has ended: resolves after close() or terminate(), rejects with AioError
   * ERR_AIO_THREAD_LOST if the thread fails and with ERR_AIO_PANIC if the runtime does. If a failure rejects no call
   * and nobody waits for this promise, it is reported as an uncaught error in the owner's thread.
   */
  abstract readonly closed: Promise<Closed>;

  /**
   * Ends the IOThread after its file requests in flight have completed (`iothread_destroy`). Calls of its functions
   * that are still pending are not waited for; they reject with AioError ERR_AIO_CLOSED. A thread that does not
   * return to its loop, such as a function that never ends, is terminated after 5 s, and any thread after `timeout`;
   * what is pending then rejects with ERR_AIO_THREAD_LOST. Closing it twice does nothing.
   * @throws AioError ERR_AIO_INVALID_ARG; ERR_AIO_TIMEOUT: it had to be terminated, and nothing is left to be closed
   */
  abstract close(options?: CloseOptions): Promise<void>;

  /**
   * Ends the IOThread immediately, whatever it is doing: use this for code that does not stop by itself. Its pending
   * calls and requests reject with AioError ERR_AIO_THREAD_LOST. Resolves when its worker has ended, or when the host
   * has not confirmed that in time (`workersLeft` of {@link closed} says so). Terminating it twice does nothing.
   */
  abstract terminate(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
