// SPDX-License-Identifier: MIT
/** Where a worker of a guest keeps the function that describes its stack, for node-stacks.ts. */
import { framesOf, type Locate } from '../runtime/death.js';

/** The description of the symbol under which the function is a property of the global object. */
export const STACK = 'wasm-aio.stack';

/** A worker of the package that waits for something to do is in this function. */
const PARKED = 'rt_thread_park';

/** From now on this worker answers, when it is asked for its stack by node-stacks.ts, as a thread of this guest. */
export function answerStack(guest: number, name: () => string, locate: Locate): void {
  (globalThis as Record<symbol, unknown>)[Symbol.for(STACK)] = (asked: number): string | undefined => {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 50;
    const frames = framesOf(new Error().stack ?? '', locate);
    Error.stackTraceLimit = stackTraceLimit;
    return asked !== guest || frames.length === 0 || frames.includes(PARKED) ? undefined : `thread '${name()}' is in ${frames.join(' < ')}`;
  };
}
