// SPDX-License-Identifier: MIT
import { signalOf, type WaitOptions } from '../abort.js';
import { closedError } from '../errors.js';
import { showAs } from '../face.js';
import { makeHandle, closeSlot, makeSlot, signalSlot, type Handle, type Slot } from './handle.js';
import type { HomeThread, LoopContext } from './home.js';
import type { Registration } from './registration.js';

/**
 * A flag that any thread can set and a loop can wait for: EventNotifier. Any number of
 * sets before it is cleared are one.
 */
export class Notifier {
  readonly #thread: HomeThread;
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
   * Any thread; wait-free, no message is posted: event_notifier_set.
   * @throws AioError ERR_AIO_CLOSED
   */
  set(): void {
    if (!signalSlot(this.#thread, this.slot)) throw this.#closed();
  }

  /**
   * Whether it was set; it is clear afterwards: event_notifier_test_and_clear. Any thread.
   * @throws AioError ERR_AIO_CLOSED
   */
  testAndClear(): boolean {
    const { number, generation } = this.slot;
    const was = this.#thread.run(() => this.#thread.instance.exports.rt_handle_test_and_clear(number, generation));
    if (was < 0) throw this.#closed();
    return was > 0;
  }

  /**
   * Resolves when it was set, and clears it. This thread's own loop waits for it.
   * @throws AioError ERR_AIO_CLOSED, also if it is closed meanwhile; the signal's reason
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

  /** Yields each time that it was set, until it is closed. */
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

  /** What stands for it in a message to another thread. */
  toHandle(): Handle {
    return makeHandle('notifier', this.name, [this.slot]);
  }

  /** Closes it for all threads: who waits for it hears so. Any thread. Idempotent. */
  close(): void {
    this.#registration?.end();
    closeSlot(this.#thread, this.slot);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
showAs('Notifier', Notifier, ['name']);
