// SPDX-License-Identifier: MIT
import { AioError, messageOf, noMemory } from '../errors.js';
import { errnoNumber } from '../errno.js';
import type { HostWorker, MadeWorker, OwnerHost } from '../hosts/host.js';
import { Substitute } from '../wire/substitute.js';
import { dataOnly, unpack } from '../wire/unpack.js';
import { Role, type ThreadPointer } from './exports.js';
import { describeDeath } from './death.js';
import { cString, type Instance } from './instance.js';
import type { FromWorker, InitMessage, KindMessage } from './messages.js';
import type { HelperInit } from './waiter.js';
import { outOfSections } from './stop.js';
import { VERSION } from '../version.js';
import { after, TERMINATE_MS, within } from './within.js';

/** How long a worker in which something was thrown is given to say what. */
const LAST_WORDS_MS = 1000;

/** A worker in a role that the owner gave it. */
export interface Thread {
  readonly pointer: ThreadPointer;
  readonly worker: HostWorker;
  /** What the worker posts, beyond what the threads themselves need. */
  onMessage: ((message: KindMessage) => void) | undefined;
  /** It ended without having been asked, or never started. */
  onLost: ((loss: Loss) => void) | undefined;
  /** Ends a worker that has said that it will not play its role. */
  giveUp(why: string): void;
  /** Ends one whatever it does: it is lost then. */
  kill(): void;
  /** Resolves when the worker is gone (true), or the host has not said so in time. */
  readonly gone: Promise<boolean>;
}

/** How a worker ended that nobody had asked to. */
export interface Loss {
  /** It never got as far as the module. */
  readonly refused: boolean;
  readonly why: string;
  /** What was thrown in it and not caught there. */
  readonly thrown: { readonly error: unknown } | undefined;
}

/** A worker of its own, for the user's code: what makes it, or what the package's own worker
 * imports. */
export interface OwnWorker {
  make?: () => MadeWorker;
  module?: string;
}

/** One worker, from its start to its end. */
interface Started {
  readonly worker: HostWorker;
  /** The owner's roles for it, the oldest first: the next may be given before
   * the worker's word has come that the one before is over. */
  readonly roles: Thread[];
  /** It is an IOThread's own. */
  readonly own: boolean;
  giveUp(why: string): void;
  kill(): void;
  readonly gone: Promise<boolean>;
}

export interface ThreadEvents {
  /** Shared state may be half-changed. */
  failed(message: string, cause?: unknown): void;
  exit(code: number, thread: string): void;
  output(fd: number, bytes: Uint8Array): void;
  /** A thread needs a helper. */
  helper(init: HelperInit): void;
}

/**
 * The owner's workers. It alone starts them: a worker that another worker made
 * does not start in Chromium while its maker blocks.
 */
export class Threads {
  private readonly all = new Map<ThreadPointer, Started>();
  private closing = false;
  /** Why a worker could not be started last. */
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

  /** Those that were terminated, and that the host has not said to be gone. */
  get left(): number {
    return this.unconfirmed;
  }

  /** Starts what the reserve lacks. */
  fillReserve(): void {
    if (this.closing) return;
    const { exports } = this.instance;
    for (let wanted = exports.rt_thread_reserve(); wanted !== 0; wanted = exports.rt_thread_reserve()) {
      if (!this.start(wanted)) return;
    }
  }

  /** A worker that plays a role which needs JavaScript; own: and nothing else ever. */
  assign(name: string, role: number, argument: number, own?: OwnWorker): Thread {
    const { exports } = this.instance;
    const text = cString(this.instance, name);
    const pointer = own ? exports.rt_thread_assign_once(text, role, argument) : exports.rt_thread_assign(text, role, argument);
    exports.rt_free(text);
    if (own && pointer !== 0) this.start(pointer, own);
    const started = pointer === 0 ? undefined : this.all.get(pointer);
    if (pointer === 0 && exports.rt_thread_refusal() === -errnoNumber('ENOMEM')) throw noMemory(`the stack of thread '${name}'`);
    if (pointer === 0) throw new AioError('ERR_AIO_THREAD_LIMIT', `no worker for '${name}': the limit of threads is reached (maxThreads)`);
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

  /** Calls into the module from an event. */
  private guarded(work: () => unknown): void {
    try {
      work();
    } catch (error) {
      this.events.failed(describeDeath(error, 'owner'));
    }
  }

  /** Makes the worker of an entry that C has set up. False: it was refused. */
  start(pointer: ThreadPointer, own?: OwnWorker, again = false): boolean {
    const { exports } = this.instance;
    let started: Started | undefined;
    let ended = false;
    /** Its role is over, and it is being ended with whatever else runs in it. */
    let leaving = false;
    let thrown: Loss['thrown'];
    /** What the worker itself said of that. */
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
    /** Its place may be used again. */
    const left = (): void => {
      if (ended && !unconfirmed) return;
      this.unconfirmed -= Number(unconfirmed);
      unconfirmed = false;
      gone();
      exports.rt_thread_free(pointer);
    };
    const messages = new Substitute((data) => {
        // The user's code may post messages of its own.
        const message = data as FromWorker | null | undefined;
        if (message?.type === 'ended') {
          leaving = true;
          if (own) started?.kill();
          // Nothing of the user's runs in it when its memory is used again.
          if (!own || !started?.worker.gone) left();
        } else if (message?.type === 'lost') {
          // It has left the module for good.
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
          // Not every host ends it for that.
          return started?.worker.terminate();
        }
        // One that the error does not end says more by a message of its own, if it can.
        if (!started?.worker.gone) void isGone.then(after(LAST_WORDS_MS, () => started?.kill()));
      },
      exit: (confirmed: boolean, code?: number) => over(confirmed, code === undefined ? 'it is gone' : `exit code ${code}`),
    };
    /** It ended unasked; confirmed: the host said so, or it has left the module for good. */
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
        // Somebody killed it on its way.
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
        // Its place may be another thread's already, which must not be told to stop.
        if (ended) return;
        void outOfSections(exports, pointer).then(() => {
          if (ended) return;
          worker.terminate();
          // Where it ends only when it wakes up.
          exports.rt_thread_wake(pointer);
          // Not every host says when it is gone, and none can end every worker.
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
    started.worker.keepAlive(false);
    const code = own && { ...(own.module !== undefined && { module: own.module }) };
    started.worker.post({ type: 'init', version: VERSION, thread: pointer, ...this.init, ...(code && { code }) });
    return true;
  }

  private receive({ worker, roles, own }: Started, message: FromWorker): void {
    switch (message.type) {
      case 'start':
        this.guarded(() => this.start(message.thread));
        break;
      case 'busy':
        // Its memory may not come: malloc's lock may be one that a killed thread held.
        this.guarded(() => this.fillReserve());
        break;
      case 'idle':
        if (message.role !== Role.run) roles.shift()?.onMessage?.(message);
        // The end of one's own is waited for.
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

  /** Gets all out of their sleep, to leave; kills what is left after ms. Resolves when they are
   * gone, or were given up. */
  async evacuate(ms: number): Promise<void> {
    this.closing = true;
    // A thread that was about to sleep misses a wake-up: hence again and again.
    const wake = setInterval(() => this.instance.exports.rt_wake_all(), 10);
    this.instance.exports.rt_wake_all();
    if (!(await within(ms, this.allGone()))) await this.terminate();
    clearInterval(wake);
  }

  /** Kills them all; resolves when they are gone, or were given up. */
  async terminate(): Promise<void> {
    this.closing = true;
    await this.allGone(({ kill }) => kill());
  }

  /** Again until there are none: a thread may have asked for another one in its last moments. */
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
