// SPDX-License-Identifier: MIT
/** What owner and workers say to each other; control data is comlink's own. */
import type { HostFile, OpenMode } from '../hosts/host.js';
import type { ThreadPointer } from '../runtime/exports.js';
import type { Packet } from './packet.js';
import type { RpcMessage } from './rpc.js';
import type { Instead } from './substitute.js';
import type { HelperInit } from '../runtime/waiter.js';

export interface InitMessage {
  type: 'init';
  /** The owner's. */
  version: string;
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  thread: ThreadPointer;
  /** What its system is made of. */
  guest: unknown;
  /** An IOThread with the user's code, which calls serve(); module: to be imported for that. */
  code?: { module?: string };
}

export type ToWorker =
  | InitMessage
  /** A call to it, and the answer to one of its own. */
  | RpcMessage
  | Instead<ToWorker>
  | { type: 'open'; id: number; path: string; mode: OpenMode }
  | { type: 'close'; id: number; handle: number }
  /** Leave the role: do not wait for JavaScript that is still at work. */
  | { type: 'end' };

export type ToOwner =
  /** The answer to a call, and a call of its own. */
  | RpcMessage
  | Instead<ToOwner>
  /** The user's file has imported our side of it; serve() may follow. */
  | { type: 'loaded' }
  /** What serve() was given. */
  | { type: 'serving'; api: Packet }
  /** The user's code failed before that. */
  | { type: 'unserved'; error: Packet; attached: boolean }
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
  | { type: 'output'; fd: number; bytes: Uint8Array }
  | { type: 'opened'; id: number; file: HostFile }
  | { type: 'closed'; id: number }
  | { type: 'refused'; id: number; errno: string; message: string };
