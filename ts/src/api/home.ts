// SPDX-License-Identifier: MIT
/** The thread and the context that bottom halves, timers, notifiers and pipes belong to, as these see them. */
import type { AioError } from '../errors.js';
import type { AbortSignalLike } from '../platform.js';
import type { Callbacks } from '../runtime/callbacks.js';
import type { ContextPointer } from '../runtime/exports.js';
import type { Instance } from '../runtime/instance.js';
import type { Slot } from '../wire/handle.js';
import type { Registration } from './registration.js';

/** A thread of the runtime, as the objects that live in it see it. @internal */
export interface HomeThread {
  readonly instance: Instance;
  readonly callbacks: Callbacks;
  /** The thread's own context, whose loop the thread's waits use. */
  readonly context: LoopContext;
  /** Calls into the module. Throws if the runtime has failed or is closed. */
  run<T>(work: () => T): T;
  /** The error that ended the runtime: it has failed, or is closed. undefined while it runs. */
  readonly over: AioError | undefined;
}

/** The thread of an IOThread. @internal */
export interface IOThreadHome extends HomeThread {
  /** Something is due in the loop, which JavaScript's event loop drives at the moment. */
  arrived(): void;
}

/** A notifier, as a loop that watches it needs it. @internal */
export interface Watchable {
  readonly name: string;
  readonly slot: Slot;
}

/** A context, as its bottom halves, timers, notifiers and pipes need it. @internal */
export interface LoopContext {
  readonly thread: HomeThread;
  readonly pointer: ContextPointer;
  /**
   * Registers something open, which the context's close() ends. active: it keeps the process alive. isWait: a promise
   * depends on it.
   */
  register(close: () => void, active?: boolean, isWait?: boolean): Registration;
  /** What waits for notifiers in this context's loop. */
  readonly waits: {
    has(notifier: Watchable): boolean;
    wait(notifier: Watchable, signal: AbortSignalLike | undefined): Promise<void>;
  };
}
