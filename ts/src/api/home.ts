// SPDX-License-Identifier: MIT
/** What the objects of a context know of the thread and of the context that they belong to. */
import type { AioError } from '../errors.js';
import type { Callback, Callbacks } from '../runtime/callbacks.js';
import type { ContextPointer } from '../runtime/exports.js';
import type { Instance } from '../runtime/instance.js';
import type { Slot } from '../wire/handle.js';
import type { Registration } from './registration.js';

/** A thread of the runtime as the objects that it uses need it. @internal */
export interface HomeThread {
  readonly instance: Instance;
  readonly callbacks: Callbacks;
  /** Its own context, in which it waits. */
  readonly context: LoopContext;
  /** Calls into the module. Throws if the runtime has failed, or is closed. */
  run<T>(work: () => T): T;
  /** Why nothing is left to close: the runtime has failed, or is closed. */
  readonly over: AioError | undefined;
}

/** What a loop can watch: a notifier. @internal */
export interface Watchable {
  readonly name: string;
  readonly slot: Slot;
}

/** A context as its bottom halves, timers, notifiers and pipes need it. @internal */
export interface LoopContext {
  readonly thread: HomeThread;
  readonly pointer: ContextPointer;
  /** Notes something that is open, which close() ends. active: it keeps the process alive. isWait: a promise depends on it. */
  register(close: () => void, active?: boolean, isWait?: boolean): Registration;
  /** Runs the call-back when the notifier was set. whenClosed: instead of that, when it was closed. */
  watch(notifier: Watchable, what: string, run: Callback, whenClosed?: () => void): { close(): void };
}
