// SPDX-License-Identifier: MIT
/** What the loops have done lately, put together from their trace while they run. Times are in µs since the recording began. */
import { beginOf, SLICES, type Naming } from '../../trace/chrome.js';
import { eventAt, type TraceEvent } from '../../trace/event.js';
import { EVENT_BYTES, type Batch } from '../../trace/recording.js';

/** What a loop is doing. `page`: it is the page's, whose browser does something else, or nothing. */
export const STATES = ['working', 'polling', 'asleep', 'page'] as const;
export const WORKING = 0;
export const POLLING = 1;
export const ASLEEP = 2;
export const PAGE = 3;

/** The kinds of call-backs. */
export const KINDS = ['bottom half', 'handler', 'timer', 'coroutine', 'call'] as const;
export const POLL = 4;
const KIND: Record<string, number> = { aio_bh_begin: 0, aio_handler_begin: 1, aio_timer_begin: 2, qemu_aio_coroutine_enter: 3 };
const TO_STATE: Record<string, number> = {
  aio_poll_begin: WORKING, aio_dispatch_begin: WORKING, aio_dispatch_end: PAGE,
  run_poll_handlers_begin: POLLING, run_poll_handlers_end: WORKING, aio_sleep_begin: ASLEEP, aio_sleep_end: WORKING,
};

/** So many intervals of a lane are kept. */
const MOST = 60_000;
/** Latencies from which percentiles are taken. */
const LATENCIES = 2000;

/** Intervals in the order of their starts. */
export class Intervals {
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  /** A state or a kind. */
  readonly kinds: number[] = [];
  readonly names: string[] = [];
  readonly depths: number[] = [];

  /** Returns the interval's place, until forget(). */
  add(start: number, end: number, kind: number, name = '', depth = 0): number {
    this.ends.push(end);
    this.kinds.push(kind);
    this.names.push(name);
    this.depths.push(depth);
    return this.starts.push(start) - 1;
  }

  /** The first interval that may end after a time; those before it have ended. */
  from(time: number): number {
    let [low, high] = [0, this.starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.starts[middle] as number) < time) low = middle + 1;
      else high = middle;
    }
    // The ones that enclose it have begun before: call-backs are nested at most that deep.
    return Math.max(0, low - 4);
  }

  /** Forgets the oldest, and returns how many. */
  forget(): number {
    if (this.starts.length < 2 * MOST) return 0;
    for (const list of [this.starts, this.ends, this.kinds, this.names, this.depths]) list.splice(0, MOST);
    return MOST;
  }
}

/** Totals since the recording began. */
export interface Totals {
  /** By state, in µs. */
  states: number[];
  iterations: number;
  callbacks: number;
  woken: number;
  saved: number;
}

export class Lane {
  readonly states = new Intervals();
  readonly calls = new Intervals();
  readonly totals: Totals = { states: [0, 0, 0, 0], iterations: 0, callbacks: 0, woken: 0, saved: 0 };
  /** From sending a wake-up to its acceptance, in µs; the newest ones. */
  latencies: number[] = [];
  state = -1;
  since = 0;
  /** The call-backs that run, outermost first. */
  readonly open: { at: number; begin: string; object: number }[] = [];
  /** Events before this time were lost. */
  known = 0;

  constructor(readonly context: number, readonly name: string) {}

  /** What the lane has done for so long until now, as the totals have it. */
  statesAt(now: number): number[] {
    const states = [...this.totals.states];
    if (this.state >= 0) states[this.state]! += Math.max(0, now - this.since);
    return states;
  }
}

/** What the wake-ups of a loop are sent to; its first acceptance tells whose it is. */
interface Loop {
  lane?: Lane;
  /** Wake-ups that were sent, and not matched yet. */
  sent: { sequence: number; time: number; from: Lane }[];
  accepts: { sequence: number; time: number }[];
  saved: number;
}

export interface Arrow {
  from: Lane;
  to: Lane;
  sent: number;
  accepted: number;
}

const isBelow = (a: number, b: number): boolean => ((a - b) | 0) < 0;

export class Timeline {
  readonly #lanes = new Map<number, Lane>();
  /** The lane of each ring's thread. */
  readonly #ofRing = new Map<number, Lane>();
  readonly #loops = new Map<number, Loop>();
  readonly #naming: Naming;
  arrows: Arrow[] = [];
  lost = 0;
  /** When the last call-back has ended. */
  last = 0;

  readonly lanes: readonly Lane[];

  /** loops: the addresses and names of the contexts, that of the page first. */
  constructor(naming: Naming, loops: readonly (readonly [number, string])[]) {
    this.#naming = naming;
    this.lanes = loops.map(([context, name]) => new Lane(context, name));
    for (const lane of this.lanes) this.#lanes.set(lane.context, lane);
    if (this.lanes[0]) this.lanes[0].state = PAGE;
  }

  feed(batches: Iterable<Batch>): void {
    for (const { ring, lost, events, count } of batches) {
      if (lost > 0) this.#lose(ring, lost);
      for (let n = 0; n < count; n++) this.#one(ring, eventAt(events, n * EVENT_BYTES, this.#naming.types));
    }
    for (const loop of this.#loops.values()) if (loop.lane) this.#match(loop, loop.lane);
    if (this.arrows.length > MOST) this.arrows.splice(0, MOST / 2);
  }

  #us(time: number): number {
    return (time - this.#naming.start) / 1000;
  }

  #loop(address: number): Loop {
    let loop = this.#loops.get(address);
    if (!loop) this.#loops.set(address, (loop = { sent: [], accepts: [], saved: 0 }));
    return loop;
  }

  #lose(ring: number, lost: number): void {
    this.lost += lost;
    const lane = this.#ofRing.get(ring);
    if (!lane) return;
    lane.state = -1;
    lane.open.length = 0;
    lane.known = Infinity;
  }

  #one(ring: number, event: TraceEvent): void {
    const { type: { name, phase }, object, value } = event;
    let lane = this.#ofRing.get(ring);
    if (event.context !== 0 && lane?.context !== event.context) {
      lane = this.#lanes.get(event.context);
      if (lane) this.#ofRing.set(ring, lane);
    }
    // A thread without a loop.
    if (!lane) return;
    const time = this.#us(event.time);
    if (lane.known === Infinity) lane.known = time;
    const state = TO_STATE[name];
    if (state !== undefined) this.#turn(lane, state, time);
    if (name === 'aio_poll_begin' || name === 'aio_dispatch_begin') lane.totals.iterations++;
    else if (name === 'aio_notify_sent') this.#loop(object).sent.push({ sequence: value, time, from: lane });
    else if (name === 'aio_notify_saved') this.#loop(object).saved++;
    else if (name === 'aio_notify_accept') this.#accept(lane, object, value, time);
    else if (phase === 'begin') this.#begin(lane, event, time);
    else if (phase === 'end') this.#end(lane, event, time);
  }

  #turn(lane: Lane, state: number, time: number): void {
    if (lane.state === state) return;
    if (lane.state >= 0) {
      lane.states.add(lane.since, time, lane.state);
      lane.totals.states[lane.state]! += time - lane.since;
      lane.states.forget();
    }
    lane.state = state;
    lane.since = time;
  }

  #begin(lane: Lane, event: TraceEvent, time: number): void {
    const begin = event.type.name;
    const kind = KIND[begin];
    if (kind === undefined) return;
    const gone = lane.calls.forget();
    for (const one of lane.open) one.at -= gone;
    const name = SLICES[begin]?.name(event, this.#naming) ?? begin;
    const at = lane.calls.add(time, Infinity, kind, name, Math.min(3, lane.open.length));
    lane.open.push({ at, begin, object: event.object });
    lane.totals.callbacks++;
  }

  #end(lane: Lane, event: TraceEvent, time: number): void {
    const begin = beginOf(event.type.name);
    const at = lane.open.findLastIndex((one) => one.begin === begin && one.object === event.object);
    if (at < 0) return;
    for (const { at: place } of lane.open.splice(at)) lane.calls.ends[place] = time;
    this.last = Math.max(this.last, time);
  }

  #accept(lane: Lane, object: number, sequence: number, time: number): void {
    const loop = this.#loop(object);
    loop.lane = lane;
    loop.accepts.push({ sequence, time });
  }

  /** Finds out which acceptance each wake-up has led to. */
  #match(loop: Loop, lane: Lane): void {
    lane.totals.saved += loop.saved;
    loop.saved = 0;
    loop.sent.sort((a, b) => (a.sequence - b.sequence) | 0);
    const waiting: Loop['sent'] = [];
    let n = 0;
    for (const wakeUp of loop.sent) {
      // Its acceptance may have been lost.
      if (wakeUp.time < lane.known) continue;
      while (n < loop.accepts.length && !isBelow(wakeUp.sequence, loop.accepts[n]!.sequence)) n++;
      const accept = loop.accepts[n];
      if (!accept) {
        waiting.push(wakeUp);
        continue;
      }
      const { from, time: sent } = wakeUp;
      const accepted = Math.max(accept.time, sent);
      this.arrows.push({ from, to: lane, sent, accepted });
      lane.totals.woken++;
      lane.latencies.push(accepted - sent);
    }
    loop.sent = waiting;
    // A wake-up that another ring has not told yet is accepted by one of the last.
    loop.accepts = loop.accepts.slice(-500);
    if (lane.latencies.length > 2 * LATENCIES) lane.latencies = lane.latencies.slice(-LATENCIES);
  }
}
