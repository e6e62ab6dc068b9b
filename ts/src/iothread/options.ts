// SPDX-License-Identifier: MIT
import { isFunction, isInteger, isSignal, isText, isMs, isURL, optionsOf, type Checks } from '../check.js';
import { AioError } from '../errors.js';
import type { WaitOptions } from '../abort.js';
import type { LoopStats } from '../api/context.js';
import type { MadeWorker } from '../hosts/host.js';
import type { URLLike } from '../platform.js';
import type { IOThreadPointer } from '../runtime/exports.js';
import { refusal, type Instance } from '../runtime/instance.js';
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

/** How an IOThread is started. */
export interface IOThreadStartOptions extends WaitOptions {
  /** ms that its worker may take to start, and its file to call serve(). Default 10,000; Infinity:
   * any time. */
  startTimeout?: number;
}

/** The code of an IOThread: the file that calls serve(), as a worker or to be loaded by one. */
export type IOThreadCode =
  /** Makes the worker, as bundlers know it: `() => new Worker(new URL('./disk.ts',
   * import.meta.url), { type: 'module' })`; in Node one of node:worker_threads. It is this
   * IOThread's own and ends with it. */
  | { worker: () => MadeWorker; module?: undefined }
  /** For files that no bundler touches: a module that the package's own worker imports. */
  | { module: URLLike; worker?: undefined };

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

const isCount = isInteger(0, Number.MAX_SAFE_INTEGER);
const isPoolSize = isInteger(0, 0x7fffffff);

/** @internal */
export const ioThreadChecks: Checks<IOThreadOptions> = {
  pollMaxNs: isCount, pollGrow: isCount, pollShrink: isCount, aioMaxBatch: isCount, threadPoolMin: isPoolSize, threadPoolMax: isInteger(1, 0x7fffffff),
};

/** What starts an IOThread. @internal */
export interface StartOptions extends IOThreadOptions, IOThreadStartOptions {
  worker?: () => MadeWorker;
  module?: URLLike;
}

/** The arguments of iothread(). @internal */
export function startOptions(name: string, options: StartOptions): StartOptions {
  isText('name', name);
  return optionsOf(options, { ...ioThreadChecks, worker: isFunction, module: isURL, signal: isSignal, startTimeout: isMs });
}

/** By their numbers in C: wasm/runtime/iothread.c. */
const properties = ['threadPoolMax', 'threadPoolMin', 'pollMaxNs', 'pollGrow', 'pollShrink', 'aioMaxBatch'] as const;

/** What the options say of the user's code. @internal */
export function codeOf(name: string, { worker, module }: StartOptions): OwnWorker | undefined {
  if (worker && module) {
    throw new AioError('ERR_AIO_INVALID_ARG', `IOThread '${name}': options.worker and options.module are two ways for the same; give one`);
  }
  if (worker) return { make: worker };
  return module && { module: module.href };
}

/** Changes what options name. @internal */
export function setOptions(instance: Instance, pointer: IOThreadPointer, options: IOThreadOptions): void {
  const { exports, memory } = instance;
  const { threadPoolMin, threadPoolMax } = JSON.parse(memory.string(exports.rt_iothread_query(pointer))) as IOThreadInfo;
  const { threadPoolMin: least = threadPoolMin, threadPoolMax: most = threadPoolMax } = options;
  if (least > most) throw new AioError('ERR_AIO_INVALID_ARG', `options.threadPoolMin (${least}) must not be above options.threadPoolMax (${most})`);
  // The maximum first: the minimum is held against it; the other way round where it falls
  // below the minimum that there was.
  const falls = options.threadPoolMax !== undefined && options.threadPoolMax < threadPoolMin;
  for (const n of falls ? [1, 0, 2, 3, 4, 5] : [0, 1, 2, 3, 4, 5]) {
    const value = options[properties[n] as keyof IOThreadOptions];
    if (value !== undefined && !exports.rt_iothread_set(pointer, n, value)) throw refusal(instance, 'the options');
  }
}
