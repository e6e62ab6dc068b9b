// SPDX-License-Identifier: MIT
/** An event of Chrome's Trace Event Format. Times are in µs. */
export interface ChromeEvent {
  /** The text that viewers show. */
  name: string;
  /** The category, by which viewers filter: `loop`, `call-back`, `coroutine`, `call`, `wake-up`, `io`, `wasi`, `lost`. */
  cat: string;
  /** The phase: X (has a duration), i (a moment), s and f (the ends of an arrow), b and e (a request), M (a name of a track). */
  ph: 'X' | 'i' | 's' | 'f' | 'b' | 'e' | 'M';
  /** When it begins, in µs since the recording began. */
  ts: number;
  /** How long it takes, in µs; only with `ph: 'X'`. */
  dur?: number;
  /** The number of the process: always 1. */
  pid: number;
  /** The number of the track: that of a loop, or of a thread that has none. */
  tid: number;
  /** The number that both ends of an arrow, or of a request, have. */
  id?: number;
  /** `e`: the arrow ends at the slice that encloses this moment. */
  bp?: 'e';
  /** `t`: the moment concerns its track. */
  s?: 't';
  /** Further properties, with the names that they have in core-c/include/aio/trace.h. */
  args?: Record<string, unknown>;
}
