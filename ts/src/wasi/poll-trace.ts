// SPDX-License-Identifier: MIT
/** The poll_oneoff calls of a guest in a trace. */
import type { Trace } from '../trace/chrome.js';
import type { ChromeEvent } from '../trace/chrome-event.js';
import { eventAt } from '../trace/event.js';
import { EVENT_BYTES, Recording } from '../trace/recording.js';
import type { PollLog, PollRecord } from './poll-log.js';
import type { WasiHost } from './wasi-host.js';

/** Keeps the newest calls of a guest. Owner only. */
export class PollTrace {
  readonly #kept: PollRecord[] = [];
  /** The trace of a program that aiocc has built, in which the calls of its libc are. */
  #recording: Recording | undefined;
  /** The names of its threads, by their numbers there. */
  readonly #names = new Map<number, string>();
  /** How many records were overwritten before they were read, or had no place. */
  #lost = 0;

  private constructor(private readonly log: PollLog, private readonly most: number) {}

  /**
   * Has the poll_oneoff calls of a guest recorded that does not run yet. most: so many records are kept; the oldest have to go.
   */
  static of(host: WasiHost, most: number): PollTrace {
    return new PollTrace(host.logPolls(), most);
  }

  /** The same, and the calls of poll() and select() in libc, whose trace nobody else reads. Call close() before the host is closed. */
  static withLibc(host: WasiHost, most: number): PollTrace {
    const trace = PollTrace.of(host, most);
    host.whenCore = (core) => void (trace.#recording = Recording.of(core, core.instance.exports.rt_trace_start?.()));
    return trace;
  }

  /** Reads the records that were written since the last call: of each thread in their order. */
  read(): { lost: number; records: PollRecord[] } {
    const { lost, records } = this.log.read();
    const all = { lost, records: [...records, ...this.#ofLibc()] };
    this.#kept.push(...all.records);
    this.#lost += lost;
    if (this.#kept.length > this.most) this.#lost += this.#kept.splice(0, this.#kept.length - this.most).length;
    return all;
  }

  *#ofLibc(): Generator<PollRecord> {
    if (!this.#recording) return;
    const { types } = this.#recording;
    for (const { events, count } of this.#recording.read()) {
      for (let n = 0; n < count; n++) {
        const { type, thread, name, time, object, value } = eventAt(events, n * EVENT_BYTES, types);
        if (type.name === 'aio_trace_thread') this.#names.set(thread, name);
        const phase = { libc_poll_begin: 'begin', libc_poll_end: 'end' }[type.name] as PollRecord['phase'] | undefined;
        if (!phase) continue;
        const clock = phase === 'begin' ? (value < 0 ? '' : `clock ${Number((value / 1e6).toPrecision(3))} ms`) : value === 0 ? 'clock' : '';
        yield {
          call: 'poll', phase, time, thread, name: this.#names.get(thread) || `thread ${thread}`, count: phase === 'begin' ? object : value,
          text: [name, clock].filter(Boolean).join(', '),
        };
      }
    }
  }

  /** Ends what was begun in the module. */
  close(): void {
    this.read();
    this.#recording?.close();
    this.#recording = undefined;
  }

  /** Whether no call was recorded. */
  get isEmpty(): boolean {
    return this.#kept.length === 0;
  }

  /**
   * Adds the calls to a trace that began and ended at these times, in ns, each on the track of its thread: the thread's only track, or a new one.
   */
  addTo(trace: Trace, start: number, end: number): void {
    const { traceEvents, otherData } = trace;
    const tracks = traceEvents.filter(({ ph }) => ph === 'M').map(({ tid, args }): [number, string] => [tid, String(args?.['name'])]);
    let last = Math.max(0, ...tracks.map(([tid]) => tid));
    const added: ChromeEvent[] = [];
    const threads = new Map<string, { tid: number; open?: ChromeEvent | undefined }>();
    const keyOf = ({ call, thread, name }: PollRecord): string => `${call} ${thread} ${name}`;
    const names = new Map(this.#kept.map((record) => [keyOf(record), record.name]));
    for (const [key, name] of names) {
      // The track of a thread with one context has its name, too.
      const own = tracks.filter(([, track]) => track === name || track.startsWith(`${name}, context `));
      const isOnly = own.length === 1 && [...names.values()].filter((other) => other === name).length === 1;
      const tid = isOnly ? own[0]![0] : ++last;
      if (!isOnly) traceEvents.unshift({ name: 'thread_name', cat: '__metadata', ph: 'M', ts: 0, pid: 1, tid, args: { name } });
      threads.set(key, { tid });
    }
    for (const record of this.#kept) {
      const thread = threads.get(keyOf(record))!;
      const ts = Math.max((record.time - start) / 1000, 0);
      if (record.phase === 'begin') {
        thread.open = { name: record.call, cat: 'wasi', ph: 'X', ts, dur: Math.max(end - record.time, 0) / 1000, pid: 1, tid: thread.tid, args: { subscriptions: record.count, waits: record.text, unfinished: true } };
        added.push(thread.open);
      } else if (thread.open) {
        const { args: { unfinished: _, ...args } = {} } = thread.open;
        Object.assign(thread.open, { dur: ts - thread.open.ts, args: { ...args, events: record.count, ready: record.text } });
        thread.open = undefined;
      }
    }
    const isName = ({ ph }: ChromeEvent): number => Number(ph !== 'M');
    trace.traceEvents = [...traceEvents, ...added].sort((a, b) => isName(a) - isName(b) || a.ts - b.ts);
    otherData.events += this.#kept.length;
    otherData.lost += this.#lost;
  }
}
