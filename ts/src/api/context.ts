// SPDX-License-Identifier: MIT
import { signalOf, until, type WaitOptions } from '../abort.js';
import { checkThat, isFunction, isNumber, isText, optionsOf } from '../check.js';
import { errnoName } from '../errno.js';
import { AioError, closedError, noMemory, unlessClosed } from '../errors.js';
import { showAs } from '../face.js';
import type { Callback } from '../runtime/callbacks.js';
import type { ContextPointer } from '../runtime/exports.js';
import type { HandleKind } from '../wire/handle.js';
import { BottomHalf } from './bottom-half.js';
import { isHandle, type Handle } from './handle.js';
import type { HomeThread, Watchable } from './home.js';
import type { LoopStats } from './loop-stats.js';
import { Notifier } from './notifier.js';
import { isCapacity, Pipe } from './pipe.js';
import { Registration } from './registration.js';
import { isDelay, Timer } from './timer.js';
import { Waits } from './waits.js';
import { Watch } from './watch.js';

/** Drives a context from this thread's JavaScript event loop. @internal */
interface Driver {
  /** Sets whether the context keeps the process alive. */
  keepAlive(on: boolean): void;
  /** Stops driving the context, without a call into the module. */
  abandon(): void;
}

/** The objects that handles stand for, by the handles' kinds. */
interface Shared {
  /** What the handle of a bottom half stands for. */
  'bottom half': BottomHalf;
  /** What the handle of a notifier stands for. */
  notifier: Notifier;
  /** What the handle of a pipe stands for. */
  pipe: Pipe;
}
const classes = { 'bottom half': BottomHalf, notifier: Notifier, pipe: Pipe };

const isPeriod = isNumber(1, 1e15, 'a number of ms');
const isNotifier = checkThat('a Notifier', (value) => value instanceof Notifier);
const isPipe = checkThat('a Pipe', (value) => value instanceof Pipe);

/**
 * An event loop of this thread, QEMU's `AioContext`. The thread that created the runtime has one that runs on
 * JavaScript's event loop (`Runtime.context`); an IOThread has its own, which `serve()` passes to the worker's code.
 * Only the thread that a context belongs to calls its methods.
 *
 * Its call-backs run in this thread, one at a time. If a call-back throws, or returns a promise that is rejected, the
 * error is an uncaught error of this thread (`process.on('uncaughtException')`, an `error` event in a page); once
 * that is handled, the loop continues. While a promise that a call-back returned is pending, the loop continues, too,
 * and lets JavaScript's other tasks run.
 */
export class AioContext {
  readonly #registrations = new Set<Registration>();
  readonly #watched = new Map<number, string>();
  /** @internal */ readonly waits = new Waits(this);
  #refed = true;
  #alive = 0;
  #keeping = false;
  #closed = false;
  #ended: Promise<void> | undefined;

  /** @internal */ readonly thread: HomeThread;
  /** @internal */ readonly pointer: ContextPointer;
  /** The context's name, for messages and {@link Runtime.dump}. */
  readonly name: string;
  /** Drives the context from JavaScript's event loop; undefined in an IOThread, where `aio_poll` does. */
  readonly #driver: Driver | undefined;
  /** Frees the context; undefined for one that ends with its runtime or IOThread. */
  readonly #end: (() => Promise<void>) | undefined;

  private constructor(thread: HomeThread, pointer: ContextPointer, name: string, driver?: Driver, end?: () => Promise<void>) {
    this.thread = thread;
    this.pointer = pointer;
    this.name = name;
    this.#driver = driver;
    this.#end = end;
  }

  /** @internal */
  static make(thread: HomeThread, pointer: ContextPointer, name: string, driver?: Driver, end?: () => Promise<void>): AioContext {
    return new AioContext(thread, pointer, name, driver, end);
  }

  #assertOpen(): void {
    // After a failure, which closes all contexts, the failure is the error to report.
    if (this.thread.over) throw this.thread.over;
    if (this.#closed) throw this.#closedError();
  }

  #closedError(): AioError {
    return closedError(`context '${this.name}'`);
  }

  #takes(name: string, run: Callback): void {
    isText('name', name);
    isFunction('run', run);
    this.#assertOpen();
  }

  /**
   * Creates a bottom half: a call-back that any thread can schedule and that this loop runs (`aio_bh_new`). It stays
   * open until it or this context is closed.
   * @param name identifies it in messages and in {@link Runtime.dump}
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_CLOSED, ERR_AIO_NO_MEMORY
   */
  bottomHalf(name: string, run: Callback): BottomHalf {
    this.#takes(name, run);
    return BottomHalf.make(this, name, run);
  }

  /**
   * Creates a timer, whose call-back this loop runs once each time that it is armed and expires (`aio_timer_new`). It
   * is not armed yet.
   * @param name identifies it in messages
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_CLOSED, ERR_AIO_NO_MEMORY
   */
  timer(name: string, run: Callback): Timer {
    this.#takes(name, run);
    return Timer.make(this, name, run);
  }

  /**
   * Resolves `ms` milliseconds from now, by a timer of this loop; fractions count. The wait keeps the process alive.
   * @throws AioError ERR_AIO_INVALID_ARG; ERR_AIO_CLOSED: this context was closed, before the call or during it;
   * ERR_AIO_NO_MEMORY; the signal's reason
   */
  async sleep(ms: number, options: WaitOptions = {}): Promise<void> {
    isDelay('ms', ms);
    const signal = signalOf(options);
    this.#assertOpen();
    signal?.throwIfAborted();
    await until(signal, (resolve, reject) => {
      const timer = Timer.make(this, 'sleep', resolve, () => reject(this.thread.over ?? this.#closedError()));
      try {
        timer.arm(ms);
      } catch (error) {
        timer.close();
        throw error;
      }
      return () => timer.close();
    });
  }

  /**
   * Yields again and again, `ms` milliseconds after this call, after twice that time, and so on: `for await (const
   * periods of context.interval(1000))`. The value is the number of periods that have passed since the last one, which
   * is 1 unless the loop's body, or the thread, took longer; periods that were missed are not made up for. Ends when
   * this context is closed; an aborted signal makes it throw the signal's reason.
   * @param ms at least 1
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_CLOSED
   */
  interval(ms: number, options: WaitOptions = {}): AsyncGenerator<number, void, void> {
    isPeriod('ms', ms);
    const signal = signalOf(options);
    this.#assertOpen();
    return this.#periods(ms, performance.now(), { signal });
  }

  async *#periods(ms: number, begun: number, options: WaitOptions): AsyncGenerator<number, void, void> {
    for (let seen = 0; ; ) {
      try {
        await this.sleep(Math.max(0, begun + (seen + 1) * ms - performance.now()), options);
      } catch (error) {
        return unlessClosed(error);
      }
      const passed = Math.max(seen + 1, Math.floor((performance.now() - begun) / ms));
      yield passed - seen;
      seen = passed;
    }
  }

  /**
   * Creates a notifier, a flag that any thread can set and a loop can wait for (`event_notifier_init`). Closing this
   * context closes it.
   * @param name identifies it in messages
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_CLOSED, ERR_AIO_NO_MEMORY
   */
  notifier(name: string): Notifier {
    isText('name', name);
    this.#assertOpen();
    return Notifier.make(this, name);
  }

  /**
   * Creates a pipe, which carries bytes from one thread to another through shared memory. Closing this context closes it.
   * @param name identifies it in messages
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_CLOSED, ERR_AIO_NO_MEMORY
   */
  pipe(name: string, options: {
    /** Bytes that the pipe can hold, rounded up to a power of two; at most 1 GiB. Default 64 KiB. */
    capacity?: number;
  } = {}): Pipe {
    isText('name', name);
    const { capacity } = optionsOf(options, { capacity: isCapacity });
    this.#assertOpen();
    return Pipe.make(this, name, capacity);
  }

  /**
   * Returns an object of this thread for a bottom half, notifier or pipe whose handle came from another thread of the
   * same runtime.
   * @throws AioError ERR_AIO_INVALID_ARG: not a handle, or one of another version of the package
   */
  fromHandle<Kind extends HandleKind>(handle: Handle<Kind>): Shared[Kind] {
    isHandle('handle', handle);
    // A handle of io.remote, which only the threads that are connected know.
    if ((handle.aio as string) === 'iothread') {
      throw new AioError('ERR_AIO_UNSUPPORTED', `the object of IOThread '${handle.name}' cannot be used here: the thread that owns the runtime has to pass io.remote to this thread`);
    }
    return classes[handle.aio].of(this.thread, handle) as Shared[Kind];
  }

  /**
   * Runs the call-back in this loop each time that the notifier has been set (`aio_set_event_notifier`). The notifier
   * is cleared before the call-back runs, so that setting it during the call-back leads to another run.
   * @throws AioError ERR_AIO_CLOSED; ERR_AIO_INVALID_ARG: this context already has a call-back for the notifier;
   * ERR_AIO_NO_MEMORY
   */
  onSet(notifier: Notifier, run: Callback): Watch {
    isNotifier('notifier', notifier);
    isFunction('run', run);
    return this.watch(notifier, `handler of notifier '${notifier.name}'`, run);
  }

  /**
   * Runs the call-back in this loop again and again while the pipe has bytes to read, and once its writer has ended
   * it (`aio_set_fd_handler` with `io_read`).
   * @throws AioError ERR_AIO_CLOSED; ERR_AIO_INVALID_ARG: this context already has such a call-back for the pipe;
   * ERR_AIO_NO_MEMORY
   */
  onReadable(pipe: Pipe, run: Callback): Watch {
    isPipe('pipe', pipe);
    isFunction('run', run);
    const { readable } = pipe;
    const watch = this.watch(readable, `reader of pipe '${pipe.name}'`, () => {
      try {
        return run();
      } finally {
        pipe.stayReadable();
      }
    });
    pipe.stayReadable();
    return watch;
  }

  /**
   * Runs the call-back in this loop when the pipe has room again after a `write()` that did not take all bytes
   * (`aio_set_fd_handler` with `io_write`).
   * @throws AioError ERR_AIO_CLOSED; ERR_AIO_INVALID_ARG: this context already has such a call-back for the pipe;
   * ERR_AIO_NO_MEMORY
   */
  onWritable(pipe: Pipe, run: Callback): Watch {
    isPipe('pipe', pipe);
    isFunction('run', run);
    return this.watch(pipe.writable, `writer of pipe '${pipe.name}'`, run);
  }

  /** Runs the call-back when the notifier was set, and whenClosed once when it was closed. @internal */
  watch(notifier: Watchable, what: string, run: Callback, whenClosed?: () => void): Watch {
    this.#assertOpen();
    const { thread, pointer } = this;
    const { exports } = thread.instance;
    const { number, generation } = notifier.slot;
    const before = this.#watched.get(number);
    if (before !== undefined) {
      throw new AioError('ERR_AIO_INVALID_ARG', `${what}: context '${this.name}' already has one (${before}); close() that first`);
    }
    const id = thread.callbacks.add(() => {
      const was = exports.rt_handle_test_and_clear(number, generation);
      if (was > 0) return run();
      if (was < 0) {
        watch.close();
        whenClosed?.();
      }
    }, what);
    const ret = thread.run(() => exports.rt_handle_watch(pointer, number, generation, id));
    if (ret < 0) {
      thread.callbacks.remove(id);
      throw errnoName(-ret) === 'ENOMEM' ? noMemory(what) : closedError(`notifier '${notifier.name}'`);
    }
    this.#watched.set(number, what);
    const close = (): void => {
      watch.close();
      whenClosed?.();
    };
    const registration = this.register(close, true, whenClosed !== undefined);
    const watch: Watch = Watch.make(registration, what, () => {
      this.#watched.delete(number);
      thread.callbacks.remove(id);
      if (thread.over) return;
      thread.run(() => exports.rt_handle_unwatch(pointer, number));
    });
    return watch;
  }

  /** How many registrations and watched notifiers are open in this context. @internal */
  get held(): { registrations: number; watched: number } {
    return { registrations: this.#registrations.size, watched: this.#watched.size };
  }

  /**
   * Returns the loop's counters since it was created.
   * @throws AioError ERR_AIO_CLOSED
   */
  stats(): LoopStats {
    this.#assertOpen();
    const { thread } = this;
    const { exports, memory } = thread.instance;
    return thread.run(() => JSON.parse(memory.string(exports.rt_context_stats(this.pointer))) as LoopStats);
  }

  /**
   * Lets the open objects of this context keep the process alive, which is the default. Has no effect in an IOThread.
   */
  ref(): this {
    this.#refed = true;
    this.#keep();
    return this;
  }

  /** Lets the process exit although objects of this context are open. Has no effect in an IOThread. */
  unref(): this {
    this.#refed = false;
    this.#keep();
    return this;
  }

  #keep(): void {
    const keep = this.#refed && this.#alive > 0;
    if (keep !== this.#keeping) this.#driver?.keepAlive(keep);
    this.#keeping = keep;
  }

  /** Registers something that is open and that close() ends. @internal */
  register(close: () => void, active = true, isWait = false): Registration {
    const registration = new Registration(this, close, active, isWait);
    this.#registrations.add(registration);
    return registration;
  }

  /** Counts what keeps the process alive: a registration did so before, and does now. @internal */
  changed(before: boolean, now: boolean): void {
    this.#alive += Number(now) - Number(before);
    this.#keep();
  }

  /** Removes a registration that has ended. @internal */
  forget(registration: Registration): void {
    this.#registrations.delete(registration);
  }

  /** Closes everything that is registered in this context. @internal */
  closeAll(): void {
    this.#closed = true;
    // The newest first, so that a pipe is closed before its notifiers.
    for (const registration of [...this.#registrations].reverse()) registration.close();
  }

  /**
   * Closes everything after the runtime has failed. Returns how many promises waited for something here. @internal
   */
  abandon(): number {
    const waits = [...this.#registrations].filter(({ isWait }) => isWait).length;
    this.closeAll();
    this.#driver?.abandon();
    return waits;
  }

  /**
   * Closes everything that was created in this context, and then the context itself. Closing it twice does nothing.
   * @throws AioError ERR_AIO_INVALID_ARG: the context is the first one of a runtime or an IOThread, and is closed
   * with that
   */
  close(): Promise<void> {
    const end = this.#end;
    if (!end) {
      return Promise.reject(new AioError('ERR_AIO_INVALID_ARG', `context '${this.name}' is closed with its runtime or IOThread: close() that`));
    }
    this.#ended ??= (async () => {
      this.closeAll();
      await end();
    })();
    return this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
showAs('AioContext', AioContext, ['name']);
