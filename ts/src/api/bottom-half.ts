// SPDX-License-Identifier: MIT
import { AioError, closedError } from '../errors.js';
import { showAs } from '../face.js';
import type { Callback } from '../runtime/callbacks.js';
import { makeHandle, closeSlot, makeSlot, signalSlot, type Handle, type Slot } from './handle.js';
import type { HomeThread, LoopContext } from './home.js';
import type { Registration } from './registration.js';

/**
 * A call-back that any thread can have a loop run: aio_bh_new, qemu_bh_schedule. It runs
 * once for any number of schedule() that came before its run; those of one loop run last
 * in, first out. AioContext.bottomHalf makes one; in other threads AioContext.fromHandle
 * gives an object that schedules it there.
 */
export class BottomHalf {
  readonly #thread: HomeThread;
  readonly name: string;
  readonly #slot: Slot;
  /** Where it runs; undefined in all other threads. */
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
    const id = thread.callbacks.add(run);
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
   * Has its loop run it. Any thread; wait-free, no message is posted, and a loop that is
   * awake is not woken: qemu_bh_schedule.
   * @throws AioError ERR_AIO_CLOSED
   */
  schedule(): void {
    if (!signalSlot(this.#thread, this.#slot)) throw closedError(`bottom half '${this.name}'`);
  }

  /** What stands for it in a message to another thread. */
  toHandle(): Handle {
    return makeHandle('bottom half', this.name, [this.#slot]);
  }

  /** It keeps the process alive while it is open: the default. */
  ref(): this {
    this.#home?.registration.ref();
    return this;
  }

  /** It does not. */
  unref(): this {
    this.#home?.registration.unref();
    return this;
  }

  /**
   * It will not run again, even if it is scheduled. Idempotent. Only in the thread that
   * made it: qemu_bh_delete.
   * @throws AioError ERR_AIO_INVALID_ARG in another thread
   */
  close(): void {
    if (!this.#home) {
      throw new AioError('ERR_AIO_INVALID_ARG', `bottom half '${this.name}' is closed in the thread that made it, not in this one`);
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
