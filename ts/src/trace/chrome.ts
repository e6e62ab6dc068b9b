// SPDX-License-Identifier: MIT
import { ChromeCalls } from './chrome-calls.js';
import type { ChromeEvent } from './chrome-event.js';
import { eventAt, type TraceEvent } from './event.js';
import { EVENT_BYTES, type Batch, type EventType } from './recording.js';

/** A recording in Chrome's Trace Event Format. Perfetto (ui.perfetto.dev) and Chrome open its JSON. */
export interface Trace {
  /** The events, in the order of their times. */
  traceEvents: ChromeEvent[];
  /** The unit in which viewers show times. */
  displayTimeUnit: 'ns';
  /** About the recording as a whole. */
  otherData: {
    /** How many events took place and are not in the trace; where, its events of the category `lost` say. */
    lost: number;
    /** How many events of the loops the trace was made of. */
    events: number;
    /** How long was recorded, in ms. */
    duration: number;
    /** The version of the package. */
    version: string;
  };
}

/** What the names in a trace are taken from. */
export interface Naming {
  readonly types: readonly EventType[];
  /** When the recording began, in ns. */
  readonly start: number;
  contextName(context: number): string | undefined;
  functionName(place: number): string | undefined;
}

/** What begins and ends, as it is shown. */
export const SLICES: Record<string, { cat: string; name(event: TraceEvent, naming: Naming): string }> = {
  aio_poll_begin: { cat: 'loop', name: () => 'aio_poll' },
  aio_dispatch_begin: { cat: 'loop', name: () => 'aio_dispatch' },
  run_poll_handlers_begin: { cat: 'loop', name: () => 'run_poll_handlers' },
  aio_sleep_begin: { cat: 'loop', name: () => 'sleep' },
  aio_bh_begin: { cat: 'call-back', name: ({ name, object }, naming) => name || (naming.functionName(object) ?? 'bottom half') },
  aio_handler_begin: { cat: 'call-back', name: ({ name, object, value }, naming) => `${naming.functionName(object) ?? name} (fd ${value})` },
  aio_timer_begin: { cat: 'call-back', name: ({ object }, naming) => naming.functionName(object) ?? 'timer' },
  qemu_aio_coroutine_enter: { cat: 'coroutine', name: ({ name }) => name },
  aio_call_begin: { cat: 'call', name: ({ name }) => name || 'function' },
  libc_poll_begin: { cat: 'wasi', name: () => 'poll' },
  aio_job_begin: { cat: 'io', name: ({ object }, naming) => naming.functionName(object) ?? 'job' },
};

/** What a slice ends with; the others end with their own name. */
const ENDS: Record<string, string> = { qemu_coroutine_yield: 'qemu_aio_coroutine_enter', qemu_coroutine_terminate: 'qemu_aio_coroutine_enter' };
export const beginOf = (end: string): string => ENDS[end] ?? end.replace(/_end$/, '_begin');

/** Requests, from their submission to their end. */
const SUBMITTED: Record<string, 'b' | 'e'> = { thread_pool_submit: 'b', thread_pool_complete: 'e', raw_aio_submit: 'b', raw_aio_complete: 'e' };
const categoryOf = (name: string): string =>
  /notify/.test(name) ? 'wake-up' : /coroutine|_co_/.test(name) ? 'coroutine' : /^(thread_pool|raw_aio|aio_queue)/.test(name) ? 'io' : 'loop';

interface Open {
  readonly begin: TraceEvent;
  readonly slice: ChromeEvent;
  readonly track: Track;
}

interface Track {
  readonly tid: number;
  readonly name: string;
  /** Wake-ups that the loop has accepted: their arrows lead to what runs next. */
  accepted: WakeUp[];
}

/** A wake-up: the arrow from the slice of its sender to what it made run. */
interface WakeUp {
  readonly sequence: number;
  readonly time: number;
  from?: ChromeEvent;
  to?: ChromeEvent;
}

/** Compares sequence numbers, which wrap around at 2^32. */
const isBelow = (a: number, b: number): boolean => ((a - b) | 0) < 0;

/** Makes a trace of batches, which come in any order, but those of one ring in the order in which they were read. */
export class ChromeTrace {
  readonly #naming: Naming;
  readonly #out: ChromeEvent[] = [];
  readonly #tracks = new Map<string, Track>();
  /** The first context of each thread, on whose track what the thread does between iterations is shown, too. */
  readonly #contexts = new Map<number, number>();
  readonly #threadNames = new Map<number, string>();
  readonly #wakeUps = new Map<TraceEvent, WakeUp>();
  /** Wake-ups that no loop has accepted yet, by the loop that they are for, in their order. */
  readonly #sent = new Map<number, WakeUp[]>();
  readonly #calls = new ChromeCalls();
  #lost = 0;
  #events = 0;
  /** Nothing of the present ring may begin before this: where the last wake-up, which takes a nanosecond, ends. */
  #floor = 0;

  constructor(naming: Naming) {
    this.#naming = naming;
  }

  /** Converts what was recorded until `end`, in ns. */
  convert(batches: readonly Batch[], end: number, lost: number, version: string): Trace {
    const rings = new Map<number, Batch[]>();
    for (const batch of batches) {
      const ring = rings.get(batch.ring);
      if (ring) ring.push(batch);
      else rings.set(batch.ring, [batch]);
    }
    const decoded = [...rings.values()].map((ring) => this.#decode(ring));
    // Wake-ups are known before what they wake is looked at, whichever ring comes first.
    for (const events of decoded) for (const event of events) if (event !== undefined && typeof event !== 'number') this.#learn(event);
    for (const queue of this.#sent.values()) queue.sort((a, b) => (a.sequence - b.sequence) | 0);
    for (const events of decoded) this.#ring(events, end);
    this.#lost += lost;
    this.#arrows();
    const names = [...this.#tracks.values()].map(({ tid, name }): ChromeEvent => ({ name: 'thread_name', cat: '__metadata', ph: 'M', ts: 0, pid: 1, tid, args: { name } }));
    // Slices that begin at the same time stay in the order in which they were written: the outer one comes first.
    const traceEvents = [...names, ...this.#out.sort((a, b) => a.ts - b.ts)];
    return {
      traceEvents, displayTimeUnit: 'ns',
      otherData: { lost: this.#lost, events: this.#events, duration: (end - this.#naming.start) / 1e6, version },
    };
  }

  /** The events of a ring, and numbers: so many were lost there. */
  #decode(batches: readonly Batch[]): (TraceEvent | number)[] {
    const events: (TraceEvent | number)[] = [];
    for (const { lost, events: view, count } of batches) {
      if (lost > 0) events.push(lost);
      for (let n = 0; n < count; n++) events.push(eventAt(view, n * EVENT_BYTES, this.#naming.types));
    }
    return events;
  }

  #learn(event: TraceEvent): void {
    const { type, thread, name, object, value, time } = event;
    if (event.context !== 0 && !this.#contexts.has(thread)) this.#contexts.set(thread, event.context);
    if (type.name === 'aio_trace_thread') this.#threadNames.set(thread, name);
    this.#calls.learn(event);
    if (type.name !== 'aio_notify_sent') return;
    const queue = this.#sent.get(object) ?? [];
    const wakeUp: WakeUp = { sequence: value, time };
    queue.push(wakeUp);
    this.#sent.set(object, queue);
    this.#wakeUps.set(event, wakeUp);
  }

  /** The track of an event: that of its loop, or of its thread. */
  #track({ context: own, thread }: TraceEvent): Track {
    const context = own || (this.#contexts.get(thread) ?? 0);
    const key = context === 0 ? `thread ${thread}` : `context ${context}`;
    let track = this.#tracks.get(key);
    if (!track) {
      const threadName = this.#threadNames.get(thread) || `thread ${thread}`;
      const name = context === 0 ? threadName : (this.#naming.contextName(context) ?? `${threadName}, context 0x${context.toString(16)}`);
      track = { tid: this.#tracks.size + 1, name, accepted: [] };
      this.#tracks.set(key, track);
    }
    return track;
  }

  #ring(events: readonly (TraceEvent | number)[], end: number): void {
    const open: Open[] = [];
    this.#floor = 0;
    let last: TraceEvent | undefined;
    /** After a loss, wake-ups from before the first event that is known again may have been accepted by one that is not. */
    let since = 0;
    let lostNow = 0;
    for (const event of events) {
      if (typeof event === 'number') {
        this.#lost += event;
        lostNow += event;
        if (last) this.#close(open, 0, last.time, true);
        continue;
      }
      if (lostNow > 0) {
        since = event.time;
        this.#out.push({ ...this.#base(event, `${lostNow} events lost`, 'lost'), ph: 'i', s: 't', args: { lost: lostNow } });
        lostNow = 0;
      }
      this.#events++;
      this.#one(event, open, since);
      last = event;
    }
    this.#close(open, 0, end, true);
  }

  #ts(time: number): number {
    return Math.max((time - this.#naming.start) / 1000, this.#floor);
  }

  #base(event: TraceEvent, name: string, cat: string): ChromeEvent {
    return { name, cat, ph: 'i', ts: this.#ts(event.time), pid: 1, tid: this.#track(event).tid };
  }

  #args({ type, object, value, name }: TraceEvent): Record<string, unknown> {
    const isAddress = (what: string): boolean => /^(cb|opaque|co|ctx|from|mutex|req|func|loop|queue)$/.test(what);
    const shown = (what: string, n: number): unknown => (isAddress(what) ? `0x${(n >>> 0).toString(16)}` : n);
    return {
      event: type.name,
      ...(name && { name }),
      ...(type.object && { [type.object]: shown(type.object, object) }),
      ...(type.value && { [type.value]: shown(type.value, value) }),
    };
  }

  #one(event: TraceEvent, open: Open[], since: number): void {
    const { type } = event;
    if (type.name === 'aio_trace_thread') return;
    if (type.phase === 'begin') return this.#begin(event, open);
    if (type.phase === 'end') return this.#end(event, open);
    if (type.name === 'aio_notify_sent') {
      const wakeUp = this.#wakeUps.get(event);
      if (wakeUp) wakeUp.from = this.#moment(event, 'wake-up sent');
      return;
    }
    if (type.name === 'aio_notify_accept') return this.#accept(event, since);
    const call = this.#calls.momentOf(event);
    if (call !== undefined) return this.#calls.add(event, this.#moment(event, call, 'call'));
    this.#out.push({ ...this.#base(event, type.name, categoryOf(type.name)), s: 't', args: this.#args(event) });
    const request = SUBMITTED[type.name];
    if (request) this.#out.push({ ...this.#base(event, type.name.replace(/_(submit|complete)$/, ''), 'io'), ph: request, id: event.object, args: this.#args(event) });
  }

  #end(event: TraceEvent, open: Open[]): void {
    const begin = beginOf(event.type.name);
    let at = open.length - 1;
    while (at >= 0 && !(open[at]?.begin.type.name === begin && (SLICES[begin]?.cat === 'loop' || open[at]?.begin.object === event.object))) at--;
    const ended = open[at];
    // Its begin was before the recording, or was lost.
    if (!ended) return;
    this.#close(open, at + 1, event.time, true);
    this.#close(open, at, event.time, false);
    ended.slice.args = { ...this.#args(event), ...ended.slice.args, ...(begin === 'qemu_aio_coroutine_enter' && { end: event.type.name }) };
  }

  #begin(event: TraceEvent, open: Open[]): void {
    const track = this.#track(event);
    const { cat, name } = SLICES[event.type.name] ?? { cat: 'loop', name: () => event.type.name };
    const slice: ChromeEvent = { ...this.#base(event, name(event, this.#naming), cat), ph: 'X', dur: 0, args: this.#args(event) };
    this.#out.push(slice);
    open.push({ begin: event, slice, track });
    if (cat === 'call') this.#calls.add(event, slice);
    if (cat === 'call-back' || cat === 'coroutine' || event.type.name === 'aio_dispatch_begin') {
      for (const wakeUp of track.accepted) wakeUp.to = slice;
      track.accepted = [];
    }
  }

  /** Ends the slices from that one on. unfinished: their ends are not known. */
  #close(open: Open[], from: number, time: number, unfinished: boolean): void {
    for (const { slice, track, begin } of open.splice(from).reverse()) {
      slice.dur = Math.max(slice.dur ?? 0, this.#ts(time) - slice.ts);
      if (unfinished) slice.args = { ...slice.args, unfinished: true };
      // An arrow to an iteration that has run nothing ends where the loop has accepted the wake-up.
      if (begin.type.name === 'aio_poll_begin') track.accepted = [];
    }
  }

  /** A moment that an arrow can begin or end at: it needs a slice, which takes a nanosecond. */
  #moment(event: TraceEvent, name: string, cat = 'wake-up'): ChromeEvent {
    const slice: ChromeEvent = { ...this.#base(event, name, cat), ph: 'X', dur: 0.001, args: this.#args(event) };
    this.#floor = slice.ts + 0.001;
    this.#out.push(slice);
    return slice;
  }

  /** Draws the arrows of which both ends are known. */
  #arrows(): void {
    let id = 0;
    for (const { from, to } of this.#wakeUps.values()) {
      if (!from || !to) continue;
      // Its sender wrote the event only when the loop had gone on already: it was sent before that.
      from.ts = Math.min(from.ts, to.ts + (to.dur ?? 0));
      const end = { name: 'wake-up', cat: 'wake-up', pid: 1, id: ++id };
      this.#out.push({ ...end, ph: 's', ts: from.ts, tid: from.tid }, { ...end, ph: 'f', bp: 'e', ts: Math.max(to.ts, from.ts), tid: to.tid });
    }
    const names = new Map([...this.#tracks.values()].map((track) => [track.tid, track.name]));
    this.#out.push(...this.#calls.draw(() => ++id, (tid) => names.get(tid)));
  }

  #accept(event: TraceEvent, since: number): void {
    const track = this.#track(event);
    const queue = this.#sent.get(event.object) ?? [];
    let n = 0;
    while (n < queue.length && isBelow((queue[n] as WakeUp).sequence, event.value)) n++;
    const taken = queue.splice(0, n).filter(({ time }) => time >= since);
    track.accepted = taken;
    if (taken.length === 0) return;
    const accept = this.#moment(event, 'woken');
    for (const wakeUp of taken) wakeUp.to = accept;
  }
}
