// SPDX-License-Identifier: MIT
import { Buffers, type AioBuffer } from '../api/buffer.js';
import { AioContext } from '../api/context.js';
import { FileTable } from '../api/file-table.js';
import type { HomeThread } from '../api/handle.js';
import { IOThread } from '../api/iothread.js';
import { startOptions, type IOThreadCode, type IOThreadInfo, type IOThreadOptions, type IOThreadStartOptions, type StartOptions } from '../api/iothread-options.js';
import { abortable, signalOf, type WaitOptions } from '../abort.js';
import { isText, optionsOf } from '../check.js';
import { AioError, closedError, messageOf, noMemory } from '../errors.js';
import { showAs } from '../face.js';
import { errnoName } from '../errno.js';
import { ownerHost } from '../hosts/detect.js';
import type { OwnerHost } from '../hosts/host.js';
import wasm from '../wasm.js';
import { Callbacks } from './callbacks.js';
import { consoleGuest } from './console.js';
import { ProcessExit } from './process.js';
import type { Guest } from './system.js';
import { closing, Ending, tell, type Closed, type CloseOptions } from './closed.js';
import type { ContextPointer, Pointer } from './exports.js';
import { Functions, int32, type Argument } from './functions.js';
import { Helpers } from './helpers.js';
import { HostedLoop } from './hosted.js';
import { causeOf, describeDeath } from './death.js';
import { cString, instantiate, refusal, type Instance } from './instance.js';
import { load, sharedMemory } from './module.js';
import { Pending } from './pending.js';
import { Program } from './program.js';
import { runtimeChecks, type RuntimeOptions } from './runtime-options.js';
import { Threads } from './threads.js';
import type { HelperInit } from './waiter.js';
import { LEAVE_MS } from './watchdog.js';
import { within } from './within.js';

/**
 * One module, one shared memory, and the threads on it. The thread that creates
 * it owns it: it never blocks, and its event loop drives a context of its own.
 */
export class Runtime {
  #state: 'open' | 'closing' | 'closed' = 'open';
  #death: AioError | undefined;
  readonly #pending = new Pending();
  readonly #ioThreads = new Set<IOThread>();
  #closing: Promise<void> | undefined;
  /** After a failure: resolves when all workers are gone. */
  #cleared: Promise<void> | undefined;
  readonly #ending = new Ending();
  readonly #program = new Program(this, this.#pending);
  /** What tells an IOThread that nobody works on its requests any more; by its pointer. @internal */
  readonly idle = new Map<number, () => void>();

  /** @internal */ readonly threads: Threads;
  /** @internal */ readonly files: FileTable;
  /** @internal */ readonly buffers: Buffers;
  /** @internal */ readonly functions: Functions;
  /** Where Atomics.waitAsync is missing. @internal */ readonly helpers: Helpers;
  readonly #loop: HostedLoop;
  /** This thread, as the objects of its contexts need it. */
  readonly #home: HomeThread;
  /** Those beside the first one. */
  readonly #contexts = new Set<AioContext>();
  /** The functions that its loops call. */
  readonly #callbacks: Callbacks;

  /** @internal */ readonly host: OwnerHost;
  /** @internal */ readonly instance: Instance;

  private constructor(host: OwnerHost, instance: Instance, module: WebAssembly.Module, guest: Guest, options: RuntimeOptions, maximumMemory: number) {
    this.host = host;
    this.instance = instance;
    const { exports, memory } = instance;
    this.#callbacks = new Callbacks({ instance, ran() {}, returned() {} });
    exports.rt_threads_init(options.stackSize ?? 256 * 1024, options.maxThreads ?? 128, options.reserve ?? 2);
    if (host.filesAreOwned) exports.rt_files_are_owned();
    exports.rt_handles_init(Math.random() * 2 ** 32);
    const context = exports.rt_init();
    if (context === 0) throw noMemory("the owner's context");
    this.functions = new Functions(module);
    const makeWorker = guest.makeWorker ?? options.worker;
    this.helpers = new Helpers(host, makeWorker);
    this.#loop = this.#drive(context);
    this.#home = this.#asHome();
    this.context = AioContext.make(this.#home, context, 'owner', this.#loop);
    this.threads = new Threads(host, instance, { module, memory: memory.memory, guest: guest.config }, {
      failed: (message, cause) => void this.#fail(message, cause),
      exit: (code, thread) => {
        if (!this.#program.exited(code)) this.#fail(`exit(${code}) was called in thread '${thread}'`);
      },
      output: (fd, bytes) => void host.write(fd, bytes),
      helper: (init) => this.#startHelper(init),
    }, makeWorker);
    guest.whenReady?.((fd) => this.#fdReady(fd));
    this.files = new FileTable(this);
    this.buffers = new Buffers(instance, maximumMemory, (work) => this.run(work));
  }

  /** The owner's own loop, which lives on this thread's JavaScript event loop. */
  readonly context: AioContext;

  /** This thread, as the objects of its contexts need it. */
  #asHome(): HomeThread {
    const runtime = this;
    return {
      instance: this.instance,
      callbacks: this.#callbacks,
      get context() {
        return runtime.context;
      },
      get over() {
        return runtime.#failure ?? (runtime.#state === 'closed' ? closedError('the runtime') : undefined);
      },
      run: (work) => this.run(work),
    };
  }

  /**
   * A further loop on this thread's JavaScript event loop, with objects of its own.
   * @throws AioError ERR_AIO_INVALID_ARG (the name is taken), ERR_AIO_NO_MEMORY
   */
  createContext(name: string): AioContext {
    isText('name', name);
    this.#assertNotClosing();
    const { exports } = this.instance;
    const text = cString(this.instance, name);
    const pointer = this.run(() => exports.rt_context_new(text));
    exports.rt_free(text);
    if (pointer === 0) throw refusal(this.instance, `context '${name}'`);
    const loop = this.#drive(pointer);
    const context = AioContext.make(this.#home, pointer, name, loop, async () => {
      await loop.close();
      this.#contexts.delete(context);
      if (this.#home.over) return;
      if (!this.run(() => exports.rt_context_free(pointer))) throw refusal(this.instance, name);
    });
    this.#contexts.add(context);
    loop.start();
    return context;
  }

  #drive(context: ContextPointer): HostedLoop {
    return new HostedLoop(this.instance, context, this.host, this.helpers.start, (error) => void this.#died(error));
  }

  /**
   * @throws AioError ERR_AIO_UNSUPPORTED (what is missing here), ERR_AIO_MODULE,
   * ERR_AIO_NO_MEMORY; the signal's reason
   */
  static async create(options: RuntimeOptions = {}): Promise<Runtime> {
    const checked = optionsOf(options, runtimeChecks);
    return abortable(checked.signal, () => Runtime.#createNow(checked), (runtime) => runtime.close());
  }

  static async #createNow(options: RuntimeOptions): Promise<Runtime> {
    const host = await ownerHost();
    host.checkSupport();
    const { module, limits } = await load(options.module ?? wasm, host);
    const { shared, maximum } = sharedMemory(limits, options.maximumMemory);
    const guest = options.guest ?? consoleGuest(host, options.args ?? ['program']);
    // The instance calls the runtime, which needs the instance to be made.
    const made: { runtime?: Runtime } = {};
    const instance = await instantiate(module, shared, host, {
      system: (memory) => guest.system(memory),
      startWorker: (thread) => void made.runtime?.threads.start(thread),
      callback: (id) => void (made.runtime && made.runtime.#callbacks.call(id)),
      complete: (id, result) => made.runtime?.completed(id, result),
    });
    const { exports } = instance;
    // The module's own stack is the owner's; --stack-first puts it at 0.
    exports.stack_own(exports.__stack_pointer.value as number, 0);
    exports._initialize();
    const runtime = new Runtime(host, instance, module, guest, options, maximum);
    made.runtime = runtime;
    runtime.threads.fillReserve();
    runtime.#loop.start();
    return runtime;
  }

  /** @internal */
  completed(id: number, result: number): void {
    if (id) this.#pending.complete(id, result);
    else this.idle.get(result)?.();
  }

  /** The workers that there are now. */
  get workerCount(): number {
    return this.threads.count;
  }

  /**
   * Starts an IOThread: a worker that runs an event loop in WebAssembly; with `worker` or
   * `module` one that also runs the file which they name. That calls serve(), and what it gives
   * is `remote` here: `iothread<Disk>('disk', { worker: () => new Worker(…) })`.
   * @throws AioError ERR_AIO_THREAD_LIMIT, ERR_AIO_INVALID_ARG (the name is taken; the file does
   * not load: see `cause`), ERR_AIO_TIMEOUT (it does not start, or call serve(), within
   * `startTimeout`); the signal's reason
   */
  async iothread(name: string, options?: IOThreadOptions & IOThreadStartOptions & { worker?: undefined; module?: undefined }): Promise<IOThread>;
  async iothread<T>(name: string, options: IOThreadOptions & IOThreadCode & IOThreadStartOptions): Promise<IOThread<T>>;
  async iothread<T>(name: string, options: StartOptions = {}): Promise<IOThread<T>> {
    const checked = startOptions(name, options);
    this.#assertNotClosing();
    return abortable(checked.signal, () => {
      const ioThread = this.run(() => IOThread.start<T>(this, name, checked));
      this.#ioThreads.add(ioThread);
      return ioThread.ready(checked);
    }, (ioThread) => ioThread.close());
  }

  /** What QMP's query-iothreads tells, and counters, of every IOThread that is open. */
  async iothreads(): Promise<IOThreadInfo[]> {
    this.assertOpen();
    return [...this.#ioThreads].map((ioThread) => ioThread.query());
  }

  /** @internal */
  forget(ioThread: IOThread): void {
    this.#ioThreads.delete(ioThread);
  }

  /**
   * Bytes in the shared memory, zeros: files read and write them without a copy.
   * @throws AioError ERR_AIO_NO_MEMORY, ERR_AIO_INVALID_ARG
   */
  allocate(length: number): AioBuffer {
    this.assertOpen();
    return this.buffers.allocate(length);
  }

  /**
   * Calls an exported C function of the module in this thread. Its parameters decide what the
   * arguments may be: a 64-bit integer is a bigint or a safe integer, and comes back as a bigint.
   * @throws AioError ERR_AIO_INVALID_ARG (no such function; an argument that it does not take),
   * ERR_AIO_WOULD_BLOCK if it would block
   */
  call(name: string, ...args: Argument[]): unknown {
    const converted = this.functions.convert(name, args);
    const { exports } = this.instance;
    const work = (exports as unknown as Record<string, (...args: Argument[]) => unknown>)[name];
    // C, this frame, C: a coroutine cannot yield across it.
    exports.rt_coroutine_fence(1);
    try {
      return this.run(() => work?.(...converted));
    } finally {
      exports.rt_coroutine_fence(-1);
    }
  }

  /**
   * Runs an exported C coroutine (AIO_EXPORT_COROUTINE) in this thread's event loop;
   * argument is an integer or an address. Resolves with what it returns. A signal ends the
   * wait, not the coroutine.
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_PANIC; the signal's reason
   */
  async coroutine(name: string, argument: Argument = 0, options: WaitOptions = {}): Promise<number> {
    const signal = signalOf(options);
    isText('name', name);
    this.#assertNotClosing();
    return abortable(signal, () => this.#alive(() => this.startCoroutine(this, this.context.pointer, name, argument)));
  }

  /** In any context; holder is whose end rejects it. @internal */
  startCoroutine(holder: object, context: ContextPointer, name: string, argument: Argument): Promise<number> {
    const { exports } = this.instance;
    const exported = (exports as unknown as Record<string, unknown>)[`coroutine:${name}`];
    if (typeof exported !== 'function') {
      throw new AioError('ERR_AIO_INVALID_ARG', `name: the module exports no coroutine '${name}' (AIO_EXPORT_COROUTINE)`);
    }
    const value = int32('argument', argument);
    const described = (exported as () => Pointer<'AioExportedCoroutine'>)();
    return this.request(holder, (id) => {
      if (!exports.rt_coroutine_start(context, described, value, id)) throw noMemory(`the stacks of coroutine '${name}'`);
    });
  }

  /** Where every loop and thread is, as text, a line each. */
  dump(): string {
    const { exports, memory } = this.instance;
    return memory.string(exports.rt_dump());
  }

  /**
   * Runs the program's main() in a thread of its own; resolves with its exit code. A signal
   * ends the wait, close() the program.
   * @throws AioError ERR_AIO_THREAD_LIMIT, ERR_AIO_CANCELED, ERR_AIO_PANIC; the signal's reason
   */
  async main(options: WaitOptions = {}): Promise<number> {
    const signal = signalOf(options);
    this.#assertNotClosing();
    if (this.#program.started) throw new AioError('ERR_AIO_INVALID_ARG', 'main() has been called already');
    // Its worker may be one of the reserve, and those keep nothing alive.
    return abortable(signal, () => this.#alive(() => this.#program.start((id) => this.run(() => this.instance.exports.rt_main_start(id)))));
  }

  /** The process lives until it has settled. */
  async #alive<T>(work: () => Promise<T>): Promise<T> {
    const alive = this.host.keepAlive?.();
    alive?.ref();
    try {
      return await work();
    } finally {
      alive?.unref();
    }
  }

  /** @internal */
  get state(): string {
    return this.#death ? 'failed' : this.#state;
  }

  /** What calls and call-backs hold here. @internal */
  get held(): { callbacks: number; pending: number } {
    return { callbacks: this.#callbacks.size, pending: this.#pending.size };
  }

  /** Those that have not ended. @internal */
  get ioThreads(): IOThread[] {
    return [...this.#ioThreads];
  }

  /** Calls into the module. What comes out of it otherwise than by return is the
   * runtime's end, unless it is the refusal to block. @internal */
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
      throw escaped ? this.#died(escaped.error, !this.#callbacks.running) : error;
    }
  }

  /** Why nothing in it can be trusted any longer, if that is so. */
  get #failure(): AioError | undefined {
    const { escaped } = this.instance;
    return this.#death ?? (escaped && this.#died(escaped.error));
  }

  /** @internal */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** @internal */
  assertOpen(): void {
    const failure = this.#failure;
    if (failure) throw failure;
    if (this.#state === 'closed') throw new AioError('ERR_AIO_CLOSED', 'the runtime is closed');
  }

  #assertNotClosing(): void {
    this.assertOpen();
    if (this.#state !== 'open') throw new AioError('ERR_AIO_CLOSED', 'the runtime is being closed');
  }

  /** A request that C completes: start gets its id. @internal */
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

  /** Rejects with the runtime's death, if it comes before the promise. @internal */
  guard<T>(holder: object, promise: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#death) return reject(this.#death);
      const id = this.#pending.hold(holder, { resolve: () => {}, reject });
      promise.then(resolve, reject).finally(() => this.#pending.drop(id));
    });
  }

  /** An IOThread's: it hears of the word by the helper's port. */
  #startHelper(init: HelperInit): void {
    const failed = (error: unknown): void => void this.#fail(`no worker to wait for an IOThread: ${messageOf(error)}`);
    try {
      this.helpers.start(init, () => {}, failed);
    } catch (error) {
      failed(error);
    }
  }

  /** What the owner feeds into a stream of the program, or takes from one, changes what its loops wait for. */
  #fdReady(fd: number): void {
    if (this.#death || this.#state === 'closed') return;
    this.run(() => this.instance.exports.rt_fd_ready(fd));
  }

  /** Whatever holder waits for will not come. How much that was. @internal */
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
    for (const context of [this.context, ...this.#contexts]) waited += context.abandon();
    tell(death, heard || waited > 0, [this.#ending, ...[...this.#ioThreads].map(({ life }) => life.failed())]);
    this.#cleared = Promise.all([this.threads.evacuate(LEAVE_MS / 3), this.helpers.close(LEAVE_MS / 3)]).then(() => this.#threadsAreGone());
    return death;
  }

  /** Nobody works on any request; files that a worker which could not be ended may still use stay open. */
  async #threadsAreGone(): Promise<void> {
    if (this.threads.left === 0) for (const isIdle of this.idle.values()) isIdle();
    await within(LEAVE_MS / 3, this.files.closeRest(this.threads.left === 0));
  }

  /**
   * How the runtime ends: resolves when close() has ended it, rejects with ERR_AIO_PANIC when it
   * fails. A failure that rejects no call, and that nobody waits for here, is an uncaught error.
   */
  get closed(): Promise<Closed> {
    return this.#ending.closed;
  }

  /**
   * Closes the IOThreads and ends all workers; `timeout` is each IOThread's. Idempotent. After a
   * failure it ends what is left.
   * @throws AioError ERR_AIO_TIMEOUT, when all is done: an IOThread had to be terminated, as
   * {@link IOThread.close} tells; ERR_AIO_INVALID_ARG
   */
  close(options: CloseOptions = {}): Promise<void> {
    return closing(options, (timeout) => {
      if (this.#closing && timeout !== undefined) for (const ioThread of this.#ioThreads) ioThread.close(options).catch(() => {});
      this.#closing ??= this.#shutDown(options);
      return this.#closing;
    });
  }

  async #shutDown(options: CloseOptions): Promise<void> {
    this.#state = 'closing';
    const ended = await Promise.allSettled([...this.#ioThreads].map((ioThread) => ioThread.close(options)));
    // A host that does not close a file is not waited for.
    if (!this.#death) await within(LEAVE_MS, this.files.close());
    if (!this.#death) await this.#endAll();
    // A failure may have come at any time.
    await this.#cleared;
    for (const end of ended) if (end.status === 'rejected') throw end.reason as AioError;
  }

  async #endAll(): Promise<void> {
    await Promise.allSettled([...this.#contexts].map((context) => context.close()));
    this.context.closeAll();
    await this.threads.evacuate(LEAVE_MS);
    await this.#threadsAreGone();
    await this.#loop.close();
    await this.helpers.close(LEAVE_MS);
    if (this.#death) return;
    this.#state = 'closed';
    this.#pending.reject(new AioError('ERR_AIO_CLOSED', 'the runtime was closed'));
    this.#ending.resolve({ workersLeft: this.threads.left });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
showAs('Runtime', Runtime, ['state', 'ioThreads', 'workerCount']);

/** The error of a request whose result is negative. @internal */
export function resultError(result: number, what: string): AioError {
  const errno = errnoName(-result);
  if (errno === 'ENOMEM') return noMemory(what);
  return new AioError(errno === 'ECANCELED' ? 'ERR_AIO_CANCELED' : 'ERR_AIO_IO', `${what}: ${errno}`, { errno });
}
