// SPDX-License-Identifier: MIT
import { showAs } from '../face.js';
import type { Registration } from './registration.js';

/**
 * The registration of a call-back by {@link AioContext.onSet}, {@link AioContext.onReadable} or {@link
 * AioContext.onWritable}. Closing it removes the call-back. Only the thread that created it uses it.
 */
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

  /** Keeps the process alive while this registration is open, which is the default. Has no effect in an IOThread. */
  ref(): this {
    this.#registration.ref();
    return this;
  }

  /** Lets the process exit while this registration is open. Has no effect in an IOThread. */
  unref(): this {
    this.#registration.unref();
    return this;
  }

  /**
   * Removes the call-back, which does not run again. Only the thread that created the registration may close it.
   * Closing it twice does nothing.
   */
  close(): void {
    if (this.#registration.end()) this.#remove();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
showAs('Watch', Watch, ['what']);
