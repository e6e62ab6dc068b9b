// SPDX-License-Identifier: MIT
/** Imported first by entries that the user's worker file imports. It marks the worker as the user's own: see start-worker.ts. */
(globalThis as unknown as Record<symbol, unknown>)[Symbol.for('wasm-aio.own')] = true;
