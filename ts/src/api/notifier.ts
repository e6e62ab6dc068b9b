// SPDX-License-Identifier: MIT
import { signalOf, type WaitOptions } from '../abort.js';
import { closedError, unlessClosed } from '../errors.js';
import { showAs } from '../face.js';
import { makeHandle, closeSlot, makeSlot, signalSlot, type Handle, type Slot } from './handle.js';
import type { HomeThread, LoopContext } from './home.js';
import type { Registration } from './registration.js';

/**
 * A flag that any thread can set and a loop can wait for, QEMU's `EventNotifier`. If it is set several times before
 * it is cleared, its waiters see that once. {@link AioContext.notifier} creates one; in another thread {@link
 * AioContext.fromHandle} returns an object for it.
 */
export class Notifier {
  readonly #thread: HomeThread;
  /** The notifier's name, for messages. */
  readonly name: string;
  /** @internal */ readonly slot: Slot;
  readonly #registration: Registration | undefined;

  private constructor(thread: HomeThread, name: string, slot: Slot, registration?: Registration) {
    this.#thread = thread;
    this.name = name;
    this.slot = slot;
    this.#registration = registration;
  }

  /** @internal */
  static make(context: LoopContext, name: string): Notifier {
    const { thread } = context;
    const slot = makeSlot(thread, 'notifier', name, thread.instance.exports.rt_notifier_new);
    const notifier: Notifier = new this(thread, name, slot, context.register(() => notifier.close(), false));
    return notifier;
  }

  /** @internal */
  static of(thread: HomeThread, handle: Handle): Notifier {
    return new this(thread, handle.name, handle.slots[0] as Slot);
  }

  #closed(): Error {
    return closedError(`notifier '${this.name}'`);
  }

  /**
   * Sets the notifier and wakes up the loops that wait for it (`event_notifier_set`). Any thread may call this; it
   * never blocks and posts no message.
   * @throws AioError ERR_AIO_CLOSED
   */
  set(): void {
    if (!signalSlot(this.#thread, this.slot)) throw this.#closed();
  }

  /**
   * Returns whether the notifier was set, and clears it (`event_notifier_test_and_clear`). Any thread may call this;
   * it never blocks.
   * @throws AioError ERR_AIO_CLOSED
   */
  testAndClear(): boolean {
    const { number, generation } = this.slot;
    const was = this.#thread.run(() => this.#thread.instance.exports.rt_handle_test_and_clear(number, generation));
    if (was < 0) throw this.#closed();
    return was > 0;
  }

  /**
   * Resolves when the notifier has been set, and clears it. All waits of one thread that are pending then resolve
   * together. Any thread may call this; its own loop waits, so the thread is not blocked.
   * @throws AioError ERR_AIO_CLOSED: it was closed, before the call or during it; ERR_AIO_INVALID_ARG: onSet() has
   * registered a call-back for it in this thread; the signal's reason
   */
  async wait(options: WaitOptions = {}): Promise<void> {
    const signal = signalOf(options);
    signal?.throwIfAborted();
    const { over, context } = this.#thread;
    if (over) throw over;
    // While others wait, the flag is theirs, too: the loop clears it and resolves all.
    if (context.waits.has(this) || !this.testAndClear()) await context.waits.wait(this, signal);
  }

  /**
   * Yields each time that the notifier has been set, and clears it. Ends when the notifier is closed; an aborted signal
   * makes it throw the signal's reason.
   */
  values(options: WaitOptions = {}): AsyncGenerator<void, void, void> {
    return this.#each({ signal: signalOf(options) });
  }

  async *#each(options: WaitOptions): AsyncGenerator<void, void, void> {
    for (;;) {
      try {
        await this.wait(options);
      } catch (error) {
        return unlessClosed(error);
      }
      yield;
    }
  }

  /** Yields as {@link values} does. */
  [Symbol.asyncIterator](): AsyncGenerator<void, void, void> {
    return this.values();
  }

  /**
   * Returns plain data that can be posted to another thread of the runtime, where {@link AioContext.fromHandle} makes
   * a Notifier of it.
   */
  toHandle(): Handle<'notifier'> {
    return makeHandle('notifier', this.name, [this.slot]);
  }

  /**
   * Closes the notifier for all threads. Promises of wait() reject with ERR_AIO_CLOSED and call-backs of onSet() end.
   * Any thread may call this. Closing it twice does nothing.
   */
  close(): void {
    this.#registration?.end();
    closeSlot(this.#thread, this.slot);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
showAs('Notifier', Notifier, ['name']);
