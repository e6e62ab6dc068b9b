// SPDX-License-Identifier: MIT
import { isFunction, isInteger, isSignal, isText, isMs, isURL, optionsOf, type Checks } from '../check.js';
import { AioError } from '../errors.js';
import type { WaitOptions } from '../abort.js';
import type { LoopStats } from '../api/loop-stats.js';
import type { MadeWorker } from '../hosts/host.js';
import type { URLLike } from '../platform.js';
import type { IOThreadPointer } from '../runtime/exports.js';
import { refusal, type Instance } from '../runtime/instance.js';
import type { OwnWorker } from '../runtime/threads.js';

/**
 * Properties of an IOThread, as QEMU's `-object iothread` has them. {@link IOThread.set} changes them while it runs.
 */
export interface IOThreadOptions {
  /**
   * The longest time, in nanoseconds, that the loop polls for work before it sleeps (`poll-max-ns`). 0 disables
   * polling. Default 32768.
   */
  pollMaxNs?: number;
  /**
   * The factor by which the polling time grows when a longer poll would have found work (`poll-grow`). Default 0,
   * which means 2.
   */
  pollGrow?: number;
  /**
   * The divisor by which the polling time shrinks when polling found nothing (`poll-shrink`). Default 0: it falls to
   * zero.
   */
  pollShrink?: number;
  /** The most file requests that an engine submits at once (`aio-max-batch`). Default 0: the engine's own default. */
  aioMaxBatch?: number;
  /** The number of thread-pool threads that are kept although they are idle (`thread-pool-min`). Default 0. */
  threadPoolMin?: number;
  /** The most threads that the thread pool may have (`thread-pool-max`). Default: twice the number of processors. */
  threadPoolMax?: number;
}

/** Options of {@link Runtime.iothread} for starting the IOThread. An aborted `signal` ends the start. */
export interface IOThreadStartOptions extends WaitOptions {
  /**
   * The longest time, in milliseconds, that the worker may take to start and its file to call serve(). Default
   * 10,000; Infinity means no limit.
   */
  startTimeout?: number;
}

/** Your code for an IOThread: a file that calls serve(), given either as a worker that runs it or as a module. */
export type IOThreadCode =
  | {
    /**
     * Creates the worker that runs your file, in the form that bundlers recognise:
     * `() => new Worker(new URL('./disk.ts', import.meta.url), { type: 'module' })`. In Node, Worker is that of
     * node:worker_threads; Deno and Bun have both kinds. The worker belongs to the IOThread and ends with it.
     */
    worker: () => MadeWorker;
    /** Must be absent where `worker` is given. */
    module?: undefined;
  }
  | {
    /** The address of your file, an ES module that no bundler has to find; the package's own worker imports it. */
    module: URLLike;
    /** Must be absent where `module` is given. */
    worker?: undefined;
  };

/**
 * The properties and counters of one IOThread, as {@link Runtime.iothreads} and QMP's `query-iothreads` report them.
 */
export interface IOThreadInfo extends Required<IOThreadOptions> {
  /** The IOThread's name, as it was given to {@link Runtime.iothread} (`id` in QMP). */
  name: string;
  /** The number of its thread in {@link Runtime.dump} (`thread-id` in QMP). */
  threadId: number;
  /** The counters of its loop since the IOThread was started. */
  stats: LoopStats;
}

/** Counters of one file engine in one IOThread, since it was first used there. */
export interface EngineStats {
  /** Requests that the engine has submitted (`sync`: carried out). */
  requests: number;
  /** Batches in which it has submitted them. */
  submissions: number;
  /** Times that a submission had to wake up the thread that carries out the requests; while that is awake, none is needed. */
  kicks: number;
  /** The number of requests in the largest batch. */
  largestBatch: number;
}

const isCount = isInteger(0, Number.MAX_SAFE_INTEGER);
const isPoolSize = isInteger(0, 0x7fffffff);

/** @internal */
export const ioThreadChecks: Checks<IOThreadOptions> = {
  pollMaxNs: isCount, pollGrow: isCount, pollShrink: isCount, aioMaxBatch: isCount, threadPoolMin: isPoolSize, threadPoolMax: isInteger(1, 0x7fffffff),
};

/** All options of iothread(). @internal */
export interface StartOptions extends IOThreadOptions, IOThreadStartOptions {
  worker?: () => MadeWorker;
  module?: URLLike;
}

/** Checks the arguments of iothread(). @internal */
export function startOptions(name: string, options: StartOptions): StartOptions {
  isText('name', name);
  return optionsOf(options, { ...ioThreadChecks, worker: isFunction, module: isURL, signal: isSignal, startTimeout: isMs });
}

/** The properties, in the order of their numbers in C (wasm/runtime/iothread.c). */
const properties = ['threadPoolMax', 'threadPoolMin', 'pollMaxNs', 'pollGrow', 'pollShrink', 'aioMaxBatch'] as const;

/** The user's code that the options name; undefined if they name none. @internal */
export function codeOf(name: string, { worker, module }: StartOptions): OwnWorker | undefined {
  if (worker && module) {
    throw new AioError('ERR_AIO_INVALID_ARG', `IOThread '${name}': options.worker and options.module exclude each other; give one of them`);
  }
  if (worker) return { make: worker };
  return module && { module: module.href };
}

/** Changes the properties that the options name. @internal */
export function setOptions(instance: Instance, pointer: IOThreadPointer, options: IOThreadOptions): void {
  const { exports, memory } = instance;
  const { threadPoolMin, threadPoolMax } = JSON.parse(memory.string(exports.rt_iothread_query(pointer))) as IOThreadInfo;
  const { threadPoolMin: least = threadPoolMin, threadPoolMax: most = threadPoolMax } = options;
  if (least > most) throw new AioError('ERR_AIO_INVALID_ARG', `options.threadPoolMin (${least}) must not be above options.threadPoolMax (${most})`);
  // C checks each limit against the other one. So the maximum is set first, unless it is lower than the old minimum.
  const falls = options.threadPoolMax !== undefined && options.threadPoolMax < threadPoolMin;
  for (const n of falls ? [1, 0, 2, 3, 4, 5] : [0, 1, 2, 3, 4, 5]) {
    const value = options[properties[n] as keyof IOThreadOptions];
    if (value !== undefined && !exports.rt_iothread_set(pointer, n, value)) throw refusal(instance, 'the options');
  }
}
