// SPDX-License-Identifier: MIT
import { checkThat, isArrayOf, isFunction, isInteger, isMs, isObject, isSignal, isText, isURL, optionsOf, type Check } from '../check.js';
import { AioError } from '../errors.js';
import type { MadeWorker } from '../hosts/host.js';
import type { AbortSignalLike, URLLike } from '../platform.js';
import type { Runtime } from '../whole/runtime.js';
import type { PoolTasks } from './tasks.js';

/** How many threads a pool has. */
export interface PoolThreads {
  /**
   * The threads that are kept although they are idle, and which keep a process alive until the pool is closed. They are
   * started with the first tasks. Default 0.
   */
  min?: number;
  /** The most threads that the pool may have. Default: the number of processors, but `min` at least. */
  max?: number;
}

/** Limits of a worker's JavaScript engine, as Node's class Worker takes them. */
export interface ResourceLimits {
  /** The maximum size of the main heap, in MiB. */
  maxOldGenerationSizeMb?: number;
  /** The maximum size of a heap space for recently created objects, in MiB. */
  maxYoungGenerationSizeMb?: number;
  /** The size of a memory range used for generated code, in MiB. */
  codeRangeSizeMb?: number;
  /** The maximum size of the stack, in MiB. */
  stackSizeMb?: number;
}

/** Options of {@link Pool}. Give either `module` or `worker`. */
export interface PoolOptions {
  /**
   * The address of your file, an ES module that exports functions: `default`, and others by their names. In a program that a
   * bundler makes, use `worker`: bundlers do not bundle the file that is named here.
   */
  module?: URLLike;
  /**
   * Creates a worker that runs your file, in the form that bundlers recognise:
   * `() => new Worker(new URL('./tasks.ts', import.meta.url), { type: 'module' })`. The file calls `serve(tasks({ … }))`.
   */
  worker?: () => MadeWorker;
  /** How many threads there are. */
  threads?: PoolThreads;
  /** After so many ms without a task a thread is ended, if there are more than `threads.min`. Default 10,000; Infinity: never. */
  idleTimeout?: number;
  /** The most tasks that wait for a thread; a further run() rejects with ERR_AIO_QUEUE_FULL. Default Infinity. */
  maxQueue?: number;
  /** How many tasks run in a thread at the same time, which makes sense for those that wait for something. Default 1. */
  tasksPerThread?: number;
  /** The longest time, in ms, that a task may run, unless run() is given another one. Default Infinity. */
  timeout?: number;
  /**
   * How long a task that was aborted, or whose time is up, may go on, in ms, before its thread is terminated and replaced. It
   * learns of it by {@link taskSignal}. Default 100; 0: the thread is terminated at once.
   */
  terminateAfter?: number;
  /** Limits of memory for each worker, with `module` in Node; elsewhere ERR_AIO_UNSUPPORTED. */
  resourceLimits?: ResourceLimits;
  /** The runtime that the threads belong to; it stays open when the pool is closed. Default: one of the pool's own. */
  runtime?: Runtime;
  /** A name for messages; the threads are called by it and a number. Default `pool`. */
  name?: string;
}

/** Options of {@link Pool.run}. */
export interface RunOptions {
  /** Takes the task back if it has not begun, and ends it if it runs; run() rejects with the signal's reason. */
  signal?: AbortSignalLike | undefined;
  /** Objects that are moved to the thread instead of copied. */
  transfer?: object[] | undefined;
  /** Tasks of a higher priority come first: each step is worth 64 places in the queue. From -1,000 to 1,000; default 0. */
  priority?: number | undefined;
  /** The longest time, in ms, that the task may run once it has begun. Default: that of the pool. */
  timeout?: number | undefined;
  /** The name of the function. Default `default`. */
  name?: string | undefined;
}

/** The functions of what a pool's workers serve: the exports of a module, or the object given to {@link tasks}. */
type FunctionsOf<Api> = Api extends PoolTasks<infer T> ? T : Api;

/** The names of a pool's functions. */
export type TaskName<Api> = unknown extends Api ? string
  : { [K in keyof FunctionsOf<Api>]: FunctionsOf<Api>[K] extends (task: never) => unknown ? K : never }[keyof FunctionsOf<Api>] & string;

/** The parameter of one of a pool's functions. */
export type TaskOf<Api, Name> = unknown extends Api ? unknown
  : Name extends keyof FunctionsOf<Api> ? (FunctionsOf<Api>[Name] extends () => unknown ? void : FunctionsOf<Api>[Name] extends (task: infer T) => unknown ? T : never) : never;

/** What one of a pool's functions returns, when it is there. */
export type ResultOf<Api, Name> = unknown extends Api ? unknown
  : Name extends keyof FunctionsOf<Api> ? (FunctionsOf<Api>[Name] extends (task: never) => infer R ? Awaited<R> : never) : never;

const isCount = (min: number): Check => isInteger(min, 1024);
const isLength = checkThat('an integer that is not negative, or Infinity', (value) => value === Infinity || (Number.isSafeInteger(value) && (value as number) >= 0));
const isSize = checkThat('a positive number of MiB', (value) => typeof value === 'number' && value > 0 && value < Infinity);
const isRuntime = checkThat('a Runtime', (value) => typeof (value as Runtime).iothread === 'function');

/** The options of a pool, with their defaults. */
export interface CheckedOptions extends Required<Omit<PoolOptions, 'module' | 'worker' | 'runtime' | 'resourceLimits' | 'threads'>> {
  source: { module: URLLike } | { worker: () => MadeWorker };
  min: number;
  max: number;
  resourceLimits: ResourceLimits | undefined;
  runtime: Runtime | undefined;
}

const refuse = (why: string): never => {
  throw new AioError('ERR_AIO_INVALID_ARG', why);
};

/** Checks the options of a pool. cpus: how many processors there are. */
export function poolOptions(options: PoolOptions, cpus: number): CheckedOptions {
  const { module, worker, runtime, resourceLimits, threads, ...rest } = optionsOf<PoolOptions>(options, {
    module: isURL, worker: isFunction, threads: isObject, idleTimeout: isMs, maxQueue: isLength, tasksPerThread: isInteger(1, 32),
    timeout: isMs, terminateAfter: isMs, resourceLimits: isObject, runtime: isRuntime, name: isText,
  });
  const { min = 0, max = Math.max(min, cpus) } = optionsOf<PoolThreads>(threads ?? {}, { min: isCount(0), max: isCount(1) }, 'options.threads');
  if (min > max) refuse(`options.threads.min (${min}) must not be above options.threads.max (${max})`);
  if (module && worker) refuse('options.module and options.worker exclude each other; give one of them');
  const source = module ? { module } : worker ? { worker } : refuse('options.module or options.worker is needed: your file with the functions');
  const limits = resourceLimits && optionsOf<ResourceLimits>(resourceLimits, {
    maxOldGenerationSizeMb: isSize, maxYoungGenerationSizeMb: isSize, codeRangeSizeMb: isSize, stackSizeMb: isSize,
  }, 'options.resourceLimits');
  if (limits && worker) refuse('options.resourceLimits goes with options.module; a worker of your own gets it where you make it: new Worker(file, { resourceLimits })');
  return {
    idleTimeout: 10_000, maxQueue: Infinity, tasksPerThread: 1, timeout: Infinity, terminateAfter: 100, name: 'pool', ...rest,
    source, min, max, resourceLimits: limits, runtime,
  };
}

/** Checks the options of run(). */
export const runOptions = (options: RunOptions): RunOptions => optionsOf(options, {
  signal: isSignal, transfer: isArrayOf(isObject, 'transferable objects'), priority: isInteger(-1000, 1000), timeout: isMs, name: isText,
});
