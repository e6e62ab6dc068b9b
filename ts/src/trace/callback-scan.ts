// SPDX-License-Identifier: MIT
import { beginOf, SLICES } from './chrome.js';
import { eventAt, type TraceEvent } from './event.js';
import { EVENT_BYTES, type Batch, type EventType, type Recording } from './recording.js';

/** What runs in a loop: the kinds of call-backs that are told apart. */
export type CallbackKind = 'bottom half' | 'handler' | 'timer' | 'coroutine' | 'call';

/** What runs in a loop for a while, by the events with which it begins. */
const KINDS = {
  aio_bh_begin: 'bottom half',
  aio_handler_begin: 'handler',
  aio_timer_begin: 'timer',
  qemu_aio_coroutine_enter: 'coroutine',
  aio_call_begin: 'call',
} as const satisfies Record<string, CallbackKind>;

/** A call-back that runs, or has run. Times are in ns. */
export interface Run {
  readonly begin: TraceEvent;
  readonly kind: CallbackKind;
  /** The context whose loop runs it; 0: not known. */
  readonly context: number;
  /** The name of its thread, if that is not the name of a loop. */
  readonly thread: string;
  /** When it has ended; undefined while it runs. */
  end?: number;
}

/** A ring, and the thread that writes to it. */
interface Ring {
  number: number;
  /** The last context of the thread. What it does between iterations is counted as its loop's. */
  context: number;
  name: string;
  open: Run[];
}

/** Finds the call-backs in the events of a recording. */
export class CallbackScan {
  readonly #rings = new Map<number, Ring>();
  /** What to do about a type of events, by its number. */
  readonly #types: readonly { kind?: CallbackKind; begin?: string; isName: boolean }[];
  /** How many events were lost so far. */
  lost = 0;

  constructor(private readonly types: readonly EventType[]) {
    this.#types = types.map(({ name, phase }) => {
      const begin = phase === 'end' ? beginOf(name) : name;
      const kind = KINDS[begin as keyof typeof KINDS];
      return { ...(kind && phase === 'begin' && { kind }), ...(kind && phase === 'end' && { begin }), isName: name === 'aio_trace_thread' };
    });
  }

  /** Goes through the next events, and yields the call-backs that have ended, the inner ones first. */
  *ended(batches: Iterable<Batch>): Generator<Run> {
    for (const { ring: number, lost, events, count } of batches) {
      let ring = this.#rings.get(number);
      if (!ring) this.#rings.set(number, (ring = { number: -1, context: 0, name: '', open: [] }));
      this.lost += lost;
      // What ran before the gap may have ended in it.
      if (lost > 0) ring.open = [];
      for (let at = 0; at < count * EVENT_BYTES; at += EVENT_BYTES) {
        const run = this.#one(ring, events, at);
        if (run) yield run;
      }
    }
  }

  #one(ring: Ring, events: DataView, at: number): Run | undefined {
    const thread = events.getUint16(at + 34, true);
    if (thread !== ring.number) Object.assign(ring, { number: thread, context: 0, name: '', open: [] });
    const context = events.getUint32(at + 8, true);
    if (context !== 0) ring.context = context;
    const { kind, begin, isName } = this.#types[events.getUint16(at + 32, true)] ?? { isName: false };
    if (!kind && !begin && !isName) return undefined;
    const event = eventAt(events, at, this.types);
    if (isName) ring.name = event.name;
    if (kind) ring.open.push({ begin: event, kind, context: ring.context, thread: ring.name || `thread ${thread}` });
    if (!begin) return undefined;
    let last = ring.open.length - 1;
    while (last >= 0 && !(ring.open[last]?.begin.type.name === begin && ring.open[last]?.begin.object === event.object)) last--;
    const [run] = last < 0 ? [] : ring.open.splice(last);
    return run && Object.assign(run, { end: event.time });
  }

  /** The call-backs that ran when the events were read, the outer ones first. */
  *running(): Generator<Run> {
    for (const { open } of this.#rings.values()) yield* open;
  }
}

/** What names a call-back; that of a function of JavaScript is the one that it has for C. */
export function namer(recording: Recording, functionName: (place: number) => string | undefined): (begin: TraceEvent) => string {
  const { types, start, callback } = recording;
  const naming = {
    types, start, contextName: () => undefined, functionName: (place: number) => (place === callback ? 'JavaScript' : functionName(place)),
  };
  return (begin) => SLICES[begin.type.name]?.name(begin, naming) ?? '';
}
