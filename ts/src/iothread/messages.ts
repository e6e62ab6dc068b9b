// SPDX-License-Identifier: MIT
/** What an IOThread and its owner say to each other, beside what all workers say; control data is comlink's own. */
import type { Instead } from '../wire/substitute.js';
import type { Packet } from '../wire/unpack.js';
import type { RpcMessage } from './rpc.js';

export type ToIOThread =
  /** A call to it, and the answer to one of its own. */
  | RpcMessage
  | Instead<RpcMessage>
  /** Leave the role: do not wait for JavaScript that is still at work. */
  | { type: 'end' };

export type FromIOThread =
  /** The answer to a call, and a call of its own. */
  | RpcMessage
  | Instead<FromIOThread>
  /** The user's file has imported our side of it; serve() may follow. */
  | { type: 'loaded' }
  /** What serve() was given. */
  | { type: 'serving'; api: Packet }
  /** The user's code failed before that. */
  | { type: 'unserved'; error: Packet; attached: boolean }
  /** Its role is over. */
  | { type: 'idle'; role: number };
