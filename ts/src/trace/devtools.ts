// SPDX-License-Identifier: MIT
import type { Trace } from './chrome.js';

/** The colors of categories; others are tertiary. */
const COLORS: Record<string, string> = { 'call-back': 'primary', coroutine: 'secondary', io: 'secondary-dark', 'wake-up': 'warning', call: 'primary-dark' };

/**
 * Shows a trace in the Performance panel of Chrome's DevTools, if that records: each slice is an entry of
 * performance.measure() in the custom track of its loop.
 * @param began when the recording began, as performance.now() has it, in ms
 */
export function showInDevTools({ traceEvents }: Trace, began: number): void {
  const tracks = new Map(traceEvents.filter(({ ph }) => ph === 'M').map(({ tid, args }) => [tid, String(args?.['name'])]));
  for (const { ph, name, cat, ts, dur = 0, tid, args = {} } of traceEvents) {
    if (ph !== 'X') continue;
    const start = began + ts / 1000;
    const properties = Object.entries(args).map(([key, value]) => [key, String(value)]);
    performance.measure(name, {
      // DevTools has microseconds, and no slices that last none.
      start, end: start + Math.max(dur, 1) / 1000,
      detail: { devtools: { dataType: 'track-entry', trackGroup: 'wasm-aio', track: tracks.get(tid), color: COLORS[cat] ?? 'tertiary', tooltipText: `${name} (${cat})`, properties } },
    });
  }
}
