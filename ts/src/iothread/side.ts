// SPDX-License-Identifier: MIT
import type { CallOptions } from '../abort.js';
import type { Handle } from '../wire/handle.js';
import type { CallTrace } from '../trace/calls.js';
import type { RingReader, RingWriter } from '../wire/record-ring.js';
import type { Instead } from '../wire/substitute.js';
import type { Correspondent } from '../wire/unpack.js';
import type { Arrivals } from './arrivals.js';
import type { Revoke, RpcMessage } from './record.js';

/** What a side of a connection provides. */
export interface Side {
  /** The name of the IOThread. */
  readonly name: string;
  readonly trace: CallTrace;
  readonly writer: RingWriter;
  readonly reader: RingReader;
  /** Wakes up the other side's loop after a record was written to the ring. */
  wake(): void;
  post(message: RpcMessage | Instead<RpcMessage>, transfer?: Transferable[]): void;
  /** Whether the other side has been told to end, and gets no more messages. Records still reach a blocking call of it. */
  isSealed?(): boolean;
  /** A message has arrived, which take() has to take soon. */
  arrived(): void;
  /** A call of the other side has returned a promise, and (settled) that promise is settled and was answered. */
  began?(): void;
  settled?(): void;
  /** Called before a call to the other side. Throws if that does not exist any more. */
  assertOpen(): void;
  /** Makes a promise that settle() settles, by the number that start() gets, or the end of the other side. */
  ask(start: (id: number) => void): Promise<unknown>;
  settle(id: number, how: 'resolve' | 'reject', value: unknown): void;
  fromHandle(handle: Handle): unknown;
  /** See Correspondent.meet. */
  meet?(peer: object): void;
  /** The owner has sent this by control(). */
  control?(value: unknown): void;
  /** How this thread waits for answers. Absent: it must not. */
  readonly waits?: Waits;
}

/** A connection, as blocking calls use it. */
export interface Connection {
  /** The name of the other side. */
  readonly name: string;
  readonly arrivals: Arrivals;
  readonly functions: Correspondent;
  /** Throws if the other side does not exist any more. */
  assertOpen(): void;
  /** Sends a call that can be taken back. wait() waits for room in the ring. */
  sendBlocking(id: number, of: number, args: unknown[], wait: () => boolean): Revoke | undefined;
  /** Takes a call back, or tells the other side that nobody waits for its answer. */
  cancel(id: number, reason: unknown, call: Revoke | undefined): void;
  /** Finds out which record will tell that this signal was aborted, if that is told over this connection. */
  abortOf(signal: object): { kind: number; number: number } | undefined;
  /** The answer to this call was taken from the ring. */
  returned(id: number): void;
  /** Handles a record whose value has been read. */
  handle(kind: number, id: number, of: number, read: () => unknown): void;
  /** Goes on with what has arrived, after records were taken out of their turn. */
  resume(): void;
}

/** Makes blocking calls. */
export interface Waits {
  call(by: Connection, of: number, args: unknown[], options: CallOptions): unknown;
  /** The connection exists from now on. */
  joined(by: Connection): void;
  left(by: Connection): void;
}
