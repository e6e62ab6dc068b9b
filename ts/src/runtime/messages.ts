// SPDX-License-Identifier: MIT
/** The messages between the owner and its workers of all kinds. Kinds of threads have further messages. */
import type { Packet } from '../wire/unpack.js';
import type { Instead } from '../wire/substitute.js';
import type { ThreadPointer } from './exports.js';
import type { HelperInit } from './waiter.js';

/** The first message to a worker that becomes a thread of the runtime. */
export interface InitMessage {
  type: 'init';
  /** The owner's version of the package. */
  version: string;
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  thread: ThreadPointer;
  /** What the thread's system is made of. */
  guest: unknown;
  /** Present for an IOThread with the user's code, which calls serve(). module: the file to import for that. */
  code?: { module?: string };
}

/** A message of a certain kind of thread. */
export interface KindMessage {
  readonly type: string;
}

export type FromWorker =
  | Instead<KindMessage>
  /** C needs a worker that attaches as this thread. */
  | { type: 'start'; thread: ThreadPointer }
  /** This thread needs a helper, because it has no Atomics.waitAsync. */
  | { type: 'helper'; init: HelperInit }
  /** This worker has got a role, so that the reserve has one worker less. */
  | { type: 'busy' }
  /** This worker has played the role and waits for another one. */
  | { type: 'idle'; role: number }
  /** This worker has left the module for good, as it was told to. */
  | { type: 'ended' }
  /** This worker has left the module for good because of an uncaught error. */
  | { type: 'lost'; error: Packet }
  /** An error was not caught, and the host may be about to end this worker for it. */
  | { type: 'threw'; error: Packet }
  /** The thread has failed, and the shared memory may be inconsistent. */
  | { type: 'failed'; message: string; cause: Packet }
  /** The program called exit(). */
  | { type: 'exit'; code: number; thread: string }
  | { type: 'output'; fd: number; bytes: Uint8Array };
