// SPDX-License-Identifier: MIT
import { AioError, closedError, messageOf, noMemory } from '../errors.js';
import { ownerHost } from '../hosts/detect.js';
import type { MadeWorker, OwnerHost } from '../hosts/host.js';
import wasm from '../wasm.js';
import { Callbacks } from './callbacks.js';
import { closing, Ending, tell, type Closed, type CloseOptions } from './closed.js';
import { consoleGuest } from './console.js';
import { causeOf, describeDeath } from './death.js';
import type { ContextPointer } from './exports.js';
import { Functions } from './functions.js';
import type { Helpers } from './helpers.js';
import { HostedLoop } from './hosted.js';
import { instantiate, type Instance } from './instance.js';
import { load, sharedMemory } from './module.js';
import type { Part } from './part.js';
import { Pending } from './pending.js';
import { ProcessExit } from './process.js';
import { Program } from './program.js';
import type { RuntimeOptions } from './runtime-options.js';
import type { Guest } from './system.js';
import { Threads } from './threads.js';
import type { HelperInit, StartHelper } from './waiter.js';
import { LEAVE_MS } from './within.js';

/**
 * One module, one shared memory, and the threads on it, from their start to their end: what contexts,
 * IOThreads, files and guests are built on. The thread that creates it owns it: it never blocks, and
 * its event loop drives a context of its own.
 */
export class Core {
  #state: 'open' | 'closing' | 'closed' = 'open';
  #death: AioError | undefined;
  readonly #pending = new Pending();
  #closing: Promise<void> | undefined;
  /** After a failure: resolves when all workers are gone. */
  #cleared: Promise<void> | undefined;
  readonly #ending = new Ending();
  readonly #program = new Program(this, this.#pending);

  /** What is built on it. A part that others use comes before them. */
  readonly parts = new Set<Part>();
  readonly threads: Threads;
  readonly functions: Functions;
  /** For threads without Atomics.waitAsync: loaded for the first of them. */
  #helpers: Promise<Helpers> | undefined;
  readonly #makeWorker: ((name: string) => MadeWorker) | undefined;
  /** The functions that the loops of the owner call. */
  readonly callbacks: Callbacks;
  /** The owner's own context, and what drives it. */
  readonly context: ContextPointer;
  readonly loop: HostedLoop;
  readonly host: OwnerHost;
  readonly instance: Instance;
  /** Bytes that the shared memory may grow to. */
  readonly maximumMemory: number;

  private constructor(host: OwnerHost, instance: Instance, module: WebAssembly.Module, guest: Guest, options: RuntimeOptions, maximumMemory: number) {
    this.host = host;
    this.instance = instance;
    this.maximumMemory = maximumMemory;
    const { exports, memory } = instance;
    this.callbacks = new Callbacks({ instance, ran() {}, returned() {} });
    exports.rt_threads_init(options.stackSize ?? 256 * 1024, options.maxThreads ?? 128, options.reserve ?? 2);
    if (host.filesAreOwned) exports.rt_files_are_owned();
    exports.rt_handles_init(Math.random() * 2 ** 32);
    this.context = exports.rt_init();
    if (this.context === 0) throw noMemory("the owner's context");
    this.functions = new Functions(module);
    this.#makeWorker = guest.makeWorker ?? options.worker;
    this.loop = this.drive(this.context);
    this.threads = new Threads(host, instance, { module, memory: memory.memory, guest: guest.config }, {
      failed: (message, cause) => void this.#fail(message, cause),
      exit: (code, thread) => {
        if (!this.#program.exited(code)) this.#fail(`exit(${code}) was called in thread '${thread}'`);
      },
      output: (fd, bytes) => void host.write(fd, bytes),
      helper: (init) => this.#startHelper(init),
    }, this.#makeWorker);
    guest.whenReady?.((fd) => this.#fdReady(fd));
  }

  /** options have been checked. @throws AioError as Runtime.create does */
  static async create(options: RuntimeOptions): Promise<Core> {
    const host = await ownerHost();
    host.checkSupport();
    const { module, limits } = await load(options.module ?? wasm, host);
    const { shared, maximum } = sharedMemory(limits, options.maximumMemory);
    const guest = options.guest ?? (await consoleGuest(host, module, options.args ?? ['program']));
    // The instance calls the core, which needs the instance to be made.
    const made: { core?: Core } = {};
    const instance = await instantiate(module, shared, host, {
      system: (memory) => guest.system(memory),
      startWorker: (thread) => void made.core?.threads.start(thread),
      callback: (id) => void (made.core && made.core.callbacks.call(id)),
      complete: (id, result) => made.core?.completed(id, result),
    });
    const { exports } = instance;
    // The module's own stack is the owner's; --stack-first puts it at 0.
    exports.stack_own(exports.__stack_pointer.value as number, 0);
    exports._initialize();
    const core = new Core(host, instance, module, guest, options, maximum);
    made.core = core;
    core.threads.fillReserve();
    core.loop.start();
    return core;
  }

  /** Makes what drives a context of the owner's. */
  drive(context: ContextPointer): HostedLoop {
    return new HostedLoop(this.instance, context, this.host, this.startHelper, (error) => void this.#died(error));
  }

  /** C's: a request has its result, or (id 0) an IOThread has none left. */
  completed(id: number, result: number): void {
    if (id) this.#pending.complete(id, result);
    else for (const part of this.parts) part.idle?.(result);
  }

  /** Runs the program's main() in a thread of its own; resolves with its exit code. */
  async main(): Promise<number> {
    this.assertNotClosing();
    if (this.#program.started) throw new AioError('ERR_AIO_INVALID_ARG', 'main() has been called already');
    // Its worker may be one of the reserve, and those keep nothing alive.
    return this.alive(() => this.#program.start((id) => this.run(() => this.instance.exports.rt_main_start(id))));
  }

  /** The process lives until it has settled. */
  async alive<T>(work: () => Promise<T>): Promise<T> {
    const alive = this.host.keepAlive?.();
    alive?.ref();
    try {
      return await work();
    } finally {
      alive?.unref();
    }
  }

  /** Where every loop and thread is, as text, a line each. */
  dump(): string {
    const { exports, memory } = this.instance;
    return memory.string(exports.rt_dump());
  }

  get state(): string {
    return this.#death ? 'failed' : this.#state;
  }

  /** Requests that are not completed. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Calls into the module. What comes out of it otherwise than by return is the
   * runtime's end, unless it is the refusal to block. */
  run<T>(work: () => T): T {
    this.assertOpen();
    const { __stack_pointer: stack } = this.instance.exports;
    const before = stack.value as number;
    try {
      return work();
    } catch (error) {
      stack.value = before;
      const { escaped } = this.instance;
      // A call-back may not catch it, or may be one that C calls for another thread.
      throw escaped ? this.#died(escaped.error, !this.callbacks.running) : error;
    }
  }

  /** Why nothing in it can be trusted any longer, if that is so. */
  get failure(): AioError | undefined {
    const { escaped } = this.instance;
    return this.#death ?? (escaped && this.#died(escaped.error));
  }

  get hasFailed(): boolean {
    return this.failure !== undefined;
  }

  /** Why nothing is left to close: it has failed, or is closed. */
  get over(): AioError | undefined {
    return this.failure ?? (this.#state === 'closed' ? closedError('the runtime') : undefined);
  }

  assertOpen(): void {
    const { over } = this;
    if (over) throw over;
  }

  assertNotClosing(): void {
    this.assertOpen();
    if (this.#state !== 'open') throw new AioError('ERR_AIO_CLOSED', 'the runtime is being closed');
  }

  /** A request that C completes: start gets its id. holder: whose end rejects it. */
  request(holder: object, start: (id: number) => void): Promise<number> {
    return new Promise((resolve, reject) => {
      const id = this.#pending.hold(holder, { resolve, reject });
      try {
        this.run(() => start(id));
      } catch (error) {
        this.#pending.drop(id);
        reject(error as Error);
      }
    });
  }

  /** Rejects with the runtime's death, if it comes before the promise. */
  guard<T>(holder: object, promise: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#death) return reject(this.#death);
      const id = this.#pending.hold(holder, { resolve: () => {}, reject });
      promise.then(resolve, reject).finally(() => this.#pending.drop(id));
    });
  }

  /** Starts a worker that waits where there is no Atomics.waitAsync. */
  readonly startHelper: StartHelper = (init, woken, failed) => {
    this.#helpers ??= import('./helpers.js').then(({ Helpers }) => new Helpers(this.host, this.#makeWorker));
    this.#helpers.then((helpers) => helpers.start(init, woken, failed)).catch(failed);
  };

  /** An IOThread's: it hears of the word by the helper's port. */
  #startHelper(init: HelperInit): void {
    this.startHelper(init, () => {}, (error) => void this.#fail(`no worker to wait for an IOThread: ${messageOf(error)}`));
  }

  async #closeHelpers(ms: number): Promise<void> {
    // Those that could not be loaded were told of.
    const helpers = await this.#helpers?.catch(() => undefined);
    await helpers?.close(ms);
  }

  /** Workers that wait in the place of Atomics.waitAsync; undefined: none was ever needed. */
  get helpers(): Promise<Helpers> | undefined {
    return this.#helpers;
  }

  /** What the owner feeds into a stream of the program, or takes from one, changes what its loops wait for. */
  #fdReady(fd: number): void {
    if (this.#death || this.#state === 'closed') return;
    this.run(() => this.instance.exports.rt_fd_ready(fd));
  }

  /** Whatever holder waits for will not come. How much that was. */
  reject(holder: object, error: AioError): number {
    return this.#pending.reject(error, holder);
  }

  /** An error that came out of the owner's own instance of the module. */
  #died(error: unknown, heard = false): AioError {
    return this.#fail(error instanceof ProcessExit ? 'exit() was called on the owner' : describeDeath(error, 'owner'), causeOf(error), heard);
  }

  /** What everything is rejected with from now on: the first death counts. heard: the caller
   * tells somebody. */
  #fail(message: string, cause?: unknown, heard = false): AioError {
    if (this.#death) return this.#death;
    const death = new AioError('ERR_AIO_PANIC', `the runtime has failed: ${message}`, cause === undefined ? {} : { cause });
    if (this.#state === 'closed') return death;
    this.#death = death;
    let waited = this.#pending.reject(death);
    const endings = [this.#ending];
    for (const part of this.parts) {
      const failed = part.failed();
      waited += failed.waited;
      endings.push(...failed.endings);
    }
    this.loop.abandon();
    tell(death, heard || waited > 0, endings);
    this.#cleared = Promise.all([this.threads.evacuate(LEAVE_MS / 3), this.#closeHelpers(LEAVE_MS / 3)]).then(() => this.#threadsAreGone());
    return death;
  }

  /** Nobody works on any request; files that a worker which could not be ended may still use stay open. */
  async #threadsAreGone(): Promise<void> {
    for (const part of this.parts) await part.threadsGone?.(this.threads.left === 0);
  }

  /** How it ends: see Runtime.closed. */
  get closed(): Promise<Closed> {
    return this.#ending.closed;
  }

  /** Closes its parts and ends all workers: see Runtime.close. */
  close(options: CloseOptions = {}): Promise<void> {
    return closing(options, (timeout) => {
      if (this.#closing && timeout !== undefined) for (const part of this.parts) part.hurry?.(options);
      this.#closing ??= this.#shutDown(options);
      return this.#closing;
    });
  }

  async #shutDown(options: CloseOptions): Promise<void> {
    this.#state = 'closing';
    let refusal: { error: unknown } | undefined;
    for (const part of [...this.parts].reverse()) {
      await part.close(options).catch((error: unknown) => (refusal ??= { error }));
    }
    if (!this.#death) await this.#endAll();
    // A failure may have come at any time.
    await this.#cleared;
    if (refusal) throw refusal.error;
  }

  async #endAll(): Promise<void> {
    await this.threads.evacuate(LEAVE_MS);
    await this.#threadsAreGone();
    await this.loop.close();
    await this.#closeHelpers(LEAVE_MS);
    if (this.#death) return;
    this.#state = 'closed';
    this.#pending.reject(new AioError('ERR_AIO_CLOSED', 'the runtime was closed'));
    this.#ending.resolve({ workersLeft: this.threads.left });
  }
}
