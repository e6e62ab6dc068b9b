// SPDX-License-Identifier: MIT
import { AioError, messageOf, noMemory } from '../errors.js';
import { errnoNumber } from '../errno.js';
import type { HostWorker, MadeWorker, OwnerHost } from '../hosts/host.js';
import type { InitMessage, ToOwner } from '../iothread/messages.js';
import { dataOnly, unpack } from '../iothread/packet.js';
import { Substitute } from '../iothread/substitute.js';
import { Role, type ThreadPointer } from './exports.js';
import { describeDeath } from './death.js';
import { cString, type Instance } from './instance.js';
import type { HelperInit } from './waiter.js';
import { outOfSections } from './stop.js';
import { TERMINATE_MS } from './watchdog.js';

/** A worker in a role that the owner gave it. */
export interface Thread {
  readonly pointer: ThreadPointer;
  readonly worker: HostWorker;
  /** What the worker posts, beyond what the threads themselves need. */
  onMessage: ((message: ToOwner) => void) | undefined;
  /** It ended without having been asked, or (refused: why) never started. */
  onLost: ((refused?: string) => void) | undefined;
  /** Ends a worker that does not get as far as to play its role. */
  giveUp(why: string): void;
  /** It is told to end its role. */
  leaving(): void;
  /** Ends one that does not leave its role: it is lost then. */
  kill(): void;
  /** Resolves when the worker is gone. */
  readonly gone: Promise<void>;
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
  /** An IOThread's own, which was told to end: nothing it does is unasked. */
  told: boolean;
  /** It is an IOThread's own. */
  readonly own: boolean;
  giveUp(why: string): void;
  kill(): void;
  readonly gone: Promise<void>;
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
  private whenNone: (() => void) | undefined;
  private closing = false;
  /** Why a worker could not be started last. */
  private refusal = '';

  constructor(
    private readonly host: OwnerHost, private readonly instance: Instance,
    private readonly init: Omit<InitMessage, 'type' | 'thread'>, private readonly events: ThreadEvents,
    private readonly makeWorker?: () => MadeWorker,
  ) {}

  get count(): number {
    return this.all.size;
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
    exports.free(text);
    if (own && pointer !== 0) this.start(pointer, own);
    const started = pointer === 0 ? undefined : this.all.get(pointer);
    if (pointer === 0 && exports.rt_thread_refusal() === -errnoNumber('ENOMEM')) throw noMemory(`the stack of thread '${name}'`);
    if (!started) {
      throw new AioError(
        'ERR_AIO_THREAD_LIMIT',
        `no worker for '${name}': ${pointer === 0 ? 'the limit of threads is reached (maxThreads)' : this.refusal}`,
      );
    }
    const { worker, roles, giveUp, kill, gone } = started;
    const leaving = (): void => void (started.told = own !== undefined);
    const thread: Thread = { pointer, worker, onMessage: undefined, onLost: undefined, giveUp, leaving, kill, gone };
    roles.push(thread);
    worker.keepAlive(true);
    this.fillReserve();
    return thread;
  }

  /** Calls into the module from an event. */
  private guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.events.failed(describeDeath(error, 'owner'));
    }
  }

  /** Makes the worker of an entry that C has set up. False: it was refused. */
  start(pointer: ThreadPointer, own?: OwnWorker): boolean {
    const { exports } = this.instance;
    let started: Started | undefined;
    let ended = false;
    /** Its role is over, and it is being ended with whatever else runs in it. */
    let leaving = false;
    let whenGone!: () => void;
    const isGone = new Promise<void>((resolve) => (whenGone = resolve));
    const gone = (): void => {
      if (ended) return;
      ended = true;
      whenGone();
      this.all.delete(pointer);
      if (this.all.size === 0) this.whenNone?.();
    };
    const lost = (refused?: string): void => {
      for (const role of started?.roles ?? []) role.onLost?.(refused);
    };
    const refused = (why: string): void => {
      gone();
      this.guarded(() => exports.rt_thread_refused(pointer, errnoNumber('EAGAIN')));
      lost(why);
    };
    const left = (): void => {
      if (ended) return;
      gone();
      exports.rt_thread_ended(pointer);
    };
    const messages = new Substitute((data) => {
        // The user's code may post messages of its own.
        const message = data as ToOwner | null | undefined;
        if (message?.type === 'ended') {
          leaving = true;
          if (own) started?.worker.terminate();
          // Nothing of the user's runs in it when its memory is used again.
          if (!own || !started?.worker.gone) left();
        } else if (started && message) {
          this.receive(started, message);
        }
    });
    const events = {
      message: (data: unknown) => messages.receive(data),
      unreadable: () => messages.unreadable(),
      error: (error: unknown) => {
        // Told to end, it may be killed by what its end rejects and nobody catches: `exit` is next.
        if (ended || leaving || started?.told) return;
        if (exports.rt_thread_attached(pointer)) {
          this.events.failed(`uncaught in a worker: ${messageOf(error)} [thread '${this.name(pointer)}']`);
        } else {
          refused(messageOf(error));
        }
      },
      exit: (confirmed: boolean) => over(confirmed),
    };
    /** It was lost, but its end has not been confirmed: its entry is not used again. */
    let unconfirmed = false;
    /** It ended unasked; confirmed: the host said so. */
    const over = (confirmed: boolean): void => {
      if (ended && confirmed && unconfirmed) {
        unconfirmed = false;
        exports.rt_thread_free(pointer);
      }
      if (ended) return;
      if (leaving) return left();
      if (this.closing) return gone();
      if (!exports.rt_thread_attached(pointer)) return refused('its worker ended at once');
      gone();
      const name = this.name(pointer);
      this.guarded(() => {
        if (exports.rt_thread_unserved(pointer)) {
          this.start(pointer);
        } else if (!exports.rt_thread_lost(pointer, confirmed)) {
          this.events.failed(`the worker of thread '${name}' ended while it held a lock`);
        } else {
          unconfirmed = !confirmed;
        }
      });
      lost();
    };
    try {
      const worker = this.host.startWorker(this.name(pointer), events, own?.make ?? this.makeWorker);
      const giveUp = (why: string): void => {
        worker.terminate();
        if (!ended) refused(why);
      };
      const kill = (): void => {
        void outOfSections(exports, pointer).then(() => {
          if (ended) return;
          worker.terminate();
          // Where it ends only when it wakes up.
          exports.rt_thread_wake(pointer);
          const timer = setTimeout(() => over(false), TERMINATE_MS);
          void isGone.then(() => clearTimeout(timer));
        });
      };
      started = { worker, roles: [], told: false, own: own !== undefined, giveUp, kill, gone: isGone };
    } catch (error) {
      this.refusal = messageOf(error);
      this.guarded(() => exports.rt_thread_refused(pointer, errnoNumber('EAGAIN')));
      return false;
    }
    this.all.set(pointer, started);
    started.worker.keepAlive(false);
    const code = own && { ...(own.module !== undefined && { module: own.module }) };
    started.worker.post({ type: 'init', thread: pointer, ...this.init, ...(code && { code }) });
    return true;
  }

  private receive({ worker, roles, own }: Started, message: ToOwner): void {
    switch (message.type) {
      case 'start':
        this.start(message.thread);
        break;
      case 'busy':
        this.fillReserve();
        break;
      case 'idle':
        if (message.role !== Role.run) roles.shift()?.onMessage?.(message);
        // The end of one's own is waited for.
        if (roles.length === 0 && !own) worker.keepAlive(false);
        break;
      case 'failed':
        this.events.failed(message.message, message.cause && unpack(message.cause, dataOnly));
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

  /** Gets all out of their sleep, to leave; kills what is left after ms. */
  async evacuate(ms: number): Promise<void> {
    this.closing = true;
    // A thread that was about to sleep misses a wake-up: hence again and again.
    const wake = setInterval(() => this.instance.exports.rt_wake_all(), 10);
    this.instance.exports.rt_wake_all();
    if (!(await this.allGone(ms))) void this.terminate();
    clearInterval(wake);
  }

  private async allGone(ms: number): Promise<boolean> {
    if (this.all.size === 0) return true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    for (const { worker } of this.all.values()) worker.keepAlive(true);
    const gone = await Promise.race([
      new Promise<true>((resolve) => (this.whenNone = () => resolve(true))),
      new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), ms))),
    ]);
    clearTimeout(timer);
    return gone;
  }

  /** Kills them all; resolves when they are gone, where the host tells. */
  async terminate(): Promise<void> {
    const workers = [...this.all.values()].map(({ worker }) => worker);
    this.all.clear();
    for (const worker of workers) worker.terminate();
    await Promise.all(workers.map(({ gone }) => gone ?? Promise.resolve()));
  }
}
