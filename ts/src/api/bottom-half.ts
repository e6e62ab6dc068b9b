// SPDX-License-Identifier: MIT
import { AioError, closedError } from '../errors.js';
import { showAs } from '../face.js';
import type { Callback } from '../runtime/callbacks.js';
import { makeHandle, closeSlot, makeSlot, signalSlot, type Handle, type Slot } from './handle.js';
import type { HomeThread, LoopContext } from './home.js';
import type { Registration } from './registration.js';

/**
 * A call-back that any thread can make a loop run, QEMU's bottom half (`aio_bh_new`). However often it is scheduled
 * before the loop runs it, it runs once; the bottom halves of one loop that are scheduled together run last in, first
 * out. {@link AioContext.bottomHalf} creates one. In another thread {@link AioContext.fromHandle} returns an object
 * that schedules it.
 */
export class BottomHalf {
  readonly #thread: HomeThread;
  /** The bottom half's name, for messages and {@link Runtime.dump}. */
  readonly name: string;
  readonly #slot: Slot;
  /** The context that runs it; undefined in all threads but its own. */
  readonly #home: { context: LoopContext; id: number; registration: Registration } | undefined;

  private constructor(thread: HomeThread, name: string, slot: Slot, home?: { context: LoopContext; id: number; registration: Registration }) {
    this.#thread = thread;
    this.name = name;
    this.#slot = slot;
    this.#home = home;
  }

  /** @internal */
  static make(context: LoopContext, name: string, run: Callback): BottomHalf {
    const { thread } = context;
    const { exports } = thread.instance;
    const id = thread.callbacks.add(run, name);
    try {
      const slot = makeSlot(thread, 'bottom half', name, (text) => exports.rt_bh_new(context.pointer, text, id));
      const bh: BottomHalf = new this(thread, name, slot, { context, id, registration: context.register(() => bh.close()) });
      return bh;
    } catch (error) {
      thread.callbacks.remove(id);
      throw error;
    }
  }

  /** @internal */
  static of(thread: HomeThread, handle: Handle): BottomHalf {
    return new this(thread, handle.name, handle.slots[0] as Slot);
  }

  /**
   * Makes the bottom half's loop run it (`qemu_bh_schedule`). Any thread may call this; it never blocks and posts no
   * message. A loop that sleeps is woken up.
   * @throws AioError ERR_AIO_CLOSED
   */
  schedule(): void {
    if (!signalSlot(this.#thread, this.#slot)) throw closedError(`bottom half '${this.name}'`);
  }

  /**
   * Returns plain data that can be posted to another thread of the runtime, where {@link AioContext.fromHandle} makes
   * a BottomHalf of it.
   */
  toHandle(): Handle<'bottom half'> {
    return makeHandle('bottom half', this.name, [this.#slot]);
  }

  /**
   * Keeps the process alive while this bottom half is open, which is the default. Has no effect outside of the
   * owner's thread.
   */
  ref(): this {
    this.#home?.registration.ref();
    return this;
  }

  /** Lets the process exit while this bottom half is open. Has no effect outside of the owner's thread. */
  unref(): this {
    this.#home?.registration.unref();
    return this;
  }

  /**
   * Deletes the bottom half, which does not run again even if it is scheduled (`qemu_bh_delete`). Only the thread
   * that created it may do this. Closing it twice does nothing.
   * @throws AioError ERR_AIO_INVALID_ARG: called in another thread than the one that created it
   */
  close(): void {
    if (!this.#home) {
      throw new AioError('ERR_AIO_INVALID_ARG', `bottom half '${this.name}' can be closed only in the thread that created it`);
    }
    if (!this.#home.registration.end()) return;
    this.#thread.callbacks.remove(this.#home.id);
    closeSlot(this.#thread, this.#slot);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
showAs('BottomHalf', BottomHalf, ['name']);
