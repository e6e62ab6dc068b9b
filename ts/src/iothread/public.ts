// SPDX-License-Identifier: MIT
/** What the entry for worker files exports. */
export { serve, type ServeOptions } from './serve.js';
export { proxy, transfer } from '../wire/marks.js';
export { registerError } from '../wire/register-error.js';
export { release, withOptions } from '../wire/release.js';
export { currentSignal } from './serving.js';
export type { CallOptions, WaitOptions } from '../abort.js';
export { sync } from './sync.js';
export type { AioContext } from '../api/context.js';
export type { Watch } from '../api/watch.js';
export type { BottomHalf } from '../api/bottom-half.js';
export type { Notifier } from '../api/notifier.js';
export type { Pipe } from '../api/pipe.js';
export type { Timer } from '../api/timer.js';
export type { Handle, HandleKind } from '../wire/handle.js';
export type { Received, Remote, RemoteGenerator, Sent, Served, Sync } from './remote.js';
export type { AioErrorCode } from '../error-codes.js';
export { AioError } from '../errors.js';
