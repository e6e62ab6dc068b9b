// SPDX-License-Identifier: MIT
export { Runtime, type RuntimeOptions } from './runtime/runtime.js';
export { IOThread, type IOThreadOptions, type LoopStats } from './api/iothread.js';
export { AioFile } from './api/file.js';
export { AioError, type AioErrorCode } from './errors.js';
