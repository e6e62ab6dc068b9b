// SPDX-License-Identifier: MIT
import { AioError, messageOf } from '../errors.js';
import type { IOThread } from '../iothread/iothread.js';
import type { Received } from '../iothread/remote.js';
import { transfer } from '../wire/marks.js';
import { clock, type PoolService } from './tasks.js';
import type { Queued } from './queue.js';

/** A task, from run() to its answer. */
export interface Task extends Queued {
  readonly name: string;
  readonly value: unknown;
  readonly transfer: object[] | undefined;
  readonly timeout: number;
  /** When run() was called, in ms. */
  readonly since: number;
  resolve(value: unknown): void;
  reject(error: unknown): void;
  /** Where it is; undefined: in the queue, or settled. */
  at: Place | undefined;
  settled: boolean;
  /** Its signal does not count any more. */
  ignore?: (() => void) | undefined;
}

/** A task in a thread. Its slot is used again when it was answered, or was taken back. */
export interface Place {
  readonly thread: PoolThread;
  readonly slot: number;
  readonly ticket: number;
  readonly task: Task;
  timer?: ReturnType<typeof setTimeout> | undefined;
}

/** How many tasks a thread may have, those included that have not begun. */
const SLOTS = 64;
/** So much work, in ms, may be sent ahead to a thread. */
const AHEAD_MS = 0.5;
/** In place of the ticket of a task with which its thread ends. */
const DOOMED = -0x80000000;
/** The weight of the latest task in the mean run time. */
const WEIGHT = 1 / 16;

let lastTicket = 0;

type RemoteService = Received<PoolService>;

/** The error of a pool with `module` if a file is not where it has to be, as in programs that a bundler has made. */
export const notLoaded = (what: string, cause: unknown): AioError => new AioError('ERR_AIO_INVALID_ARG',
  `options.module: ${what}. If a bundler has made this program, give options.worker instead: bundlers find its file and what that imports`, { cause });

/** What a thread tells its pool. */
export interface ThreadEvents {
  /** A task was answered. ran: how long it ran, in ms; undefined: it has never begun, and never will. */
  answered(place: Place, failed: boolean, result: unknown, ran: number | undefined): void;
}

/**
 * A thread of a pool. A task that was sent to it has not begun before the thread has replaced its ticket in shared memory; until then
 * the pool can take it back by doing the same. So tasks are sent ahead, which saves wake-ups, and nobody has to wait for a thread that is
 * busy for long, because another one gets them.
 */
export class PoolThread {
  readonly tickets = new Int32Array(new SharedArrayBuffer(4 * SLOTS));
  private readonly times = new Float64Array(new SharedArrayBuffer(16 * SLOTS));
  private readonly places: (Place | undefined)[] = [];
  private readonly free = Array.from({ length: SLOTS }, (_, n) => SLOTS - 1 - n);
  private remote: RemoteService | undefined;
  io: IOThread | undefined;
  readonly born = clock();
  idleSince = clock();
  /** It gets no further tasks. */
  leaving = false;
  /** The mean run time of its latest tasks, in ms. */
  private mean = AHEAD_MS;

  constructor(readonly name: string, private readonly limit: number, private readonly events: ThreadEvents) {}

  /** Starts to take tasks. */
  async begin(io: IOThread, href: string | undefined): Promise<void> {
    this.io = io;
    const remote = io.remote as RemoteService;
    if (typeof remote.run !== 'function' || typeof remote.begin !== 'function') {
      throw new AioError('ERR_AIO_INVALID_ARG', "options.worker: its file must call serve(tasks({ … })), with tasks of 'wasm-aio/pool'");
    }
    if (href !== undefined) {
      try {
        await remote.load(href);
      } catch (cause) {
        if (cause instanceof AioError && cause.code !== 'ERR_AIO_INVALID_ARG') throw cause;
        throw notLoaded(`${href} cannot be loaded: ${messageOf(cause)}`, cause);
      }
    }
    await remote.begin({ tickets: this.tickets, times: this.times }, this.limit);
    this.remote = remote;
  }

  get isReady(): boolean {
    return this.remote !== undefined && !this.leaving;
  }

  /** How many tasks it has. */
  get load(): number {
    return SLOTS - this.free.length;
  }

  /** How many tasks it may have now: the shorter they are, the more. */
  get room(): number {
    return Math.min(SLOTS, this.limit + Math.max(1, Math.floor(AHEAD_MS / this.mean))) - this.load;
  }

  /** Whether a task would begin at once. */
  get isFree(): boolean {
    return this.load < this.limit;
  }

  send(task: Task): void {
    const slot = this.free.pop() as number;
    lastTicket = lastTicket === 0x7fffffff ? 1 : lastTicket + 1;
    const place: Place = { thread: this, slot, ticket: lastTicket, task };
    task.at = this.places[slot] = place;
    Atomics.store(this.tickets, slot, place.ticket);
    const { value, transfer: list } = task;
    const answered = (result: unknown): void => this.answered(place, false, result);
    const failed = (error: unknown): void => this.answered(place, true, error);
    try {
      const sent = list ? transfer(Object(value) as object, list) : value;
      (this.remote as RemoteService).run(slot, place.ticket, task.name, sent).then(answered, failed);
    } catch (error) {
      failed(error);
    }
    if (task.timeout < Infinity) this.watch(place, task.timeout, () => this.overdue(place));
  }

  private watch(place: Place, ms: number, work: () => void): void {
    place.timer = setTimeout(work, Math.min(ms, 0x7fffffff));
  }

  /** What to do when the time of a task is up, which the pool sets. */
  whenOverdue: (place: Place) => void = () => {};

  private overdue(place: Place): void {
    const { task } = place;
    if (this.places[place.slot] !== place || task.settled) return;
    const left = this.hasBegun(place) ? task.timeout - (clock() - (this.times[2 * place.slot] as number)) : task.timeout;
    if (left > 0) this.watch(place, left, () => this.overdue(place));
    else this.whenOverdue(place);
  }

  private hasBegun({ slot, ticket }: Place): boolean {
    return Atomics.load(this.tickets, slot) !== ticket;
  }

  private release(place: Place): void {
    clearTimeout(place.timer);
    this.places[place.slot] = undefined;
    this.free.push(place.slot);
    place.task.at = undefined;
    if (this.load === 0) this.idleSince = clock();
  }

  /** Takes back a task that has not begun. Returns false if it has. */
  takeBack(place: Place): boolean {
    if (Atomics.compareExchange(this.tickets, place.slot, place.ticket, 0) !== place.ticket) return false;
    this.release(place);
    return true;
  }

  /** Lets the thread begin nothing more, because it is to end with a task that does not end. Returns false if the task has ended. */
  doom({ slot, ticket }: Place): boolean {
    return Atomics.compareExchange(this.tickets, slot, -ticket, DOOMED) === -ticket;
  }

  /** Takes back a task that another thread may have, of those that were sent last. */
  giveUpOne(): Task | undefined {
    if (this.load <= this.limit) return undefined;
    const latest = this.all().filter(({ task }) => !task.transfer && !task.settled).sort((a, b) => b.ticket - a.ticket);
    return latest.find((place) => this.takeBack(place))?.task;
  }

  /** All tasks that it has. */
  all(): Place[] {
    return this.places.filter((place) => place !== undefined);
  }

  /** Takes back all tasks that have not begun. */
  giveUpAll(): Task[] {
    return this.all().filter((place) => this.takeBack(place)).map(({ task }) => task);
  }

  /** Tells a task that has begun that nobody waits for it any more. */
  abort({ ticket }: Place, reason: unknown): void {
    this.remote?.abort(ticket, reason).catch(() => {});
  }

  private answered(place: Place, failed: boolean, result: unknown): void {
    // The answer for a task that was taken back.
    if (this.places[place.slot] !== place) return;
    const { slot, ticket } = place;
    const hasBegun = Atomics.compareExchange(this.tickets, slot, ticket, 0) !== ticket;
    const ran = hasBegun ? Math.max(0, (this.times[2 * slot + 1] as number) - (this.times[2 * slot] as number)) : undefined;
    this.release(place);
    if (ran !== undefined) this.mean += (ran - this.mean) * WEIGHT;
    this.events.answered(place, failed, result, ran);
  }

  /** How long a task had waited when it began, in ms. */
  waitOf(place: Place): number {
    return (this.times[2 * place.slot] as number) - place.task.since;
  }
}
