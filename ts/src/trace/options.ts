// SPDX-License-Identifier: MIT
import { isBoolean, isInteger, isNumber, isSignal, type Checks } from '../check.js';
import { AioError } from '../errors.js';
import type { AbortSignalLike } from '../platform.js';

/** Options of {@link Runtime.trace}: when the recording ends, whichever comes first. */
export interface TraceOptions {
  /** How long to record, in ms. Default: until `signal` is aborted, or the runtime is closed or has failed. */
  duration?: number | undefined;
  /** Ends the recording when it is aborted. The promise then resolves with what was recorded. */
  signal?: AbortSignalLike | undefined;
  /** The most events to keep, each 64 bytes; later ones are only counted. Default: a million. */
  maxEvents?: number | undefined;
  /**
   * Also shows the slices in the Performance panel of Chrome's DevTools, if that is recording when the recording ends: each loop
   * has a custom track in the group `wasm-aio`. They are entries of `performance.measure()`, which stay in memory until
   * `performance.clearMeasures()`. Default false.
   */
  devtools?: boolean | undefined;
}

export const traceChecks: Checks<TraceOptions> = {
  duration: isNumber(0, 2 ** 31 - 1, 'a number of ms'),
  signal: isSignal,
  maxEvents: isInteger(1, 2 ** 25),
  devtools: isBoolean,
};

/** Refuses options by which a recording would never end. */
export function assertEnds({ duration, signal }: TraceOptions): void {
  if (duration === undefined && signal === undefined) {
    throw new AioError('ERR_AIO_INVALID_ARG', 'options must have a duration (in ms) or a signal: otherwise the recording would not end');
  }
}
