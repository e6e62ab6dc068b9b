// SPDX-License-Identifier: MIT
/** The records that the two sides of a connection send each other. */
import { Revocable } from '../wire/record-ring.js';
import type { Packet } from '../wire/unpack.js';

/** What one side tells the other. */
export const Kind = {
  /** Call the function `of`; the value are the arguments. */
  call: 0,
  /** The result of the call `of`, or what it threw. */
  value: 1,
  thrown: 2,
  /** In place of a record that its receiver cannot read; the value are its kind and the numbers of what is in it. */
  unread: 3,
  /** Functions that are not used any more. */
  release: 5,
  /** As a call. Its sender may take it back until it is taken. */
  revocable: Revocable.open,
  /** Such a call was taken back. */
  revoked: Revocable.revoked,
  /** Nobody waits for the call of that number any more; the value is the reason. */
  cancel: 8,
  /** The signal `of` was aborted; the value is the reason. */
  abort: 9,
  /** About the sequence `of`; `id` is one of Flow. */
  flow: 10,
  /** For the other side itself, from the owner. */
  control: 11,
} as const;

/** A record that is sent as a message, because only structured clone can carry it, or the ring has no room. */
export interface RpcMessage {
  type: 'rpc';
  /** The connection's own: the user's code may use the same channel. */
  key: number;
  /** Its place among all records, those of the ring included. */
  number: number;
  kind: number;
  /** The number of a call. */
  id: number;
  /** The number of a function. */
  of: number;
  packet: Packet;
  /** Of a call that its sender may take back: a word in shared memory, which either side exchanges. */
  claim?: Int32Array | undefined;
}

/** Bytes in front of an encoded value: its kind, the number of the call, that of the function. */
export const PREFIX = 12;
/** Numbers of blocking calls are from this one on: their answers have to be records of the ring. */
export const BLOCKING = 2 ** 31;

/** A call that was sent and can be taken back. */
export interface Revoke {
  /** Returns false if the other side has taken it. */
  revoke(): boolean;
  /** The numbers of the functions in it. */
  functions: number[];
}

/** The error of a call whose receiver could not read the message. */
export function unreadable(what: string): DOMException {
  return new DOMException(`${what} cannot be read by the thread that gets it: nested too deeply, perhaps, or too large for its memory`, 'DataCloneError');
}
