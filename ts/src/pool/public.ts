// SPDX-License-Identifier: MIT
/** What the entry `wasm-aio/pool` exports. */
export { Pool, type PoolStats } from './pool.js';
export type { DurationStats } from './durations.js';
export type { PoolOptions, PoolThreads, ResourceLimits, ResultOf, RunOptions, TaskName, TaskOf } from './options.js';
export { tasks, taskSignal, type PoolTasks } from './tasks.js';
export { AioError, type AioErrorCode } from '../errors.js';
