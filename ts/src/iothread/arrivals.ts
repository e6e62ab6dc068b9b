// SPDX-License-Identifier: MIT
import { Decoder } from '../wire/decoder.js';
import type { RingReader } from '../wire/record-ring.js';
import { Kind, type RpcMessage } from './record.js';

/** Has the record that was taken last. All connections of a thread share it. */
export const decoder = new Decoder();

/** A record that has been handled. */
export const NOTHING = new Int32Array([Kind.revoked, 0, 0]);

/** What the other side of a connection has sent, in the order in which it was sent: records in the ring, and messages beside it. */
export class Arrivals {
  /** The number of the one that is taken next. */
  private taking = 0;
  /** Messages that were not taken yet, by their numbers; and records that a blocking call has taken out of the ring. */
  readonly early = new Map<number, RpcMessage | Int32Array>();
  /** A blocking call has taken records while others were being handled. */
  interrupted = false;

  constructor(readonly reader: RingReader) {}

  add(message: RpcMessage): void {
    this.early.set(message.number, message);
    this.reader.beside = this.early.has(this.taking);
  }

  /** Takes the next one, unless it is a record behind this position. Returns a message, or 'record' if the decoder has it. */
  take(due: number): RpcMessage | 'record' | undefined {
    const { early, reader, taking } = this;
    const next = early.size > 0 ? early.get(taking) : undefined;
    if (next) early.delete(taking);
    else if (reader.next(due) === taking) reader.take(decoder.words, decoder.bytes);
    else return undefined;
    this.taking = (taking + 1) | 0;
    if (!(next instanceof Int32Array)) return next ?? 'record';
    decoder.words.set(next);
    return 'record';
  }

  /** The record that a blocking call has just taken out of the ring was handled. */
  handled(number: number): void {
    if (number === this.taking && this.early.size === 0) this.taking = (number + 1) | 0;
    else this.early.set(number, NOTHING);
  }

  /** Whether there is more to take, at whatever position. */
  get more(): boolean {
    const { reader } = this;
    const beside = this.early.size > 0 && this.early.has(this.taking);
    reader.beside = beside;
    return beside || reader.next(reader.end) === this.taking;
  }
}
