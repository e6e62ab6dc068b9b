// SPDX-License-Identifier: MIT
/** What a worker file needs. */
export { serve } from './serve.js';
export { proxy, transfer } from './packet.js';
export { release } from './rpc.js';
export type { ServeContext } from './context.js';
export type { Received, Remote, Sent, Served } from './remote.js';
export { AioError, type AioErrorCode } from '../errors.js';
