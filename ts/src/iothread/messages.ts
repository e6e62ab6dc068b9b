// SPDX-License-Identifier: MIT
/** The messages between an IOThread and its owner, in addition to those of all workers. */
import type { Instead } from '../wire/substitute.js';
import type { Slot } from '../wire/handle.js';
import type { Packet } from '../wire/unpack.js';
import type { RpcMessage } from './record.js';

export type ToIOThread =
  /** A call to the IOThread, or an answer to it, that is not in the ring. */
  | RpcMessage
  | Instead<RpcMessage>
  /** Leave the role, without waiting for JavaScript that is still running. */
  | { type: 'end' };

export type FromIOThread =
  /** An answer to a call, or a call of the IOThread's, that is not in the ring. */
  | RpcMessage
  | Instead<FromIOThread>
  /** The user's file has imported wasm-aio/iothread; a call of serve() may follow. */
  | { type: 'loaded' }
  /** serve() was called with this object. */
  | { type: 'serving'; api: Packet; loop: Slot }
  /** It does not use the memory of a connection with another IOThread any more. */
  | { type: 'parted'; rings: number }
  /** The user's code failed before it served an object. */
  | { type: 'unserved'; error: Packet; attached: boolean }
  /** The IOThread's role is over. */
  | { type: 'idle'; role: number };
