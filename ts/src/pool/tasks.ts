// SPDX-License-Identifier: MIT
/** The side of a pool that is in its workers: it runs tasks. */
import { isObject, nearest } from '../check.js';
import { AioError } from '../errors.js';
import type { PlatformSignal } from '../platform.js';
import { onlyOne } from '../wire/only-one.js';

/** The memory that a pool shares with one of its threads: see Slots. */
export interface SharedSlots {
  tickets: Int32Array;
  times: Float64Array;
}

/** What a worker of a pool serves. */
export interface PoolService {
  /** Imports the file with the functions. */
  load(href: string): Promise<void>;
  /** Called once, before the first task. limit: how many tasks run at the same time. */
  begin(slots: SharedSlots, limit: number): void;
  run(slot: number, ticket: number, name: string, task: unknown): unknown;
  /** Tells a task that runs that nobody waits for it any more. */
  abort(ticket: number, reason: unknown): void;
}

declare const functionsOf: unique symbol;

/** The result of {@link tasks}, which a worker's file passes to serve(). */
export interface PoolTasks<T> {
  /** The type of the object with the functions. No such property exists at run time. */
  readonly [functionsOf]: T;
}

/** Now, in ms, on the clock that all threads share. */
export const clock = (): number => performance.timeOrigin + performance.now();

type AnyTask = (task: unknown) => unknown;
type Functions = Record<string, unknown>;

/** The task that begins just now, also for another copy of the package in this thread. */
const now = /* @__PURE__ */ onlyOne('pool', () => ({ signal: undefined as (() => AbortSignal) | undefined }));

/**
 * Returns the signal of the task that this thread of a pool runs: it is aborted when the task's caller gives up, by its
 * signal or by a time-out. Ask for it before the task's first `await`.
 * @throws AioError ERR_AIO_INVALID_ARG: no task runs here, or it has awaited something already
 */
export function taskSignal(): PlatformSignal {
  if (!now.signal) throw new AioError('ERR_AIO_INVALID_ARG', 'taskSignal(): no task of a pool is beginning; call it before the first await of the task\'s function');
  return now.signal();
}

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  (typeof value === 'object' || typeof value === 'function') && value !== null && typeof (value as { then?: unknown }).then === 'function';

class Server implements PoolService {
  private slots: SharedSlots | undefined;
  private limit = 1;
  private running = 0;
  /** Those that wait until others have ended. */
  private readonly waiting: (() => void)[] = [];
  /** Signals that were asked for, by the tasks' tickets. */
  private readonly signals = new Map<number, AbortController>();

  constructor(private functions: Functions | undefined) {}

  readonly load = async (href: string): Promise<void> => {
    this.functions = (await import(/* @vite-ignore */ /* webpackIgnore: true */ href)) as Functions;
  };

  readonly begin = (slots: SharedSlots, limit: number): void => {
    this.slots = slots;
    this.limit = limit;
  };

  readonly abort = (ticket: number, reason: unknown): void => this.signals.get(ticket)?.abort(reason);

  readonly run = (slot: number, ticket: number, name: string, task: unknown): unknown => {
    if (this.running < this.limit) return this.start(slot, ticket, name, task);
    // It has not begun, so that it can be taken back meanwhile.
    return new Promise((resolve) => this.waiting.push(() => resolve(this.start(slot, ticket, name, task))));
  };

  private start(slot: number, ticket: number, name: string, task: unknown): unknown {
    const { tickets, times } = this.slots as SharedSlots;
    // Fails if the pool has taken the task back, also if it has used the slot again.
    if (Atomics.compareExchange(tickets, slot, ticket, -ticket) !== ticket) return this.next();
    times[2 * slot] = clock();
    this.running++;
    const end = (): void => {
      times[2 * slot + 1] = clock();
      this.running--;
      if (this.signals.size > 0) this.signals.delete(ticket);
      // Fails if the pool ends this thread because of the task: then no other begins, which would end with it.
      if (Atomics.compareExchange(tickets, slot, -ticket, 0) === -ticket) this.next();
      else this.limit = 0;
    };
    now.signal = () => {
      let controller = this.signals.get(ticket);
      if (!controller) this.signals.set(ticket, (controller = new AbortController()));
      return controller.signal;
    };
    let result: unknown;
    try {
      result = this.find(name)(task);
    } catch (error) {
      end();
      throw error;
    } finally {
      now.signal = undefined;
    }
    if (isPromise(result)) return Promise.resolve(result).finally(end);
    end();
    return result;
  }

  private next(): undefined {
    if (this.running < this.limit) this.waiting.shift()?.();
    return undefined;
  }

  private find(name: string): AnyTask {
    const functions = this.functions ?? {};
    // The exports of a CommonJS module are those of its default export.
    const whole = functions['default'];
    for (const from of [functions, whole]) {
      if ((typeof from !== 'object' && typeof from !== 'function') || from === null || !(name in from)) continue;
      const found = (from as Functions)[name];
      if (typeof found === 'function') return found.bind(from) as AnyTask;
    }
    const names = Object.keys({ ...functions, ...(typeof whole === 'object' ? whole : {}) });
    const meant = nearest(name, names);
    throw new AioError('ERR_AIO_INVALID_ARG', `the pool's worker has no function '${name}': ${meant ? `did you mean '${meant}'?` : `there are ${names.join(', ') || 'none'}`}`);
  }
}

/** What a worker of a pool serves, with its functions or before they are loaded. */
export const poolService = (functions?: object): PoolService => {
  const { load, begin, run, abort } = new Server(functions as Functions);
  return { load, begin, run, abort };
};

/**
 * Makes the object that a worker's file passes to serve(), so that a {@link Pool} can run its functions:
 * `serve(tasks({ resize, crop }))`. Each function has one parameter, the task. A file that is given to the pool by `module`
 * needs neither: it exports its functions.
 * @throws AioError ERR_AIO_INVALID_ARG
 */
export function tasks<T extends object>(api: T): PoolTasks<T> {
  isObject('api', api);
  return poolService(api) as unknown as PoolTasks<T>;
}
