// SPDX-License-Identifier: MIT
import { isNumber } from '../check.js';
import { closedError, noMemory } from '../errors.js';
import { showAs } from '../face.js';
import type { Callback } from '../runtime/callbacks.js';
import type { TimerPointer } from '../runtime/exports.js';
import type { LoopContext } from './home.js';
import type { Registration } from './registration.js';

const isDelay = isNumber(0, 1e15, 'a number of ms');

/** A call-back at a time, on the monotonic clock: aio_timer_new, timer_mod. Its own thread's. */
export class Timer {
  readonly #registration: Registration;
  readonly #id: number;
  readonly #pointer: TimerPointer;
  #closed = false;

  /** @internal */
  static make(context: LoopContext, name: string, run: Callback): Timer {
    return new Timer(context, name, run);
  }

  readonly #context: LoopContext;
  readonly name: string;

  private constructor(context: LoopContext, name: string, run: Callback) {
    this.#context = context;
    this.name = name;
    const { thread } = context;
    const { exports } = thread.instance;
    this.#registration = context.register(() => this.close(), false);
    this.#id = thread.callbacks.add(() => {
      // Before the call-back, which may arm it again.
      this.#registration.active = false;
      return run();
    });
    this.#pointer = thread.run(() => exports.rt_timer_new(context.pointer, this.#id));
    if (this.#pointer === 0) {
      this.close();
      throw noMemory(`timer '${name}'`);
    }
  }

  /**
   * Runs it once, delayMs from now (fractions count, to the ns); another arm() before that
   * takes the place of this one.
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_CLOSED, ERR_AIO_NO_MEMORY (it is as it was)
   */
  arm(delayMs: number): void {
    isDelay('delayMs', delayMs);
    if (this.#closed) throw closedError(`timer '${this.name}'`);
    const { thread } = this.#context;
    if (!thread.run(() => thread.instance.exports.rt_timer_arm(this.#pointer, delayMs * 1e6))) throw noMemory(`timer '${this.name}'`);
    this.#registration.active = true;
  }

  /** It does not run unless it is armed again. */
  cancel(): void {
    if (this.#closed) throw closedError(`timer '${this.name}'`);
    const { thread } = this.#context;
    thread.run(() => thread.instance.exports.rt_timer_cancel(this.#pointer));
    this.#registration.active = false;
  }

  /** Whether it is armed. */
  get pending(): boolean {
    return !this.#closed && this.#registration.active;
  }

  /** It keeps the process alive while it is armed: the default. */
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
