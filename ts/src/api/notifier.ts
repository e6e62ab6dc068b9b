// SPDX-License-Identifier: MIT
import { signalOf, type WaitOptions } from '../abort.js';
import { closedError } from '../errors.js';
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
   * Resolves when the notifier has been set, and clears it. Any thread may call this; its own loop waits, so the
   * thread is not blocked.
   * @throws AioError ERR_AIO_CLOSED: it was closed, before the call or during it; the signal's reason
   */
  async wait(options: WaitOptions = {}): Promise<void> {
    const signal = signalOf(options);
    signal?.throwIfAborted();
    if (this.testAndClear()) return;
    await new Promise<void>((resolve, reject) => {
      const end = (): void => {
        watch.close();
        signal?.removeEventListener('abort', aborted);
      };
      const aborted = (): void => {
        end();
        reject(signal?.reason as Error);
      };
      const watch = this.#thread.context.watch(
        this, `wait for notifier '${this.name}'`,
        () => {
          end();
          resolve();
        },
        () => {
          end();
          reject(this.#thread.over ?? this.#closed());
        },
      );
      signal?.addEventListener('abort', aborted);
    });
  }

  /** Yields each time that the notifier has been set, and clears it. Ends when the notifier is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<void, void, void> {
    for (;;) {
      try {
        await this.wait();
      } catch (error) {
        if ((error as { code?: unknown }).code === 'ERR_AIO_CLOSED') return;
        throw error;
      }
      yield;
    }
  }

  /**
   * Returns plain data that can be posted to another thread of the runtime, where {@link AioContext.fromHandle} makes
   * a Notifier of it.
   */
  toHandle(): Handle {
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
