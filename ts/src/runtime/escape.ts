// SPDX-License-Identifier: MIT
import { AioError } from '../errors.js';

/**
 * Remembers what has left the module other than by a return: a trap, a panic, a thread that leaves, or an overflow of
 * the engine's stack. The frames of C are lost then, and the data that they were changing may be inconsistent,
 * whoever catches the error.
 */
export interface Escape {
  escaped: { error: unknown } | undefined;
}

type Export = (...args: unknown[]) => unknown;

/**
 * Wraps the module's exports, so that `state` remembers what is thrown out of them. A refusal (an AioError) is not
 * remembered, because it comes before anything is changed. What a call-back throws does not get here:
 * Callbacks.call() catches it.
 */
export function noteEscapes(exports: WebAssembly.Exports, state: Escape): WebAssembly.Exports {
  const watched: WebAssembly.Exports = {};
  for (const [name, value] of Object.entries(exports)) {
    watched[name] = typeof value === 'function' ? watch(value as Export, state) : value;
  }
  return watched;
}

function watch(work: Export, state: Escape): Export {
  return (...args) => {
    const before = state.escaped;
    try {
      return work(...args);
    } catch (error) {
      // This comes first and calls nothing, because there may be no stack left for a call.
      state.escaped ??= { error };
      if (error instanceof AioError) state.escaped = before;
      throw error;
    }
  };
}
