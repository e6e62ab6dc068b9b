// SPDX-License-Identifier: MIT
import type { WorkerHost } from '../hosts/host.js';
import { otherVersion, VERSION } from '../version.js';
import { postError } from '../wire/post-error.js';
import { Substitute } from '../wire/substitute.js';
import { causeOf, describeDeath, ThreadLeave } from './death.js';
import { Role } from './exports.js';
import { instantiate, type Instance } from './instance.js';
import type { FromWorker, InitMessage, KindMessage } from './messages.js';
import { ProcessExit } from './process.js';
import { sourceLines } from './source-lines.js';
import type { MakeSystem } from './system.js';

/** What a worker can be; each kind of thread adds what it needs. */
export interface Kinds {
  /** Makes the imports that belong to a system. */
  readonly system: MakeSystem<never>;
  /** Functions for workers that are not threads of the runtime, by the type of the message that starts one. */
  readonly others: Readonly<Record<string, (host: WorkerHost, message: never) => unknown>>;
  /** The roles that need JavaScript, by their numbers. */
  readonly roles: Readonly<Record<number, (worker: RuntimeWorker) => PlayedRole>>;
  /** The types of messages for these roles, which the owner counts in the thread's `posted`. */
  readonly messages: readonly string[];
  /** Called when the worker becomes a thread. */
  began?(worker: RuntimeWorker): void;
  /** Waits for the user's code that the thread is started for. undefined: it failed, and the owner was told. */
  loadCode?(host: WorkerHost, code: { module?: string }): Promise<object | undefined>;
}

/** A role while a thread plays it. */
export interface PlayedRole {
  play(): Promise<void>;
  /** Receives a message. Absent where the role takes messages by takeWaiting(). */
  receive?(message: KindMessage): void;
  /** C calls the JavaScript function with this number. */
  callback?(id: number): void;
  /**
   * An error in this thread was not caught. handled() says, in a later task, whether the user's code has handled it.
   */
  uncaught?(error: unknown, handled: () => boolean): void;
  /** The thread leaves the module for good, because of an error that has nothing to do with C. */
  lose?(): void;
}

/**
 * Makes this worker a thread of the runtime, which waits inside WebAssembly for a role, plays it, and waits again.
 * Roles that need JavaScript, such as an IOThread's, leave WebAssembly whenever a message is under way.
 */
export function startWorker(host: WorkerHost, kinds: Kinds): void {
  let worker: RuntimeWorker | undefined;

  const messages = new Substitute((data) => {
    // The user's code may receive messages of its own, which the owner does not count.
    const message = data as KindMessage | InitMessage | null;
    const start = message && Object.hasOwn(kinds.others, message.type) ? kinds.others[message.type] : undefined;
    if (start) {
      start(host, message as never);
    } else if (message?.type === 'init') {
      const init = message as InitMessage;
      if (init.version !== VERSION) return loses(host, otherVersion("the worker's owner", init.version));
      worker = new RuntimeWorker(host, kinds, init);
      void worker.main();
    } else if (message && (message.type === 'instead' || message.type === 'end' || kinds.messages.includes(message.type))) {
      worker?.receive(message);
    }
  });
  host.onMessage((data) => messages.receive(data), () => messages.unreadable());
  host.onLastWords?.((error) => postError((message) => host.post(message), error, (packet) => ({ type: 'threw', error: packet })));
  host.onUncaught?.((error, handled) => {
    if (worker) worker.uncaught(error, handled);
    else void host.turn().then(() => handled() || loses(host, error));
  });
}

/** Ends this thread, and nothing else, because the error has nothing to do with C. */
function loses(host: WorkerHost, error: unknown): void {
  postError((message) => host.post(message), error, (packet) => ({ type: 'lost', error: packet }));
  host.end();
}

/** A worker that is a thread of the runtime, as its roles see it. */
export class RuntimeWorker {
  instance!: Instance;
  /** The number of messages that have arrived; the sender counts them in the thread's `posted`. */
  received = 0;
  /** The thread plays, or has played, a role in which uncaught errors concern the runtime. */
  began = false;
  /** The result of loadCode(). */
  code: object | undefined;
  private role: PlayedRole | undefined;
  private arrived: (() => void) | undefined;
  /** Messages for a role that is not played yet, or that takes its messages when it is ready. */
  private readonly waiting: KindMessage[] = [];

  constructor(readonly host: WorkerHost, private readonly kinds: Kinds, readonly init: InitMessage) {}

  post(message: FromWorker | KindMessage, transfer?: Transferable[]): void {
    this.host.post(message, transfer);
  }

  /** A message has arrived that its sender has counted, or counts. */
  counted(): void {
    this.received = (this.received + 1) >>> 0;
    this.arrived?.();
    this.arrived = undefined;
  }

  receive(message: KindMessage): void {
    if (this.role?.receive) this.role.receive(message);
    else this.waiting.push(message);
    this.counted();
  }

  /** Removes and returns the first message that no role has taken yet. */
  takeWaiting(): KindMessage | undefined {
    return this.waiting.shift();
  }

  async main(): Promise<void> {
    const { module, memory, guest, thread, code } = this.init;
    const agreed = this.host.agreeOnClock?.();
    if (code && !(this.code = await this.kinds.loadCode?.(this.host, code))) {
      this.post({ type: 'ended' });
      return this.host.end();
    }
    try {
      this.instance = await instantiate(module, memory, this.host, {
        system: (memory) => this.kinds.system(guest as never, this.host, memory, true),
        callback: (id) => this.role?.callback?.(id),
        startWorker: (wanted) => this.post({ type: 'start', thread: wanted }),
        complete() {
          throw new Error('only the owner completes requests');
        },
      });
      await agreed;
      this.kinds.began?.(this);
      const { instance, instance: { exports } } = this;
      // Neither these two nor __wasm_init_tls use the stack, which is not set up yet.
      const stackTop = exports.rt_thread_stack_top(thread);
      for (;;) {
        // An error that was thrown through C has left the stack pointer where it was, perhaps in a coroutine's stack.
        exports.stack_own(stackTop, exports.rt_thread_stack_limit(thread));
        exports.__wasm_init_tls(exports.rt_thread_tls(thread));
        exports.rt_thread_attach(thread);
        const role = exports.rt_thread_park();
        if (role === Role.end) break;
        this.post({ type: 'busy' });
        await this.play(role);
        exports.rt_thread_idle(thread);
        // pthread_exit() and exit() leave the module by an exception, too; the thread can be used again.
        instance.escaped = undefined;
        this.post({ type: 'idle', role });
      }
    } catch (error) {
      if (!(error instanceof ThreadLeave)) {
        if (!this.instance?.escaped) {
          this.role?.lose?.();
          return loses(this.host, error);
        }
        this.died(error);
      }
    }
    this.post({ type: 'ended' });
    this.host.end();
  }

  private async play(number: number): Promise<void> {
    const { exports } = this.instance;
    try {
      if (number === Role.run) exports.rt_thread_run();
      this.role = this.kinds.roles[number]?.(this);
      await this.role?.play();
    } catch (error) {
      if (error instanceof ProcessExit) this.post({ type: 'exit', code: error.exitCode, thread: this.name });
      else if (!(error instanceof ThreadLeave)) throw error;
    }
    this.role = undefined;
    if (Atomics.load(this.instance.memory.word(exports.rt_failed_word()), 0)) throw new ThreadLeave();
  }

  /** An error was not caught in this thread, and the host continues as if nothing had happened. */
  uncaught(error: unknown, handled: () => boolean): void {
    if (this.role?.uncaught) return this.role.uncaught(error, handled);
    // An error after the role has ended is no failure.
    if (this.began) return;
    void this.host.turn().then(() => {
      if (handled()) return;
      if (this.began) this.role?.uncaught?.(error, () => false);
      else loses(this.host, error);
    });
  }

  private died(error: unknown): void {
    const { exports, memory } = this.instance ?? {};
    if (exports) Atomics.store(memory.word(exports.rt_failed_word()), 0, 1);
    const message = describeDeath(error, this.name, sourceLines(this.init.module));
    postError<FromWorker>((message) => this.post(message), causeOf(error), (cause) => ({ type: 'failed', message, cause }));
  }

  /** The thread's name. */
  get name(): string {
    const { exports, memory } = this.instance ?? {};
    return (exports && memory.string(exports.rt_thread_name(this.init.thread))) || 'worker';
  }

  // ---- For roles

  /** Whether messages have been posted that have not arrived yet. posted: the thread's counter of posted messages. */
  underWay(posted: Int32Array): boolean {
    return ((Atomics.load(posted, 0) - this.received) | 0) > 0;
  }

  /**
   * Lets JavaScript receive the messages that are under way. The counter is incremented before a message is
   * delivered, so the message's own event is awaited; then other tasks get a turn, since promises that it has
   * settled may lead to more. If a message has arrived before it was counted, awaiting the next one would stop the
   * loop.
   */
  async takeMessages(posted: Int32Array): Promise<void> {
    if (this.underWay(posted)) {
      await new Promise<void>((resolve) => (this.arrived = resolve));
    }
    await this.host.turn();
  }
}
