// SPDX-License-Identifier: MIT
import { isNumber } from '../check.js';
import { closedError, noMemory } from '../errors.js';
import { showAs } from '../face.js';
import type { Callback } from '../runtime/callbacks.js';
import type { TimerPointer } from '../runtime/exports.js';
import type { LoopContext } from './home.js';
import type { Registration } from './registration.js';

/** Checks a delay. @internal */
export const isDelay = isNumber(0, 1e15, 'a number of ms');

/**
 * A timer on the monotonic clock, whose call-back its context's loop runs (QEMU's `aio_timer_new`). {@link
 * AioContext.timer} creates one. Only the thread that created it uses it.
 */
export class Timer {
  readonly #registration: Registration;
  readonly #id: number;
  readonly #pointer: TimerPointer;
  #closed = false;

  /** whenClosed: called if the context's close() ends the timer, on which a promise depends. @internal */
  static make(context: LoopContext, name: string, run: Callback, whenClosed?: () => void): Timer {
    return new Timer(context, name, run, whenClosed);
  }

  readonly #context: LoopContext;
  /** The timer's name, for messages. */
  readonly name: string;

  private constructor(context: LoopContext, name: string, run: Callback, whenClosed?: () => void) {
    this.#context = context;
    this.name = name;
    const { thread } = context;
    const { exports } = thread.instance;
    this.#registration = context.register(whenClosed ?? (() => this.close()), false, whenClosed !== undefined);
    this.#id = thread.callbacks.add(() => {
      // This comes before the call-back, which may arm the timer again.
      this.#registration.active = false;
      return run();
    }, name);
    this.#pointer = thread.run(() => exports.rt_timer_new(context.pointer, this.#id));
    if (this.#pointer === 0) {
      this.close();
      throw noMemory(`timer '${name}'`);
    }
  }

  /**
   * Makes the call-back run once, `delayMs` milliseconds from now; fractions count, down to a nanosecond
   * (`timer_mod`). If the timer is armed already, the new time replaces the old one.
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_CLOSED; ERR_AIO_NO_MEMORY: the timer is unchanged
   */
  arm(delayMs: number): void {
    isDelay('delayMs', delayMs);
    if (this.#closed) throw closedError(`timer '${this.name}'`);
    const { thread } = this.#context;
    if (!thread.run(() => thread.instance.exports.rt_timer_arm(this.#pointer, delayMs * 1e6))) throw noMemory(`timer '${this.name}'`);
    this.#registration.active = true;
  }

  /**
   * Disarms the timer, so that its call-back does not run until it is armed again (`timer_del`).
   * @throws AioError ERR_AIO_CLOSED
   */
  cancel(): void {
    if (this.#closed) throw closedError(`timer '${this.name}'`);
    const { thread } = this.#context;
    thread.run(() => thread.instance.exports.rt_timer_cancel(this.#pointer));
    this.#registration.active = false;
  }

  /** Whether the timer is armed (`timer_pending`). */
  get pending(): boolean {
    return !this.#closed && this.#registration.active;
  }

  /** Keeps the process alive while this timer is armed, which is the default. Has no effect in an IOThread. */
  ref(): this {
    this.#registration.ref();
    return this;
  }

  /** Lets the process exit while this timer is armed. Has no effect in an IOThread. */
  unref(): this {
    this.#registration.unref();
    return this;
  }

  /** Disarms the timer and frees it. Closing it twice does nothing. */
  close(): void {
    if (!this.#registration.end()) return;
    this.#closed = true;
    const { thread } = this.#context;
    thread.callbacks.remove(this.#id);
    if (thread.over) return;
    thread.run(() => thread.instance.exports.rt_timer_free(this.#pointer));
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
showAs('Timer', Timer, ['name', 'pending']);
