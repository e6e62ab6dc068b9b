// SPDX-License-Identifier: MIT
/** What every entry of the package exports. */
export { Runtime, type RuntimeOptions } from './runtime/runtime.js';
export { IOThread, type EngineStats, type IOThreadInfo, type IOThreadOptions, type LoopStats } from './api/iothread.js';
export { AioBuffer } from './api/buffer.js';
export { AioFile, type AioEngine, type OpenOptions, type RequestOptions } from './api/file.js';
export type { MadeWorker } from './hosts/host.js';
export { AioError } from './errors.js';
export type { AioErrorCode } from './error-codes.js';
export { doctor } from './doctor/doctor.js';
export { describeFindings, type Finding } from './doctor/finding.js';
