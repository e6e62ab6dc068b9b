// SPDX-License-Identifier: MIT
/** What the owner and its workers say to each other, whatever these are for. Kinds of threads have messages beside these. */
import type { Packet } from '../wire/unpack.js';
import type { Instead } from '../wire/substitute.js';
import type { ThreadPointer } from './exports.js';
import type { HelperInit } from './waiter.js';

/** The first message to a worker that is to be a thread of the runtime. */
export interface InitMessage {
  type: 'init';
  /** The owner's version of the package. */
  version: string;
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  thread: ThreadPointer;
  /** What its system is made of. */
  guest: unknown;
  /** An IOThread with the user's code, which calls serve(); module: to be imported for that. */
  code?: { module?: string };
}

/** A message of a kind of thread. */
export interface KindMessage {
  readonly type: string;
}

export type FromWorker =
  | Instead<KindMessage>
  /** Somebody needs a worker that attaches as this thread. */
  | { type: 'start'; thread: ThreadPointer }
  /** This thread, which has no Atomics.waitAsync, needs a helper. */
  | { type: 'helper'; init: HelperInit }
  /** This worker has a role now; the reserve is one short. */
  | { type: 'busy' }
  /** It waits for a role again, having played this one. */
  | { type: 'idle'; role: number }
  /** It has left for good, as it should. */
  | { type: 'ended' }
  /** Something in it threw what nobody caught: it has left the module for good. */
  | { type: 'lost'; error: Packet }
  /** The host may be about to end it for this error. */
  | { type: 'threw'; error: Packet }
  /** What it shares may be half-changed. */
  | { type: 'failed'; message: string; cause: Packet }
  /** The program that it runs called exit(). */
  | { type: 'exit'; code: number; thread: string }
  | { type: 'output'; fd: number; bytes: Uint8Array };
