// SPDX-License-Identifier: MIT
import type { FileTable } from '../api/file-table.js';
import type { RequestServer } from '../api/open-file.js';
import { AioError, messageOf } from '../errors.js';
import { Ending, tell } from '../runtime/closed.js';
import type { Core } from '../runtime/core.js';
import type { ContextPointer, IOThreadPointer } from '../runtime/exports.js';
import type { Loss, OwnWorker, Thread } from '../runtime/threads.js';
import { HUNG_AFTER, Watchdog } from '../runtime/watchdog.js';
import { after, LEAVE_MS, within } from '../runtime/within.js';
import type { Handle } from '../wire/handle.js';
import type { Answers } from './answers.js';

/** How long an IOThread may take to start, and to end, if the caller gives no time-out. */
const START_MS = 10_000;
const CLOSE_MS = 60_000;

/** The runtime of an IOThread, as the IOThread sees it. @internal */
export interface IOThreadOwner {
  readonly core: Core;
  readonly answers: Answers;
  readonly files: FileTable;
  /**
   * Functions to call when no thread works on an IOThread's requests any more, by the IOThread's pointer. A thread frees its
   * IOThread before the owner hears of its end, so that the next one may already have the same pointer.
   */
  readonly whenIdle: Map<number, () => void>;
  /** Makes an object of the owner's thread of a handle that an IOThread has sent. */
  readonly fromHandle: (handle: Handle) => unknown;
  /** Removes an IOThread that has ended. */
  forget(ioThread: object): void;
}

/** What an IOThread does when its thread ends. */
interface LifeHooks {
  /** Posts the message that tells the thread to end. No message is sent after it. */
  seal(): void;
  /** No answers will arrive any more. */
  cutOff(): void;
  /** Takes the answers that have arrived. */
  drain(): void;
}

/** The thread of an IOThread, from its start to its end. @internal */
export class IOThreadLife {
  /** The error of all calls after the IOThread has ended in another way than by close(). */
  over: AioError | undefined;
  closing: Promise<void> | undefined;
  readonly ending = new Ending();
  /** The file with the user's code has been loaded. */
  loaded = false;
  serving: (() => void) | undefined;
  /** The thread was told to end, and may free the IOThread, and its context, at any time. */
  told = false;
  /** The thread did not end by itself: the error that close() rejects with. */
  private hung: AioError | undefined;
  /** The thread was terminated, or is lost. */
  private killed = false;
  /** Resolves when the thread's role is over, for whatever reason. */
  private readonly ended: Promise<void>;
  private isOver = false;
  whenEnded!: () => void;
  /** Resolves when no thread works on its requests any more, which may be some time after it was lost. */
  readonly idle: Promise<void>;
  private isIdle!: () => void;

  constructor(
    private readonly owner: IOThreadOwner, private readonly io: RequestServer & { readonly name: string }, private readonly pointer: IOThreadPointer,
    private readonly context: ContextPointer, private readonly thread: Thread, private readonly code: OwnWorker | undefined,
    private readonly hooks: LifeHooks,
  ) {
    this.ended = new Promise((resolve) => (this.whenEnded = () => {
      this.isOver = true;
      resolve();
    }));
    this.idle = new Promise((resolve) => (this.isIdle = () => {
      if (this.hasPointer) owner.whenIdle.delete(pointer);
      resolve();
    }));
    owner.whenIdle.set(pointer, this.isIdle);
    thread.onLost = (loss) => this.lost(loss);
  }

  /** No other IOThread has got its pointer since. */
  private get hasPointer(): boolean {
    return this.owner.whenIdle.get(this.pointer) === this.isIdle;
  }

  get hasEnded(): boolean {
    return this.isOver || !this.hasPointer;
  }

  private get what(): string {
    return `IOThread '${this.io.name}'`;
  }

  private get attached(): boolean {
    return this.owner.core.instance.exports.rt_thread_attached(this.thread.pointer) !== 0;
  }

  // ---- The start

  /** Rejects if the thread does not start. begun() resolves when it has. */
  async start(begun: () => Promise<unknown>, ms = START_MS): Promise<void> {
    const cancel = after(ms, () => {
      const { attached } = this;
      // Once the user's code has called serve(), it may take as long as it needs.
      if ((attached && this.code) || this.over) return;
      const file = this.loaded ? 'its worker file has not called serve()' : "its worker file does not import 'wasm-aio/iothread', or has not been loaded yet";
      this.kill(new AioError('ERR_AIO_TIMEOUT', `${this.what}: after ${ms / 1000} s ${this.code ? file : attached ? 'its loop does not answer' : 'its worker has not started'} (startTimeout)`));
    });
    try {
      await begun();
    } finally {
      cancel();
      // Wait until the name can be used again before the caller is told.
      if (this.killed) await this.ended;
    }
  }

  /** The user's code failed before it served anything. attached: it had called serve(). */
  unserved(error: unknown, attached: boolean): void {
    const what = this.code?.module && !attached ? `${this.code.module} cannot be loaded` : 'the function given to serve() failed';
    this.over = new AioError('ERR_AIO_INVALID_ARG', `${this.what}: ${what}: ${messageOf(error)}`, { cause: error });
    if (attached) this.close().catch(() => {});
    else this.thread.giveUp('');
  }

  // ---- The end

  /** Terminates the thread whatever it is doing. Its pending calls reject with the error at once. */
  private kill(error: AioError): void {
    this.over = error;
    this.hooks.cutOff();
    this.owner.core.pending.reject(error, this.io);
    this.killed = true;
    this.thread.kill();
  }

  private lost(loss: Loss): void {
    const { owner, owner: { core, files }, pointer } = this;
    const { exports } = core.instance;
    const { thrown } = loss;
    // It does not matter how a thread ends that was told to. In particular, promises that its end rejects, and that nobody
    // catches there, are no failure.
    const asked = this.over !== undefined || this.hung !== undefined || (this.told && (!thrown || isClosed(thrown.error)));
    this.over ??= this.told && thrown && asked ? this.closedError() : this.lossError(loss);
    owner.forget(this.io);
    this.hooks.drain();
    this.hooks.cutOff();
    if (loss.refused) {
      exports.rt_iothread_free(pointer);
      this.isIdle();
    }
    void files.closeAllOf(this.io).catch(() => {});
    void within(LEAVE_MS, this.idle).then(() => files.giveUp(this.io));
    const heard = core.pending.reject(this.over, this.io) > 0 || core.hasFailed;
    this.killed = true;
    if (!asked) tell(this.over, heard, [this.ending]);
    this.whenEnded();
  }

  private lossError({ refused, why, thrown }: Loss): AioError {
    const options = thrown && { cause: thrown.error };
    if (this.hung) return new AioError('ERR_AIO_THREAD_LOST', this.hung.message, { cause: this.hung });
    if (!refused) {
      const what = thrown ? `uncaught error in its worker: ${messageOf(thrown.error)}` : why;
      return new AioError('ERR_AIO_THREAD_LOST', `${this.what} ended: ${what}`, options);
    }
    return this.code
      ? new AioError('ERR_AIO_INVALID_ARG', `${this.what}: its worker file cannot be loaded: ${why}${thrown ? '' : '; does it call serve() (wasm-aio/iothread)?'}`, options)
      : new AioError('ERR_AIO_THREAD_LIMIT', `no worker for ${this.what}: ${why}`, options);
  }

  private closedError(): AioError {
    return new AioError('ERR_AIO_CLOSED', `${this.what} was closed`);
  }

  /** exit() was called in the thread, which is reported to others. */
  left(): void {
    if (this.told) return this.whenEnded();
    this.over ??= new AioError('ERR_AIO_THREAD_LOST', `${this.what} ended: exit() was called in it`);
    this.lost({ refused: false, why: '', thrown: undefined });
    this.killed = false;
  }

  /** The runtime has failed. */
  failed(): Ending {
    this.whenEnded();
    return this.ending;
  }

  terminate(): Promise<void> {
    if (!this.killed && !this.hung) this.kill(new AioError('ERR_AIO_THREAD_LOST', `${this.what} was terminated`));
    return this.close();
  }

  close(timeout?: number): Promise<void> {
    const first = !this.closing;
    this.closing ??= this.stop();
    if (first || timeout !== undefined) {
      const ms = timeout ?? CLOSE_MS;
      void this.ended.then(after(ms, () => this.hangs(`it had ${ms / 1000} s (timeout)`)));
    }
    return this.closing;
  }

  private hangs(why: string): void {
    if (this.killed) return;
    this.killed = true;
    this.hung = new AioError('ERR_AIO_TIMEOUT', `${this.what} did not end, and was terminated: ${why}`);
    this.thread.kill();
  }

  private async stop(): Promise<void> {
    const { owner, owner: { core, files }, thread } = this;
    if (!this.killed && !core.hasFailed) {
      const watchdog = new Watchdog(core.instance, thread.pointer, this.context, () => {
        this.hangs(`a function in it has not returned for ${HUNG_AFTER}`);
      });
      await Promise.race([files.closeAllOf(this.io), this.ended]);
      if (!this.killed && !core.hasFailed) this.tellToEnd(watchdog);
      await this.ended;
      watchdog.stop();
    }
    await this.ended;
    // The package's own worker is used again, unless it was terminated.
    const gone = this.code || this.killed ? await thread.gone : true;
    owner.forget(this.io);
    this.hooks.drain();
    this.hooks.cutOff();
    core.pending.reject(this.over ?? this.closedError(), this.io);
    if (!this.killed) this.isIdle();
    if (this.hung) this.ending.reject(this.hung);
    else this.ending.resolve({ workersLeft: Number(!gone) });
    if (this.hung) throw this.hung;
  }

  private tellToEnd(watchdog: Watchdog): void {
    const { core } = this.owner;
    // The thread has not started yet, so it cannot be told.
    if (!this.attached) return this.kill(new AioError('ERR_AIO_CLOSED', `${this.what} was closed before it had started`));
    this.told = true;
    this.hooks.seal();
    core.instance.exports.rt_iothread_request_stop(this.pointer);
    watchdog.leaving();
  }
}

const isClosed = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === 'ERR_AIO_CLOSED';
