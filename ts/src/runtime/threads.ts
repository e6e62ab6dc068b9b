// SPDX-License-Identifier: MIT
import { AioError, messageOf, noMemory } from '../errors.js';
import { errnoNumber } from '../errno.js';
import type { HostWorker, MadeWorker, OwnerHost } from '../hosts/host.js';
import { Substitute } from '../wire/substitute.js';
import { dataOnly, unpack } from '../wire/unpack.js';
import { Role, type ThreadPointer } from './exports.js';
import { cString, type Instance } from './instance.js';
import type { FromWorker, InitMessage, KindMessage } from './messages.js';
import type { HelperInit } from './waiter.js';
import { outOfSections } from './stop.js';
import { VERSION } from '../version.js';
import { after, TERMINATE_MS, within } from './within.js';

/** How long a worker in which an error was not caught may take to report it. */
const LAST_WORDS_MS = 1000;
/**
 * How often a worker is looked at that has not sent anything, before it counts as one that was terminated while it started. Looks are
 * counted instead of time, because the whole process may have been suspended.
 */
const START_LOOKS = 20;
const LOOK_MS = 1000;

/** A worker that plays a role which the owner gave it. */
export interface Thread {
  readonly pointer: ThreadPointer;
  readonly worker: HostWorker;
  /** Gets the worker's messages that are not for the threads themselves. */
  onMessage: ((message: KindMessage) => void) | undefined;
  /** Called if the worker ended without having been told to, or never started. */
  onLost: ((loss: Loss) => void) | undefined;
  /** Ends a worker that has reported that it will not play its role. */
  giveUp(why: string): void;
  /** Terminates the worker whatever it is doing. It is lost then. */
  kill(): void;
  /** Resolves with true when the worker has ended, or with false when the host has not confirmed that in time. */
  readonly gone: Promise<boolean>;
}

/** Tells how a worker ended that had not been told to. */
export interface Loss {
  /** It never entered the module. */
  readonly refused: boolean;
  readonly why: string;
  /** The error that was not caught in it. */
  readonly thrown: { readonly error: unknown } | undefined;
}

/**
 * The user's code for a worker of its own: a function that makes the worker, or a module that the package's worker
 * imports.
 */
export interface OwnWorker {
  make?: () => MadeWorker;
  module?: string;
}

/** A worker, from its start to its end. */
interface Started {
  readonly worker: HostWorker;
  /**
   * The roles that the owner has given it, the oldest first. The next role may be given before the worker's message
   * has arrived that the previous one is over.
   */
  readonly roles: Thread[];
  /** It belongs to one IOThread. */
  readonly own: boolean;
  giveUp(why: string): void;
  kill(): void;
  readonly gone: Promise<boolean>;
}

export interface ThreadEvents {
  /** A thread has failed, and the shared memory may be inconsistent. */
  failed(message: string, cause?: unknown): void;
  /** An error came out of the owner's own instance of the module. */
  died(error: unknown): void;
  exit(code: number, thread: string): void;
  output(fd: number, bytes: Uint8Array): void;
  /** A thread needs a helper. */
  helper(init: HelperInit): void;
}

/**
 * The owner's workers. Only the owner starts workers: in Chromium a worker that another worker has created does not
 * start while its creator blocks.
 */
export class Threads {
  private readonly all = new Map<ThreadPointer, Started>();
  private closing = false;
  /** The error of the last attempt to start a worker. */
  private refusal: unknown;
  private unconfirmed = 0;

  constructor(
    private readonly host: OwnerHost, private readonly instance: Instance,
    private readonly init: Omit<InitMessage, 'type' | 'version' | 'thread'>, private readonly events: ThreadEvents,
    private readonly makeWorker?: (name: string) => MadeWorker,
  ) {}

  get count(): number {
    return this.all.size;
  }

  /** The number of workers that were terminated and whose end the host has not confirmed. */
  get left(): number {
    return this.unconfirmed;
  }

  /** Starts workers until the reserve is full. */
  fillReserve(): void {
    if (this.closing) return;
    const { exports } = this.instance;
    for (let wanted = exports.rt_thread_reserve(); wanted !== 0; wanted = exports.rt_thread_reserve()) {
      if (!this.start(wanted)) return;
    }
  }

  /** Returns a worker that plays a role which needs JavaScript. own: a new worker, which plays only this role. */
  assign(name: string, role: number, argument: number, own?: OwnWorker): Thread {
    const { exports } = this.instance;
    const text = cString(this.instance, name);
    const pointer = own ? exports.rt_thread_assign_once(text, role, argument) : exports.rt_thread_assign(text, role, argument);
    exports.rt_free(text);
    if (own && pointer !== 0) this.start(pointer, own);
    const started = pointer === 0 ? undefined : this.all.get(pointer);
    if (pointer === 0 && exports.rt_thread_refusal() === -errnoNumber('ENOMEM')) throw noMemory(`the stack of thread '${name}'`);
    if (pointer === 0) throw new AioError('ERR_AIO_THREAD_LIMIT', `no worker for '${name}': all threads that maxThreads allows are in use`);
    if (!started) {
      const cause = this.refusal;
      throw new AioError(own?.make ? 'ERR_AIO_INVALID_ARG' : 'ERR_AIO_THREAD_LIMIT', `no worker for '${name}': ${messageOf(cause)}`, { cause });
    }
    const { worker, roles, giveUp, kill, gone } = started;
    const thread: Thread = { pointer, worker, onMessage: undefined, onLost: undefined, giveUp, kill, gone };
    roles.push(thread);
    worker.keepAlive(true);
    this.fillReserve();
    return thread;
  }

  /** Calls into the module from an event handler. An error makes the runtime fail. */
  private guarded(work: () => unknown): void {
    try {
      work();
    } catch (error) {
      this.events.died(error);
    }
  }

  /** Creates the worker of an entry that C has set up. Returns false if that was refused. */
  start(pointer: ThreadPointer, own?: OwnWorker, again = false): boolean {
    const { exports } = this.instance;
    let started: Started | undefined;
    let ended = false;
    /** Its role is over, and the worker is being ended with everything else that runs in it. */
    let leaving = false;
    let thrown: Loss['thrown'];
    /** The same error as the worker itself has reported it. */
    let said: Loss['thrown'];
    let unconfirmed = false;
    let whenGone!: (confirmed: boolean) => void;
    const isGone = new Promise<boolean>((resolve) => (whenGone = resolve));
    const gone = (): void => {
      if (ended) return;
      ended = true;
      whenGone(!unconfirmed);
      this.all.delete(pointer);
    };
    const lost = (refused: boolean, why: string): void => {
      for (const role of started?.roles ?? []) this.guarded(() => role.onLost?.({ refused, why, thrown }));
    };
    const refused = (why: string): void => {
      gone();
      this.guarded(() => exports.rt_thread_refused(pointer, errnoNumber('EAGAIN'), !unconfirmed));
      lost(true, why);
    };
    /** The entry may be used for another thread. */
    const left = (): void => {
      if (ended && !unconfirmed) return;
      this.unconfirmed -= Number(unconfirmed);
      unconfirmed = false;
      gone();
      exports.rt_thread_free(pointer);
    };
    const messages = new Substitute((data) => {
        // The user's code may post messages of its own, of any kind.
        const message = data as FromWorker | null | undefined;
        if (message?.type === 'ended') {
          leaving = true;
          this.lookForFailure();
          if (own) started?.kill();
          // The memory of a worker with the user's code is used again only after the worker has ended.
          if (!own || !started?.worker.gone) left();
        } else if (message?.type === 'lost') {
          // The worker has left the module for good.
          thrown = { error: unpack(message.error, dataOnly) };
          started?.worker.terminate();
          over(true, 'an error that nobody caught');
        } else if (message?.type === 'threw') {
          said = { error: unpack(message.error, dataOnly) };
        } else if (started && message) {
          this.receive(started, message);
        }
    });
    const events = {
      message: (data: unknown) => messages.receive(data),
      unreadable: () => messages.unreadable(),
      error: (error: unknown) => {
        thrown ??= { error };
        if (ended || leaving || this.host.errorsEnd) return;
        if (!exports.rt_thread_attached(pointer)) {
          refused(messageOf(error));
          // Not every host ends the worker because of the error.
          return started?.worker.terminate();
        }
        // If the error does not end the worker, the worker sends a message that says more, unless it is unable to.
        if (!started?.worker.gone) void isGone.then(after(LAST_WORDS_MS, () => started?.kill()));
      },
      exit: (confirmed: boolean, code?: number) => over(confirmed, code === undefined ? 'it is gone' : `exit code ${code}`),
    };
    /** The worker has ended without having been told to. confirmed: the host said so, or it has left the module for good. */
    const over = (confirmed: boolean, how: string): void => {
      if (leaving || (ended && confirmed)) return left();
      if (ended) return;
      if (!confirmed) {
        unconfirmed = true;
        this.unconfirmed++;
        this.host.warn(`a worker could not be ended yet (thread '${this.name(pointer)}'); the memory that it may write to is not used again`);
      }
      if (this.closing) return gone();
      thrown &&= said ?? thrown;
      if (!exports.rt_thread_attached(pointer)) {
        if (again || thrown || !confirmed || !exports.rt_thread_unserved(pointer)) return refused(thrown ? messageOf(thrown.error) : 'its worker ended at once');
        // The worker was killed while it started.
        gone();
        return void this.start(pointer, own, true);
      }
      gone();
      const name = this.name(pointer);
      this.guarded(() => {
        if (exports.rt_thread_unserved(pointer)) {
          this.start(pointer);
        } else if (!exports.rt_thread_lost(pointer, confirmed)) {
          this.events.failed(`the worker of thread '${name}' ended while it held a lock`, thrown?.error);
        }
      });
      lost(false, `its worker ended (${how})`);
    };
    try {
      const worker = this.host.startWorker(this.name(pointer), events, own?.make ?? this.makeWorker);
      const giveUp = (why: string): void => {
        worker.terminate();
        if (!ended) refused(why);
      };
      const kill = (): void => {
        // The entry may already belong to another thread, which must not be told to stop.
        if (ended) return;
        void outOfSections(exports, pointer).then(() => {
          if (ended) return;
          worker.terminate();
          // On some hosts a terminated worker ends only when it wakes up.
          exports.rt_thread_wake(pointer);
          // Not every host reports the end of a worker, and no host can end every worker.
          void isGone.then(after(TERMINATE_MS, () => over(false, 'it was terminated')));
        });
      };
      started = { worker, roles: [], own: own !== undefined, giveUp, kill, gone: isGone };
    } catch (error) {
      this.refusal = error;
      this.guarded(() => exports.rt_thread_refused(pointer, errnoNumber('EAGAIN'), true));
      return false;
    }
    this.all.set(pointer, started);
    const { worker } = started;
    // The user's code may take as long as it likes before it imports the package.
    if (!own && worker.isSilent) {
      let looks = 0;
      const look = setInterval(() => {
        if (ended || !worker.isSilent?.()) return clearInterval(look);
        if (++looks < START_LOOKS) return;
        worker.terminate();
        events.exit(true);
      }, LOOK_MS);
      (look as { unref?(): void }).unref?.();
    }
    worker.keepAlive(false);
    const code = own && { ...(own.module !== undefined && { module: own.module }) };
    started.worker.post({ type: 'init', version: VERSION, thread: pointer, ...this.init, ...(code && { code }) });
    return true;
  }

  /** The thread that fails says why, unless its worker was terminated before it could. All others leave then, and only that is heard. */
  private lookForFailure(): void {
    const { exports, memory } = this.instance;
    if (this.closing || !Atomics.load(memory.word(exports.rt_failed_word()), 0)) return;
    after(LAST_WORDS_MS, () => this.closing || this.events.failed('a thread has failed, and ended before it could say why'));
  }

  private receive({ worker, roles, own }: Started, message: FromWorker): void {
    switch (message.type) {
      case 'start':
        this.guarded(() => this.start(message.thread));
        break;
      case 'busy':
        // fillReserve() may fail: a thread that was killed may have held malloc's lock.
        this.guarded(() => this.fillReserve());
        break;
      case 'idle':
        if (message.role !== Role.run) roles.shift()?.onMessage?.(message);
        // The end of a worker with the user's code is waited for.
        if (roles.length === 0 && !own) worker.keepAlive(false);
        break;
      case 'failed':
        this.events.failed(message.message, unpack(message.cause, dataOnly));
        break;
      case 'exit':
        this.events.exit(message.code, message.thread);
        break;
      case 'output':
        this.events.output(message.fd, message.bytes);
        break;
      case 'helper':
        this.events.helper(message.init);
        break;
      default:
        roles[0]?.onMessage?.(message);
    }
  }

  private name(pointer: ThreadPointer): string {
    const { exports, memory } = this.instance;
    return memory.string(exports.rt_thread_name(pointer)) || 'worker';
  }

  /**
   * Wakes all threads up so that they leave, and terminates those that are left after ms. Resolves when all have
   * ended, or were given up.
   */
  async evacuate(ms: number): Promise<void> {
    this.closing = true;
    // A thread that is just about to sleep misses the wake-up, so it is repeated.
    const wake = setInterval(() => this.instance.exports.rt_wake_all(), 10);
    this.instance.exports.rt_wake_all();
    if (!(await within(ms, this.allGone()))) await this.terminate();
    clearInterval(wake);
  }

  /** Terminates all threads. Resolves when all have ended, or were given up. */
  async terminate(): Promise<void> {
    this.closing = true;
    await this.allGone(({ kill }) => kill());
  }

  /**
   * Resolves when there is no worker. Repeats that, because a thread may have asked for another one before it ended.
   */
  private async allGone(end: (started: Started) => void = () => {}): Promise<void> {
    while (this.all.size > 0) {
      const all = [...this.all.values()];
      for (const started of all) {
        started.worker.keepAlive(true);
        end(started);
      }
      await Promise.all(all.map(({ gone }) => gone));
    }
  }
}
