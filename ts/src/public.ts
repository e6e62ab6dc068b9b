// SPDX-License-Identifier: MIT
/** What each main entry of the package exports. */
export { Runtime } from './whole/runtime.js';
export type { RuntimeOptions } from './runtime/runtime-options.js';
export type { Closed, CloseOptions } from './runtime/closed.js';
export { IOThread } from './iothread/iothread.js';
export type { EngineStats, IOThreadCode, IOThreadInfo, IOThreadOptions, IOThreadStartOptions } from './iothread/options.js';
export { proxy, transfer } from './wire/marks.js';
export { registerError } from './wire/register-error.js';
export { release, withOptions } from './wire/release.js';
export { currentSignal } from './iothread/serving.js';
export type { Received, Remote, RemoteGenerator, Sent, Served } from './iothread/remote.js';
export { AioContext } from './api/context.js';
export type { LoopStats } from './api/loop-stats.js';
export type { Trace } from './trace/chrome.js';
export type { ChromeEvent } from './trace/chrome-event.js';
export type { Metrics, MetricFamily, MetricSample } from './whole/metrics.js';
export type { SlowCallback, SlowCallbacks } from './whole/slow-callbacks.js';
export type { TraceOptions } from './trace/options.js';
export { Watch } from './api/watch.js';
export { BottomHalf } from './api/bottom-half.js';
export { Notifier } from './api/notifier.js';
export { Pipe } from './api/pipe.js';
export { Timer } from './api/timer.js';
export type { Handle, HandleKind } from './wire/handle.js';
export { AioBuffer } from './api/buffer.js';
export {
  AioFile, type AioEngine, type FileExtent, type OpenOptions, type RequestOptions, type WriteOptions, type WriteZeroesOptions,
} from './api/file.js';
export type { CallOptions, WaitOptions } from './abort.js';
export type { FileStat, MadeWorker, TlsOptions } from './hosts/host.js';
export type { AbortSignalLike, URLLike } from './platform.js';
export { AioError, type AioErrorCode } from './errors.js';
export { doctor } from './doctor/load.js';
export { describeFindings } from './doctor/describe.js';
export type { Finding } from './doctor/finding.js';
