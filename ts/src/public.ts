// SPDX-License-Identifier: MIT
/** What every entry of the package exports. */
export { Runtime, type RuntimeOptions } from './runtime/runtime.js';
export { IOThread, type IOThreadOptions, type LoopStats } from './api/iothread.js';
export { AioFile } from './api/file.js';
export type { MadeWorker } from './hosts/host.js';
export { AioError, type AioErrorCode } from './errors.js';
export { doctor } from './doctor/doctor.js';
export { describeFindings, type Finding } from './doctor/finding.js';
