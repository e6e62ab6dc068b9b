// SPDX-License-Identifier: MIT
import { AioError } from '../errors.js';

/**
 * What left the module otherwise than by a return: a trap, a panic, a thread that leaves, the
 * engine's own stack overflow. C's frames were dropped then, and what they were changing may be
 * half-changed, whoever catches the error.
 */
export interface Escape {
  escaped: { error: unknown } | undefined;
}

type Export = (...args: unknown[]) => unknown;

/**
 * The module's exports, which note in `state` what leaves them. A refusal (an AioError) is none:
 * it comes before anything is changed. What a call-back throws by itself does not get here:
 * Callbacks.call catches it.
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
      // First of all, and without a call: there may be no stack left for one.
      state.escaped ??= { error };
      if (error instanceof AioError) state.escaped = before;
      throw error;
    }
  };
}
