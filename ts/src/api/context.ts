// SPDX-License-Identifier: MIT
import { checkThat, isFunction, isText, optionsOf } from '../check.js';
import { errnoName } from '../errno.js';
import { AioError, closedError, noMemory } from '../errors.js';
import { showAs } from '../face.js';
import type { Callback } from '../runtime/callbacks.js';
import type { ContextPointer } from '../runtime/exports.js';
import { BottomHalf } from './bottom-half.js';
import { isHandle, type Handle } from './handle.js';
import type { HomeThread, Watchable } from './home.js';
import { Notifier } from './notifier.js';
import { isCapacity, Pipe } from './pipe.js';
import { Registration } from './registration.js';
import { Timer } from './timer.js';

/** What a loop did since it was made. */
export interface LoopStats {
  /** Iterations. */
  polls: number;
  /** Of which slept. */
  sleeps: number;
  /** Call-backs run. */
  bottomHalves: number;
  handlers: number;
  timers: number;
  /** Requests completed, whichever engine served them. */
  jobs: number;
  /** Notifications that had to wake the loop, and those that had not: it was
   * awake. The second is approximate. */
  wakeupsSent: number;
  wakeupsSaved: number;
  /** Times that polling spared a sleep, and times that it did not. */
  pollHits: number;
  pollMisses: number;
}

/** What drives a context from this thread's JavaScript event loop. @internal */
interface Driver {
  /** Whether that keeps the process alive. */
  keepAlive(on: boolean): void;
  abandon(): void;
}

/** A handler of a context; close() removes it. */
export class Watch {
  readonly #registration: Registration;
  readonly #remove: () => void;

  private constructor(registration: Registration, /** @internal */ readonly what: string, remove: () => void) {
    this.#registration = registration;
    this.#remove = remove;
  }

  /** @internal */
  static make(registration: Registration, what: string, remove: () => void): Watch {
    return new Watch(registration, what, remove);
  }

  /** It keeps the process alive while it is open: the default. */
  ref(): this {
    this.#registration.ref();
    return this;
  }

  /** It does not. */
  unref(): this {
    this.#registration.unref();
    return this;
  }

  /** Idempotent. */
  close(): void {
    if (this.#registration.end()) this.#remove();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
showAs('Watch', Watch, ['what']);

const isNotifier = checkThat('a Notifier', (value) => value instanceof Notifier);
const isPipe = checkThat('a Pipe', (value) => value instanceof Pipe);

/**
 * A loop of this thread: the owner's, which lives on the JavaScript event loop, or an
 * IOThread's, in its worker. Its call-backs run in this thread, one at a time. What a
 * call-back throws, or its promise is rejected with, is an uncaught error of this thread:
 * process.on('uncaughtException'), an `error` event in a page. If that is handled the loop
 * goes on. While a promise that a call-back returned is open, the loop goes on and gives
 * JavaScript its turns.
 */
export class AioContext {
  readonly #registrations = new Set<Registration>();
  readonly #watched = new Map<number, string>();
  #refed = true;
  #alive = 0;
  #keeping = false;
  #closed = false;
  #ended: Promise<void> | undefined;

  /** @internal */ readonly thread: HomeThread;
  /** @internal */ readonly pointer: ContextPointer;
  readonly name: string;
  /** What drives it from JavaScript's event loop; absent in an IOThread. */
  readonly #driver: Driver | undefined;
  /** Ends a context that can be closed by itself. */
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
    // A failure has closed all contexts, and is what there is to be told.
    if (this.thread.over) throw this.thread.over;
    if (this.#closed) throw closedError(`context '${this.name}'`);
  }

  #takes(name: string, run: Callback): void {
    isText('name', name);
    isFunction('run', run);
    this.#assertOpen();
  }

  /** A call-back that any thread can schedule: aio_bh_new. name is for messages and dump(). */
  bottomHalf(name: string, run: Callback): BottomHalf {
    this.#takes(name, run);
    return BottomHalf.make(this, name, run);
  }

  /** A call-back at a time: aio_timer_new. */
  timer(name: string, run: Callback): Timer {
    this.#takes(name, run);
    return Timer.make(this, name, run);
  }

  /** A flag that any thread can set, closed with this context at the latest:
   * event_notifier_init. */
  notifier(name: string): Notifier {
    isText('name', name);
    this.#assertOpen();
    return Notifier.make(this, name);
  }

  /**
   * Bytes from one thread to another, closed with this context at the latest. capacity:
   * bytes, rounded up to a power of two. Default 64 KiB.
   */
  pipe(name: string, options: { capacity?: number } = {}): Pipe {
    isText('name', name);
    const { capacity } = optionsOf(options, { capacity: isCapacity });
    this.#assertOpen();
    return Pipe.make(this, name, capacity);
  }

  /** The object for a handle that came from another thread of this runtime. */
  fromHandle(handle: Handle): BottomHalf | Notifier | Pipe {
    isHandle('handle', handle);
    switch (handle.aio) {
      case 'bottom half':
        return BottomHalf.of(this.thread, handle);
      case 'notifier':
        return Notifier.of(this.thread, handle);
      case 'pipe':
        return Pipe.of(this.thread, handle);
    }
  }

  /**
   * Runs the call-back when the notifier was set; it is clear by then, so that sets during
   * the call-back bring another run: aio_set_event_notifier.
   * @throws AioError ERR_AIO_CLOSED, ERR_AIO_INVALID_ARG (it has a handler here)
   */
  onSet(notifier: Notifier, run: Callback): Watch {
    isNotifier('notifier', notifier);
    isFunction('run', run);
    return this.watch(notifier, `handler of notifier '${notifier.name}'`, run);
  }

  /**
   * Runs the call-back while the pipe has bytes to read, and when its writer has ended it:
   * aio_set_fd_handler.
   * @throws AioError as onSet
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
   * Runs the call-back when the pipe has room again after a write() that took less than
   * all: aio_set_fd_handler.
   * @throws AioError as onSet
   */
  onWritable(pipe: Pipe, run: Callback): Watch {
    isPipe('pipe', pipe);
    isFunction('run', run);
    return this.watch(pipe.writable, `writer of pipe '${pipe.name}'`, run);
  }

  /** @internal */
  watch(notifier: Watchable, what: string, run: Callback, whenClosed?: () => void): Watch {
    this.#assertOpen();
    const { thread, pointer } = this;
    const { exports } = thread.instance;
    const { number, generation } = notifier.slot;
    const before = this.#watched.get(number);
    if (before !== undefined) {
      throw new AioError('ERR_AIO_INVALID_ARG', `${what}: context '${this.name}' has one already (${before}); close() it first`);
    }
    const id = thread.callbacks.add(() => {
      const was = exports.rt_handle_test_and_clear(number, generation);
      if (was > 0) return run();
      if (was < 0) {
        watch.close();
        whenClosed?.();
      }
    });
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

  /** How much is open here. @internal */
  get held(): { registrations: number; watched: number } {
    return { registrations: this.#registrations.size, watched: this.#watched.size };
  }

  /** What the loop did since it was made. */
  stats(): LoopStats {
    this.#assertOpen();
    const { thread } = this;
    const { exports, memory } = thread.instance;
    return thread.run(() => JSON.parse(memory.string(exports.rt_context_stats(this.pointer))) as LoopStats);
  }

  /** What is registered here keeps the process alive: the default. */
  ref(): this {
    this.#refed = true;
    this.#keep();
    return this;
  }

  /** Nothing that is registered here does. */
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

  /** @internal */
  register(close: () => void, active = true, isWait = false): Registration {
    const registration = new Registration(this, close, active, isWait);
    this.#registrations.add(registration);
    return registration;
  }

  /** @internal */
  changed(before: boolean, now: boolean): void {
    this.#alive += Number(now) - Number(before);
    this.#keep();
  }

  /** @internal */
  forget(registration: Registration): void {
    this.#registrations.delete(registration);
  }

  /** Closes all that is registered here. @internal */
  closeAll(): void {
    this.#closed = true;
    // The newest first: a pipe's ends before its notifiers.
    for (const registration of [...this.#registrations].reverse()) registration.close();
  }

  /** The runtime has failed. How many waited for something here. @internal */
  abandon(): number {
    const waits = [...this.#registrations].filter(({ isWait }) => isWait).length;
    this.closeAll();
    this.#driver?.abandon();
    return waits;
  }

  /**
   * Closes what is registered here, and the context. Idempotent.
   * @throws AioError ERR_AIO_INVALID_ARG: this one is closed with its runtime or IOThread
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
