// SPDX-License-Identifier: MIT
import { eventAt, type TraceEvent } from './event.js';
import { EVENT_BYTES, type Batch, type EventType } from './recording.js';

/** What a loop does: sleeping or polling in an iteration, something else in one, or nothing because no iteration runs. */
export type LoopState = 'asleep' | 'polling' | 'awake' | 'outside';

/** A request that has been submitted and has not completed. */
interface Request {
  readonly context: number;
  /** The thread that has submitted it; its loop will complete it. The context is 0 if no iteration ran then. */
  readonly thread: string;
  /** The engine of a request on a file; undefined: it is one of the thread pool. */
  readonly engine: string | undefined;
  /** When it was submitted, in ns. */
  readonly time: number;
}

/** The work of a request, in a thread of a pool. */
interface Job {
  readonly thread: string;
  /** The place of its function in the function table. */
  readonly func: number;
  readonly time: number;
}

/** A loop, by what its events have told so far. Times are in ns. */
export class ScannedLoop {
  /** The thread that has run its last iteration. */
  thread = '';
  /** What `loop` is in the events of its notifications; 0: not known. */
  loop = 0;
  /** JavaScript's event loop, or GLib's, drives it. */
  isDriven = false;
  state: LoopState = 'outside';
  since: number;
  /** Of a sleep: how long it may last; -1: for ever. */
  timeout = -1;
  iterations = 0;
  callbacks = 0;
  /** How long it was in each state, without the present one. */
  readonly spent = { asleep: 0, polling: 0, awake: 0, outside: 0 };
  /** Iterations that have begun and not ended: a call-back may run some. */
  #depth = 0;

  constructor(begin: number) {
    this.since = begin;
  }

  #to(state: LoopState, time: number): void {
    this.spent[this.state] += Math.max(time - this.since, 0);
    this.state = state;
    this.since = time;
  }

  /** Some events are not known: what has begun may have ended. */
  forget(time: number): void {
    this.#depth = 0;
    this.#to('outside', time);
  }

  add({ type: { name }, time, object }: TraceEvent): void {
    switch (name) {
      case 'aio_poll_begin':
      case 'aio_dispatch_begin':
        this.isDriven = name === 'aio_dispatch_begin';
        if (this.#depth++ === 0) this.iterations++;
        return this.#to('awake', time);
      case 'aio_poll_end':
      case 'aio_dispatch_end':
        this.#depth = Math.max(this.#depth - 1, 0);
        return this.#to(this.#depth > 0 ? 'awake' : 'outside', time);
      case 'aio_sleep_begin':
        this.timeout = object;
        return this.#to('asleep', time);
      case 'run_poll_handlers_begin':
        return this.#to('polling', time);
      case 'aio_sleep_end':
      case 'run_poll_handlers_end':
        return this.#to('awake', time);
      case 'aio_bh_begin':
      case 'aio_handler_begin':
      case 'aio_timer_begin':
        this.callbacks++;
    }
  }
}

/** What LoopScan does not look at. */
const OTHERS = /^(poll_|reentrant|aio_co|qemu_|aio_call|aio_queue|aio_notify_saved|thread_pool_cancel)|(bh|handler|timer)_end$/;

/** Follows the loops by the events of a recording. */
export class LoopScan {
  /** By their contexts. */
  readonly loops = new Map<number, ScannedLoop>();
  /** Requests that run, by their addresses. */
  readonly requests = new Map<number, Request>();
  /** Their work in threads of pools. */
  readonly jobs = new Map<number, Job>();
  /** How often each loop was woken, by what `loop` is in events and then by the context, or thread without one, that did it. */
  readonly wakers = new Map<number, Map<number | string, number>>();
  readonly #isRead: readonly boolean[];
  readonly #threads = new Map<number, string>();

  constructor(private readonly types: readonly EventType[], private readonly start: number) {
    this.#isRead = types.map(({ name }) => !OTHERS.test(name));
  }

  /** Goes through the next events. */
  read(batches: Iterable<Batch>): void {
    for (const { lost, events, count } of batches) {
      if (lost > 0 && count > 0) this.#lost(eventAt(events, 0, this.types));
      for (let at = 0; at < count * EVENT_BYTES; at += EVENT_BYTES) {
        if (this.#isRead[events.getUint16(at + 32, true)]) this.#one(eventAt(events, at, this.types));
      }
    }
  }

  /** The requests of a loop, by their addresses. */
  requestsOf(context: number, { thread }: ScannedLoop): Map<number, Request> {
    return new Map([...this.requests].filter(([, request]) => (request.context === 0 ? request.thread === thread : request.context === context)));
  }

  /** The name of a thread, by its number in events. */
  #threadOf(number: number): string {
    return this.#threads.get(number) ?? `thread ${number}`;
  }

  /** Events of a thread are missing before this one. */
  #lost({ thread, time }: TraceEvent): void {
    const name = this.#threadOf(thread);
    for (const [context, loop] of this.loops) {
      if (loop.thread !== name) continue;
      loop.forget(time);
      for (const address of this.requestsOf(context, loop).keys()) this.requests.delete(address);
    }
    for (const [request, job] of this.jobs) if (job.thread === name) this.jobs.delete(request);
  }

  #one(event: TraceEvent): void {
    const { type, context, object, value, time, name } = event;
    if (type.name === 'aio_trace_thread') this.#threads.set(event.thread, name);
    const thread = this.#threadOf(event.thread);
    switch (type.name) {
      case 'aio_trace_thread':
        return;
      case 'aio_notify_sent': {
        const wakers = this.wakers.get(object) ?? new Map<number | string, number>();
        this.wakers.set(object, wakers);
        const by = context || thread;
        wakers.set(by, (wakers.get(by) ?? 0) + 1);
        return;
      }
      case 'aio_job_begin':
        this.jobs.set(value, { thread, func: object, time });
        return;
      case 'aio_job_end':
        this.jobs.delete(value);
        return;
      case 'thread_pool_submit':
      case 'raw_aio_submit':
        this.requests.set(object, { context, thread, engine: type.name === 'raw_aio_submit' ? name : undefined, time });
        return;
      case 'thread_pool_complete':
      case 'raw_aio_complete':
        this.requests.delete(object);
        return;
    }
    if (context === 0) return;
    let loop = this.loops.get(context);
    // Another context has this address now.
    const isAnother = type.name === 'aio_notify_accept' && loop && loop.loop !== 0 && loop.loop !== object;
    if (!loop || isAnother) this.loops.set(context, (loop = new ScannedLoop(loop?.since ?? this.start)));
    loop.thread = thread;
    if (type.name === 'aio_notify_accept') this.#accept(loop, object);
    else loop.add(event);
  }

  /** The loop has this address of notifications, and so none that had it before exists any more. */
  #accept(loop: ScannedLoop, address: number): void {
    if (loop.loop === address) return;
    for (const other of this.loops.values()) if (other.loop === address) other.loop = -1;
    loop.loop = address;
  }
}
