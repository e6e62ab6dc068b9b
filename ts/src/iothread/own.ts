// SPDX-License-Identifier: MIT
/** Imported before the worker by a file of the user's, whose worker this is: see start-worker.ts. */
(globalThis as unknown as Record<symbol, unknown>)[Symbol.for('wasm-aio.own')] = true;
