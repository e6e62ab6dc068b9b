// SPDX-License-Identifier: MIT
import type * as workers from 'node:worker_threads';
import { onAbort } from '../abort.js';
import { AioError, closedError, messageOf } from '../errors.js';
import { showAs } from '../face.js';
import { isNode } from '../hosts/detect.js';
import type { MadeWorker } from '../hosts/host.js';
import type { IOThread } from '../iothread/iothread.js';
import type { Runtime } from '../whole/runtime.js';
import { Durations, type DurationStats } from './durations.js';
import { poolOptions, runOptions, type CheckedOptions, type PoolOptions, type ResultOf, type RunOptions, type TaskName, type TaskOf } from './options.js';
import { TaskQueue } from './queue.js';
import { clock } from './tasks.js';
import { notLoaded, PoolThread, type Place, type Task } from './thread.js';

/** What a pool has done and is doing; all times are in milliseconds. */
export interface PoolStats {
  /** The number of threads that take tasks. */
  threads: number;
  /** The number of threads that are being started. */
  starting: number;
  /** The number of tasks that wait in the queue. */
  queued: number;
  /** The number of tasks that were sent to a thread and not answered yet. */
  running: number;
  /** The number of tasks that have returned a result. */
  completed: number;
  /** The number of tasks that have failed, were aborted, or took too long. */
  failed: number;
  /** The number of threads that were terminated or lost. */
  replaced: number;
  /** How long tasks ran in their thread. */
  runTime: DurationStats;
  /** How long tasks waited from run() until they began. */
  waitTime: DurationStats;
  /** The part of its threads' lifetime in which they ran tasks, from 0 to 1. */
  utilization: number;
}

/** The file that IOThreads import for `module`. */
const workerModule = new URL('./worker.js', import.meta.url);

const isRealNode = (): boolean => isNode() && !('Deno' in globalThis) && !('Bun' in globalThis);
const cpus = (): number => (globalThis as { navigator?: { hardwareConcurrency?: number } }).navigator?.hardwareConcurrency ?? 0;

/** After so many threads in a row that have ended before they began any of their tasks, those tasks are not given to another one. */
const BARREN = 3;

/** Waits for something that a pool comes to. */
interface Waiting {
  until(): boolean;
  done(): void;
}

/**
 * A pool of IOThreads that run tasks: calls of functions in your file. A task goes to the thread with the fewest, and waits
 * in a queue while all are busy. Api is the type of the file's exports, or of the object that {@link tasks} returns in it:
 * `new Pool<Api>({ module: new URL('./tasks.js', import.meta.url) })`.
 */
export class Pool<Api = unknown> {
  readonly #options: CheckedOptions;
  readonly #queue = new TaskQueue<Task>();
  readonly #threads = new Set<PoolThread>();
  #starting = 0;
  #names = 0;
  #runtime: Promise<Runtime> | undefined;
  #closing: Promise<void> | undefined;
  #over = false;
  /** Tasks that are not settled. */
  #open = 0;
  /** How many threads in a row have ended before they began any of their tasks. */
  #barren = 0;
  readonly #waiting: Waiting[] = [];
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #counts = { completed: 0, failed: 0, replaced: 0 };
  readonly #runTime = new Durations();
  readonly #waitTime = new Durations();
  /** The lifetimes of threads that have ended, in ms. */
  #lived = 0;

  /**
   * Makes a pool, whose threads are started when there are tasks for them.
   * @throws AioError ERR_AIO_INVALID_ARG; ERR_AIO_UNSUPPORTED: `resourceLimits` elsewhere than in Node
   */
  constructor(options: PoolOptions) {
    const checked = (this.#options = poolOptions(options, Math.max(1, cpus() || 4)));
    if (checked.resourceLimits && !isRealNode()) throw new AioError('ERR_AIO_UNSUPPORTED', 'options.resourceLimits: only Node limits the memory of a worker');
  }

  /**
   * Runs a task: calls the function `options.name` of your file with it in one of the threads, and resolves with the result.
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_QUEUE_FULL (see `maxQueue`), ERR_AIO_TIMEOUT (it ran for too long),
   * ERR_AIO_THREAD_LOST (its thread has failed while it ran, or several before they began it), ERR_AIO_CLOSED; the task's own error;
   * the signal's reason
   */
  async run<Name extends TaskName<Api>>(task: TaskOf<Api, Name>, options: RunOptions & {
    /** The name of the function. */
    name: Name;
  }): Promise<ResultOf<Api, Name>>;
  /**
   * Runs a task: calls the default function of your file with it in one of the threads, and resolves with the result.
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_QUEUE_FULL (see `maxQueue`), ERR_AIO_TIMEOUT (it ran for too long),
   * ERR_AIO_THREAD_LOST (its thread has failed while it ran, or several before they began it), ERR_AIO_CLOSED; the task's own error;
   * the signal's reason
   */
  async run(task: TaskOf<Api, 'default'>, options?: RunOptions & {
    /** Absent for the default function. */
    name?: undefined;
  }): Promise<ResultOf<Api, 'default'>>;
  run(value: unknown, options?: RunOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { name = 'default', priority = 0, timeout = this.#options.timeout, transfer, signal }: RunOptions = options === undefined ? {} : runOptions(options);
      if (this.#closing) throw this.#closed();
      signal?.throwIfAborted();
      const thread = this.#queue.length === 0 ? this.#freest(transfer !== undefined) : undefined;
      if (!thread && this.#queue.length >= this.#options.maxQueue) {
        throw new AioError('ERR_AIO_QUEUE_FULL', `${this.#options.name}: ${this.#queue.length} tasks wait already (maxQueue); await room() before run()`);
      }
      const task: Task = { key: 0, name, value, priority, timeout, transfer, since: clock(), resolve, reject, at: undefined, settled: false };
      if (signal) {
        task.ignore = onAbort(signal, () => this.#stop(task, signal.reason));
      }
      this.#open++;
      if (thread) thread.send(task);
      else {
        this.#queue.push(task);
        this.#startMore();
      }
    });
  }

  #closed(): AioError {
    return closedError(`the pool '${this.#options.name}'`);
  }

  /** The thread with the fewest tasks that has room for one more; undefined: none has. */
  #freest(now: boolean): PoolThread | undefined {
    let best: PoolThread | undefined;
    for (const thread of this.#threads) {
      if (thread.isReady && thread.room > 0 && (!now || thread.isFree) && (!best || thread.load < best.load)) best = thread;
    }
    return best;
  }

  /** Sends tasks to the threads that have room, and lets those that are idle help the others. */
  #pump(start = true): void {
    for (let next = this.#queue.first; next; next = this.#queue.first) {
      const thread = this.#freest(next.transfer !== undefined);
      if (!thread) break;
      this.#queue.shift();
      thread.send(next);
    }
    if (this.#queue.length === 0) this.#share();
    if (start) this.#startMore();
    for (const waiting of this.#waiting.filter(({ until }) => until())) {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      waiting.done();
    }
    this.#watchIdle();
  }

  #share(): void {
    for (const idle of this.#threads) {
      if (!idle.isReady || idle.load > 0) continue;
      for (const busy of this.#threads) {
        const task = busy.giveUpOne();
        if (!task) continue;
        idle.send(task);
        break;
      }
    }
  }

  #settle(task: Task, how: 'resolve' | 'reject', value: unknown): void {
    if (task.settled) return;
    task.settled = true;
    this.#open--;
    task.ignore?.();
    this.#counts[how === 'resolve' ? 'completed' : 'failed']++;
    task[how](value);
  }

  #answered(place: Place, failed: boolean, result: unknown, ran: number | undefined): void {
    const { task, thread } = place;
    if (ran !== undefined) {
      this.#barren = 0;
      this.#runTime.add(ran);
      this.#waitTime.add(thread.waitOf(place));
    }
    // A thread that has ended before the task began did not run it, so another one may.
    const again = failed && ran === undefined && !task.transfer && !task.settled && !this.#over
      && result instanceof AioError && (result.code === 'ERR_AIO_THREAD_LOST' || result.code === 'ERR_AIO_CLOSED');
    if (again) this.#end(thread, [task], result);
    else if (failed && ran === undefined && !(result instanceof AioError)) {
      this.#settle(task, 'reject', new AioError('ERR_AIO_INVALID_ARG', `task cannot be sent to a thread: ${messageOf(result)}`, { cause: result }));
    } else this.#settle(task, failed ? 'reject' : 'resolve', result);
    this.#pump();
  }

  /** Ends a task, wherever it is. */
  #stop(task: Task, reason: unknown): void {
    const { at } = task;
    this.#queue.remove(task);
    const hasBegun = at && !at.thread.takeBack(at);
    this.#settle(task, 'reject', reason);
    if (hasBegun) {
      const { terminateAfter } = this.#options;
      clearTimeout(at.timer);
      const replace = (): void => {
        if (at.thread.doom(at)) this.#replace(at.thread);
      };
      if (terminateAfter === 0) replace();
      else {
        at.thread.abort(at, reason);
        if (terminateAfter < 2 ** 31) at.timer = setTimeout(replace, terminateAfter);
      }
    }
    this.#pump();
  }

  // ---- Threads

  #startMore(): void {
    const { min, max } = this.#options;
    if (this.#over || this.#open === 0) return;
    while (this.#threads.size < max && (this.#threads.size < min || this.#queue.length > this.#starting)) {
      const thread = new PoolThread(`${this.#options.name} ${this.#names++}`, this.#options.tasksPerThread, { answered: (...of) => this.#answered(...of) });
      thread.whenOverdue = ({ task }) => this.#stop(task, new AioError('ERR_AIO_TIMEOUT', `the task '${task.name}' ran for longer than ${task.timeout} ms (timeout; ${thread.name})`));
      this.#threads.add(thread);
      this.#starting++;
      void this.#start(thread).then(() => undefined, (error: unknown) => error).then((error) => {
        this.#starting--;
        if (error !== undefined) this.#unstarted(thread, error);
        this.#pump(error === undefined);
      });
    }
  }

  #unstarted(thread: PoolThread, error: unknown): void {
    this.#threads.delete(thread);
    thread.leaving = true;
    void thread.io?.terminate();
    if ([...this.#threads].some(({ isReady }) => isReady)) return;
    // A limit leaves those that are being started; any other error is theirs, too, and nobody will ever run the tasks.
    if (this.#starting > 0 && (error as Partial<AioError>).code === 'ERR_AIO_THREAD_LIMIT') return;
    for (const task of this.#queue.clear()) this.#settle(task, 'reject', error);
  }

  async #start(thread: PoolThread): Promise<void> {
    const { source, resourceLimits } = this.#options;
    const runtime = await this.#runtimeOf();
    let code: { module: URL } | { worker: () => MadeWorker } = 'worker' in source ? source : { module: workerModule };
    if (resourceLimits) {
      // Not by a literal, which bundlers for pages would look for.
      const { Worker } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ ['node', 'worker_threads'].join(':'))) as typeof workers;
      code = { worker: () => new Worker(new URL('./worker-limited.js', import.meta.url), { resourceLimits }) };
    }
    const io = (await runtime.iothread(thread.name, code).catch((error: unknown) => {
      // With a cause it is about the file, and not about the name.
      const isMissing = 'module' in source && error instanceof AioError && error.code === 'ERR_AIO_INVALID_ARG' && error.cause !== undefined;
      throw isMissing ? notLoaded(`the pool's own worker: ${error.message}`, error) : error;
    })) as IOThread;
    io.closed.then(() => this.#end(thread), (why: unknown) => this.#end(thread, [], why));
    await thread.begin(io, 'module' in source ? source.module.href : undefined);
    if (this.#over) throw this.#closed();
  }

  #runtimeOf(): Promise<Runtime> {
    const { runtime, max } = this.#options;
    if (runtime) return Promise.resolve(runtime);
    this.#runtime ??= import('../whole/runtime.js').then(({ Runtime: Own }) => Own.create({ reserve: 0, maxThreads: Math.max(16, 2 * max) }));
    // Another try after a failure.
    this.#runtime.catch(() => (this.#runtime = undefined));
    return this.#runtime;
  }

  /** A thread has ended, or is given up. notBegun: tasks that were taken from it already. why: the error that it has ended with. */
  #end(thread: PoolThread, notBegun: Task[] = [], why?: unknown): void {
    if (this.#threads.delete(thread)) {
      const asked = thread.leaving;
      thread.leaving = true;
      this.#lived += clock() - thread.born;
      notBegun.push(...thread.giveUpAll());
      if (!asked) {
        this.#counts.replaced++;
        // If it has begun a task, the answer of that, or its failure, makes this 0.
        if (notBegun.length > 0) this.#barren++;
      }
    }
    const lost = (what: string): AioError => new AioError('ERR_AIO_THREAD_LOST', what, { cause: why });
    for (const task of notBegun) {
      if (task.transfer) this.#settle(task, 'reject', lost(`${thread.name} has ended before the task began, and the objects of its transfer list with it`));
      else if (this.#barren >= BARREN) this.#settle(task, 'reject', lost(`${this.#barren} threads in a row have ended before they began a task${why ? `; ${messageOf(why)}` : ''}`));
      else this.#queue.putBack(task);
    }
    this.#pump();
  }

  #replace(thread: PoolThread): void {
    this.#end(thread);
    void thread.io?.terminate();
  }

  #watchIdle(): void {
    const { idleTimeout, min } = this.#options;
    if (this.#idleTimer !== undefined || this.#closing || this.#threads.size <= min || !(idleTimeout < 2 ** 31)) return;
    if (![...this.#threads].some((thread) => thread.isReady && thread.load === 0)) return;
    this.#idleTimer = setTimeout(() => {
      this.#idleTimer = undefined;
      const late = clock() - idleTimeout;
      for (const thread of this.#threads) {
        if (this.#threads.size > min && thread.isReady && thread.load === 0 && thread.idleSince <= late) {
          thread.leaving = true;
          this.#end(thread);
          thread.io?.close().catch(() => {});
        }
      }
      this.#watchIdle();
    }, idleTimeout);
    (this.#idleTimer as { unref?(): void }).unref?.();
  }

  // ---- Waiting, counting, ending

  #until(until: () => boolean): Promise<void> {
    return until() ? Promise.resolve() : new Promise((done) => this.#waiting.push({ until, done }));
  }

  /** Resolves as soon as the queue has room for one more task: see `maxQueue`. */
  room(): Promise<void> {
    return this.#until(() => this.#queue.length < this.#options.maxQueue);
  }

  /** Resolves when no task is waiting or running. Tasks may go on being given to the pool. */
  drain(): Promise<void> {
    return this.#until(() => this.#open === 0);
  }

  /** Returns what the pool has done so far, and what it is doing. */
  stats(): PoolStats {
    const threads = [...this.#threads];
    const lived = this.#lived + threads.reduce((sum, thread) => sum + (thread.isReady ? clock() - thread.born : 0), 0);
    const running = threads.reduce((sum, { load }) => sum + load, 0);
    return {
      threads: threads.filter(({ isReady }) => isReady).length, starting: this.#starting, queued: this.#queue.length, running, ...this.#counts,
      runTime: this.#runTime.stats(), waitTime: this.#waitTime.stats(), utilization: lived > 0 ? Math.min(1, this.#runTime.total / lived) : 0,
    };
  }

  /**
   * Ends the pool when all its tasks are done: it takes no more, waits for those it has, and ends its threads, and its runtime
   * if that is its own. Closing it twice does nothing.
   */
  close(): Promise<void> {
    this.#closing ??= this.#until(() => this.#open === 0).then(() => this.#finish('close'));
    return this.#closing;
  }

  /** Ends the pool at once: its tasks reject with ERR_AIO_CLOSED, and its threads are terminated, whatever they are doing. */
  async terminate(): Promise<void> {
    this.#closing ??= Promise.resolve();
    this.#over = true;
    const error = this.#closed();
    for (const task of this.#queue.clear()) this.#settle(task, 'reject', error);
    for (const thread of this.#threads) for (const { task } of thread.all()) this.#settle(task, 'reject', error);
    await this.#finish('terminate');
  }

  async #finish(how: 'close' | 'terminate'): Promise<void> {
    this.#over = true;
    clearTimeout(this.#idleTimer);
    const threads = [...this.#threads];
    for (const thread of threads) {
      thread.leaving = true;
      this.#end(thread);
    }
    await Promise.allSettled(threads.flatMap(({ io }) => io?.[how]() ?? []));
    const runtime = await this.#runtime?.catch(() => undefined);
    await runtime?.close();
  }

  /** @internal */
  get state(): string {
    return this.#over ? 'closed' : this.#closing ? 'closing' : 'open';
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
showAs('Pool', Pool, ['state']);
