// SPDX-License-Identifier: MIT
/** The poll_oneoff calls of a program as lanes of a timeline, one for each of its threads that has called it. Times are in µs since the start. */
import type { Trace } from '../../trace/chrome.js';
import { VERSION } from '../../version.js';
import type { WasiHost } from '../../wasi-browser.js';
import { PollTrace } from '../../wasi/poll-trace.js';
import { Lane, POLL } from '../explorer/timeline.js';
import type { Source } from '../explorer/window.js';

/** Records that are kept for saving. */
const MOST = 200_000;

export class Polls implements Source {
  readonly #trace: PollTrace;
  readonly #start: number;
  readonly #lanes = new Map<string, Lane>();
  #end: number | undefined;
  readonly shown = { lanes: [] as Lane[], arrows: [] };
  last = 0;
  /** How many calls have begun, and how many records came too fast to be read. */
  calls = 0;
  lost = 0;

  /** clock: that of the program's threads, in ns. */
  constructor(host: WasiHost, private readonly clock: () => number) {
    this.#trace = PollTrace.withLibc(host, MOST);
    this.#start = clock();
  }

  get now(): number {
    return ((this.#end ?? this.clock()) - this.#start) / 1000;
  }

  read(): void {
    const { lost, records } = this.#trace.read();
    this.lost += lost;
    if (lost > 0) for (const lane of this.shown.lanes) lane.open.length = 0;
    for (const { call, phase, time, thread, name, text } of records) {
      const lane = this.#lane(`${call} ${thread} ${name}`, `${name}, ${call}`);
      const at = (time - this.#start) / 1000;
      if (phase === 'begin') {
        const gone = lane.calls.forget();
        for (const one of lane.open) one.at -= gone;
        lane.open.push({ at: lane.calls.add(at, Infinity, POLL, text), begin: '', object: 0 });
        this.calls++;
        continue;
      }
      const one = lane.open.pop();
      if (!one) continue;
      lane.calls.ends[one.at] = at;
      lane.calls.names[one.at] += ` → ${text}`;
      this.last = at;
    }
  }

  #lane(key: string, name: string): Lane {
    let lane = this.#lanes.get(key);
    if (!lane) {
      this.#lanes.set(key, (lane = new Lane(0, name)));
      this.shown.lanes.push(lane);
    }
    return lane;
  }

  /** The program has ended. Call it before its host is closed. */
  end(): void {
    this.read();
    this.#trace.close();
    this.#end = this.clock();
    for (const lane of this.shown.lanes) for (const { at } of lane.open.splice(0)) lane.calls.ends[at] = this.now;
  }

  /** What is known of the last calls, for Perfetto. */
  save(): Trace {
    this.read();
    const trace: Trace = { traceEvents: [], displayTimeUnit: 'ns', otherData: { lost: 0, events: 0, duration: this.now / 1000, version: VERSION } };
    this.#trace.addTo(trace, this.#start, this.#end ?? this.clock());
    return trace;
  }
}
