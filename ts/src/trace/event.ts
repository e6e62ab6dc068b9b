// SPDX-License-Identifier: MIT
import type { EventType } from './recording.js';

/** An event of a trace: struct AioTraceEvent in core-c/include/aio/trace.h. */
export interface TraceEvent {
  readonly type: EventType;
  /** Nanoseconds of the runtime's clock. */
  readonly time: number;
  /** The context whose loop was running, or 0. */
  readonly context: number;
  readonly thread: number;
  readonly object: number;
  readonly value: number;
  readonly name: string;
}

/** A signed integer of 64 bits, exact up to 2^53. */
const int64 = (view: DataView, at: number): number => view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);

const decoder = new TextDecoder();

/** Reads the event at an offset. */
export function eventAt(view: DataView, at: number, types: readonly EventType[]): TraceEvent {
  const text = new Uint8Array(view.buffer, view.byteOffset + at + 36, 28);
  const end = text.indexOf(0);
  return {
    time: int64(view, at),
    context: int64(view, at + 8),
    object: int64(view, at + 16),
    value: int64(view, at + 24),
    type: types[view.getUint16(at + 32, true)] ?? { name: 'unknown', phase: 'mark', object: 'object', value: 'value' },
    thread: view.getUint16(at + 34, true),
    name: end === 0 ? '' : decoder.decode(text.subarray(0, end < 0 ? text.length : end)),
  };
}
