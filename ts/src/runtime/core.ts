// SPDX-License-Identifier: MIT
import { AioError, closedError, messageOf, noMemory } from '../errors.js';
import { ownerHost } from '../hosts/detect.js';
import type { MadeWorker, OwnerHost } from '../hosts/host.js';
import { Callbacks } from './callbacks.js';
import { closing, Ending, tell, type Closed, type CloseOptions } from './closed.js';
import { consoleGuest } from './console.js';
import { causeOf, describeDeath, type Locate } from './death.js';
import type { ContextPointer } from './exports.js';
import { Functions } from './functions.js';
import type { Helpers } from './helpers.js';
import { HostedLoop } from './hosted.js';
import { instantiate, type Instance } from './instance.js';
import { load, sharedMemory } from './module.js';
import type { Part } from './part.js';
import { Pending } from './pending.js';
import { ProcessExit } from './process.js';
import type { Program } from './program.js';
import type { RuntimeOptions } from './runtime-options.js';
import type { Guest } from './system.js';
import { Threads } from './threads.js';
import type { HelperInit, StartHelper } from './waiter.js';
import { LEAVE_MS } from './within.js';

/**
 * One module, its shared memory, and the threads that run it, from their start to their end. Contexts, IOThreads,
 * files and guests are built on it. The thread that creates it owns it; that thread is never blocked, and its event
 * loop drives a context.
 */
export class Core {
  #state: 'open' | 'closing' | 'closed' = 'open';
  #death: AioError | undefined;
  /** The promises that the end of their holder rejects. */
  readonly pending = new Pending();
  #closing: Promise<void> | undefined;
  /** Set after a failure: resolves when all workers have ended. */
  #cleared: Promise<void> | undefined;
  readonly #ending = new Ending();
  /** Made by main(): most runtimes run no program. */
  #program: Program | undefined;

  /** The parts that are built on this core. A part that others use comes before them. */
  readonly parts = new Set<Part>();
  readonly threads: Threads;
  readonly functions: Functions;
  /** The helpers of threads without Atomics.waitAsync; loaded for the first such thread. */
  #helpers: Promise<Helpers> | undefined;
  readonly #locate: Locate | undefined;
  readonly #makeWorker: ((name: string) => MadeWorker) | undefined;
  /** The functions that the owner's loops call. */
  readonly callbacks: Callbacks;
  /** The owner's own context, which `loop` drives. */
  readonly context: ContextPointer;
  readonly loop: HostedLoop;
  readonly host: OwnerHost;
  readonly instance: Instance;
  readonly module: WebAssembly.Module;
  /** The size in bytes to which the shared memory may grow. */
  readonly maximumMemory: number;

  private constructor(host: OwnerHost, instance: Instance, module: WebAssembly.Module, guest: Guest, options: RuntimeOptions, maximumMemory: number) {
    this.host = host;
    this.instance = instance;
    this.module = module;
    this.maximumMemory = maximumMemory;
    const { exports, memory } = instance;
    this.callbacks = new Callbacks({ instance, ran() {}, returned() {} });
    exports.rt_threads_init(options.stackSize ?? 256 * 1024, options.maxThreads ?? 128, options.reserve ?? 2);
    if (host.filesAreOwned) exports.rt_files_are_owned();
    exports.rt_handles_init(Math.random() * 2 ** 32);
    this.context = exports.rt_init();
    if (this.context === 0) throw noMemory("the owner's context");
    this.functions = new Functions(module);
    this.#locate = guest.locate?.(module);
    this.#makeWorker = guest.makeWorker ?? options.worker;
    this.loop = this.drive(this.context);
    this.threads = new Threads(host, instance, { module, memory: memory.memory, guest: guest.config }, {
      failed: (message, cause) => void this.#fail(message, cause),
      died: (error) => void this.#died(error),
      exit: (code, thread) => {
        if (!this.#program?.exited(code)) this.#fail(`exit(${code}) was called in thread '${thread}'`);
      },
      output: (fd, bytes) => void host.write(fd, bytes),
      helper: (init) => this.#startHelper(init),
    }, this.#makeWorker);
    guest.whenReady?.((fd, events) => this.#fdReady(fd, events));
  }

  /** Creates a core. The options have been checked. @throws AioError as Runtime.create does */
  static async create(options: RuntimeOptions): Promise<Core> {
    const host = await ownerHost();
    await host.checkSupport();
    const { module, limits } = await load(options.module, host);
    const { shared, maximum } = await sharedMemory(limits, options.maximumMemory);
    const guest = options.guest ?? (await consoleGuest(host, module, options.args ?? ['program']));
    // The instance calls the core, but the core cannot be made before the instance.
    const made: { core?: Core } = {};
    const instance = await instantiate(module, shared, host, {
      system: (memory) => guest.system(memory),
      startWorker: (thread) => void made.core?.threads.start(thread),
      callback: (id) => void (made.core && made.core.callbacks.call(id)),
      complete: (id, result) => made.core?.completed(id, result),
    });
    const { exports } = instance;
    // The owner uses the module's own stack, which --stack-first puts at address 0.
    exports.stack_own(exports.__stack_pointer.value as number, 0);
    exports._initialize();
    const core = new Core(host, instance, module, guest, options, maximum);
    made.core = core;
    core.threads.fillReserve();
    core.loop.start();
    return core;
  }

  /** Makes the loop that drives a context of the owner's thread. */
  drive(context: ContextPointer): HostedLoop {
    return new HostedLoop(this.instance, context, this.host, this.startHelper, (error) => void this.#died(error));
  }

  /** Called by C: the request with this id has its result or, for id 0, an IOThread has no request left. */
  completed(id: number, result: number): void {
    if (id) this.pending.settle(id, 'resolve', result);
    else for (const part of this.parts) part.idle?.(result);
  }

  /** Runs the program's main() in a thread of its own and resolves with its exit code. */
  async main(): Promise<number> {
    this.assertNotClosing();
    // The worker may come from the reserve, whose workers do not keep the process alive.
    return this.alive(async () => {
      const { Program } = await import('./program.js');
      this.assertNotClosing();
      this.#program ??= new Program(this, this.pending);
      return this.#program.start((id) => this.run(() => this.instance.exports.rt_main_start(id)));
    });
  }

  /** Runs work() and keeps the process alive until its promise has settled. */
  async alive<T>(work: () => Promise<T>): Promise<T> {
    const alive = this.host.keepAlive?.();
    alive?.ref();
    try {
      return await work();
    } finally {
      alive?.unref();
    }
  }

  /** The state of every loop and thread as text, one line each. */
  dump(): string {
    const { exports, memory } = this.instance;
    return memory.string(exports.rt_dump());
  }

  get state(): string {
    return this.#death ? 'failed' : this.#state;
  }

  /**
   * Calls into the module. An error that comes out of it makes the runtime fail, unless it is a refusal, such as to
   * block.
   */
  run<T>(work: () => T): T {
    this.assertOpen();
    const { __stack_pointer: stack } = this.instance.exports;
    const before = stack.value as number;
    try {
      return work();
    } catch (error) {
      stack.value = before;
      const { escaped } = this.instance;
      // While a call-back runs, the failure counts as unheard: the call-back may swallow the error.
      throw escaped ? this.#died(escaped.error, !this.callbacks.running) : error;
    }
  }

  /** The error because of which nothing in the runtime can be trusted any longer; undefined while it works. */
  get failure(): AioError | undefined {
    const { escaped } = this.instance;
    return this.#death ?? (escaped && this.#died(escaped.error));
  }

  get hasFailed(): boolean {
    return this.failure !== undefined;
  }

  /** The error because of which nothing is left to be closed: the runtime has failed, or is closed. */
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

  /** Starts a request that C completes; start() gets its id. The end of the holder rejects the promise. */
  request(holder: object, start: (id: number) => void): Promise<number> {
    return this.ask<number>(holder, (id) => this.run(() => start(id)));
  }

  /** Starts something that pending.settle() ends; start() gets its id. The end of the holder rejects the promise. */
  ask<T>(holder: object, start: (id: number) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#death) throw this.#death;
      const id = this.pending.hold(holder, { resolve, reject });
      try {
        start(id);
      } catch (error) {
        this.pending.drop(id);
        throw error;
      }
    });
  }

  /** Settles as the promise does, or rejects with the runtime's failure if that comes first. */
  guard<T>(holder: object, promise: Promise<T>): Promise<T> {
    return this.ask(holder, (id) => {
      const settle = (how: 'resolve' | 'reject') => (result: unknown) => this.pending.settle(id, how, result);
      promise.then(settle('resolve'), settle('reject'));
    });
  }

  /** Starts a worker that waits where there is no Atomics.waitAsync. */
  readonly startHelper: StartHelper = (init, woken, failed) => {
    this.#helpers ??= import('./helpers.js').then(({ Helpers }) => new Helpers(this.host, this.#makeWorker));
    this.#helpers.then((helpers) => helpers.start(init, woken, failed)).catch(failed);
  };

  /** Starts a helper for an IOThread, which is told by the helper's port when the word was notified. */
  #startHelper(init: HelperInit): void {
    this.startHelper(init, () => {}, (error) => void this.#fail(`cannot start the helper worker that stands in for Atomics.waitAsync: ${messageOf(error)}`));
  }

  async #closeHelpers(ms: number): Promise<void> {
    // If the helpers could not be loaded, that was reported when it happened.
    const helpers = await this.#helpers?.catch(() => undefined);
    await helpers?.close(ms);
  }

  /** The workers that wait in place of Atomics.waitAsync; undefined if none was ever needed. */
  get helpers(): Promise<Helpers> | undefined {
    return this.#helpers;
  }

  /**
   * Called when the owner has written to, or read from, a stream of the program: loops that wait for the fd must look
   * again.
   */
  #fdReady(fd: number, events: number): void {
    if (this.#death || this.#state === 'closed') return;
    this.run(() => this.instance.exports.rt_fd_ready(fd, events));
  }

  /** Fails because of an error that came out of the owner's own instance of the module. */
  #died(error: unknown, heard = false): AioError {
    return this.#fail(error instanceof ProcessExit ? 'exit() was called on the owner' : describeDeath(error, 'owner', this.#locate), causeOf(error), heard);
  }

  /**
   * Lets the runtime fail: from now on every call rejects with this error. Only the first failure counts. heard: the
   * caller reports it to somebody.
   */
  #fail(message: string, cause?: unknown, heard = false): AioError {
    if (this.#death) return this.#death;
    const death = new AioError('ERR_AIO_PANIC', `the runtime has failed: ${message}`, cause === undefined ? {} : { cause });
    if (this.#state === 'closed') return death;
    this.#death = death;
    let waited = this.pending.reject(death);
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

  /**
   * Tells the parts that the threads have ended. Files that a worker may still use, because it could not be ended,
   * stay open.
   */
  async #threadsAreGone(): Promise<void> {
    for (const part of this.parts) await part.threadsGone?.(this.threads.left === 0);
  }

  /** Settles when the runtime has ended: see Runtime.closed. */
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
    // The runtime may have failed meanwhile.
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
    this.pending.reject(new AioError('ERR_AIO_CLOSED', 'the runtime was closed'));
    this.#ending.resolve({ workersLeft: this.threads.left });
  }
}
