// SPDX-License-Identifier: MIT
import { AioError } from '../errors.js';
import type { MadeWorker } from '../hosts/host.js';
import type { IOThreadPointer } from '../runtime/exports.js';
import { cString } from '../runtime/instance.js';
import type { Runtime } from '../runtime/runtime.js';
import type { OwnWorker } from '../runtime/threads.js';

/** As QMP's object-add iothread. */
export interface IOThreadOptions {
  /** ns that its loop polls before it sleeps, at most; 0: not at all. Default 32768. */
  pollMaxNs?: number;
  /** The factor by which polling grows; 0: 2. */
  pollGrow?: number;
  /** The divisor by which it shrinks; 0: back to nothing. */
  pollShrink?: number;
  /** Requests that an engine submits at once; 0: its own default. */
  aioMaxBatch?: number;
  /** Threads that its pool keeps although they have nothing to do. Default 0. */
  threadPoolMin?: number;
  /** Threads that its pool has at most. Default: twice the processors. */
  threadPoolMax?: number;
}

/** The code of an IOThread: the file that calls serve(), as a worker or to be loaded by one. */
export type IOThreadCode =
  /** Makes the worker, as bundlers know it: `() => new Worker(new URL('./disk.ts',
   * import.meta.url), { type: 'module' })`; in Node one of node:worker_threads. It is this
   * IOThread's own and ends with it. */
  | { worker: () => MadeWorker; module?: undefined }
  /** For files that no bundler touches: a module that the package's own worker imports. */
  | { module: URL; worker?: undefined };

/** What a loop did since it was made. */
export interface LoopStats {
  /** Iterations. */
  polls: number;
  /** Of which slept. */
  sleeps: number;
  /** Call-backs run. */
  bottomHalves: number;
  handlers: number;
  timers: number;
  /** Requests completed, whichever engine served them. */
  jobs: number;
  /** Notifications that had to wake the loop, and those that had not: it was
   * awake. The second is approximate. */
  wakeupsSent: number;
  wakeupsSaved: number;
  /** Times that polling spared a sleep, and times that it did not. */
  pollHits: number;
  pollMisses: number;
}

/** What {@link Runtime.iothreads} tells of one, as QMP's query-iothreads. */
export interface IOThreadInfo extends Required<IOThreadOptions> {
  name: string;
  /** Its thread's number in Runtime.dump(). */
  threadId: number;
  stats: LoopStats;
}

/** What an engine did. */
export interface EngineStats {
  /** Requests handed over, in how many batches, and the wake-ups of the other
   * thread that this took: none while it is awake. */
  requests: number;
  submissions: number;
  kicks: number;
  largestBatch: number;
}

/** The maximum first: the minimum is held against it; the other way round where it falls
 * below the minimum that there was. */
const properties = [
  ['threadPoolMax', 'thread-pool-max'],
  ['threadPoolMin', 'thread-pool-min'],
  ['pollMaxNs', 'poll-max-ns'],
  ['pollGrow', 'poll-grow'],
  ['pollShrink', 'poll-shrink'],
  ['aioMaxBatch', 'aio-max-batch'],
] as const;

/** What the options say of the user's code. @internal */
export function codeOf(name: string, { worker, module }: Partial<IOThreadCode>): OwnWorker | undefined {
  const refuse = (why: string): never => {
    throw new AioError('ERR_AIO_INVALID_ARG', `IOThread '${name}': ${why}`);
  };
  if (worker === undefined && module === undefined) return undefined;
  if (worker !== undefined && module !== undefined) refuse('worker and module are two ways for the same; give one');
  if (typeof worker === 'function') return { make: worker };
  if (Object.prototype.toString.call(module) === '[object URL]') return { module: (module as URL).href };
  return worker !== undefined
    ? refuse(`worker must be a function that returns a new Worker, not ${String(worker)}`)
    : refuse(`module must be a URL (new URL('./file.js', import.meta.url)), not ${String(module)}`);
}

/** Changes what options name. @internal */
export function setOptions(runtime: Runtime, pointer: IOThreadPointer, options: IOThreadOptions): void {
  const { exports, memory } = runtime.instance;
  const { threadPoolMin } = JSON.parse(memory.string(exports.rt_iothread_query(pointer))) as IOThreadInfo;
  const [max, min, ...others] = properties;
  const falls = options.threadPoolMax !== undefined && options.threadPoolMax < threadPoolMin;
  for (const [key, name] of falls ? [min, max, ...others] : properties) {
    const value = options[key];
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value)) {
      throw new AioError('ERR_AIO_INVALID_ARG', `${key} must be an integer, not ${String(value)}`);
    }
    const text = cString(runtime.instance, name);
    const ok = exports.rt_iothread_set(pointer, text, value);
    exports.free(text);
    if (!ok) throw new AioError('ERR_AIO_INVALID_ARG', memory.string(exports.rt_error_text()));
  }
}
