// SPDX-License-Identifier: MIT
import { Buffers, type AioBuffer } from '../api/buffer.js';
import type { AioContext } from '../api/context.js';
import { abortable, signalOf, type WaitOptions } from '../abort.js';
import { isText, optionsOf } from '../check.js';
import { showAs } from '../face.js';
import type { OwnerHost } from '../hosts/host.js';
import type { IOThread } from '../iothread/iothread.js';
import type * as iothreads from '../iothread/iothreads.js';
import type { IOThreadCode, IOThreadInfo, IOThreadOptions, IOThreadStartOptions, StartOptions } from '../iothread/options.js';
import type { Closed, CloseOptions } from '../runtime/closed.js';
import { Core } from '../runtime/core.js';
import { startCoroutine } from '../runtime/coroutine.js';
import type { Argument } from '../runtime/functions.js';
import type { Helpers } from '../runtime/helpers.js';
import type { Instance } from '../runtime/instance.js';
import { runtimeChecks, type RuntimeOptions } from '../runtime/runtime-options.js';
import type { Threads } from '../runtime/threads.js';
import type { StartHelper } from '../runtime/waiter.js';
import { OwnContexts } from './own-contexts.js';

/** What IOThreads and their files need: loaded for the first IOThread of all. */
let ioThreadCode: typeof iothreads | undefined;

/**
 * One module, one shared memory, and the threads on it. The thread that creates
 * it owns it: it never blocks, and its event loop drives a context of its own.
 */
export class Runtime {
  readonly #core: Core;
  readonly #contexts: OwnContexts;
  readonly #buffers: Buffers;
  #ioThreads: iothreads.IOThreads | undefined;

  private constructor(core: Core) {
    this.#core = core;
    this.#contexts = new OwnContexts(core);
    this.context = this.#contexts.context;
    this.#buffers = new Buffers(core);
  }

  /** The owner's own loop, which lives on this thread's JavaScript event loop. */
  readonly context: AioContext;

  /**
   * A further loop on this thread's JavaScript event loop, with objects of its own.
   * @throws AioError ERR_AIO_INVALID_ARG (the name is taken), ERR_AIO_NO_MEMORY
   */
  createContext(name: string): AioContext {
    isText('name', name);
    this.#core.assertNotClosing();
    return this.#contexts.create(name);
  }

  /**
   * @throws AioError ERR_AIO_UNSUPPORTED (what is missing here), ERR_AIO_MODULE,
   * ERR_AIO_NO_MEMORY; the signal's reason
   */
  static async create(options: RuntimeOptions = {}): Promise<Runtime> {
    const checked = optionsOf(options, runtimeChecks);
    return abortable(checked.signal, async () => new Runtime(await Core.create(checked)), (runtime) => runtime.close());
  }

  /** The workers that there are now. */
  get workerCount(): number {
    return this.#core.threads.count;
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
    ioThreadCode ??= await import('../iothread/iothreads.js');
    // close() ends those alone that are there when it is called.
    this.#core.assertNotClosing();
    this.#ioThreads ??= new ioThreadCode.IOThreads(this.#core, this.#buffers, (handle) => this.context.fromHandle(handle));
    return this.#ioThreads.start<T>(name, options);
  }

  /** What QMP's query-iothreads tells, and counters, of every IOThread that is open. */
  async iothreads(): Promise<IOThreadInfo[]> {
    this.#core.assertOpen();
    return this.#ioThreads?.query() ?? [];
  }

  /**
   * Bytes in the shared memory, zeros: files read and write them without a copy.
   * @throws AioError ERR_AIO_NO_MEMORY, ERR_AIO_INVALID_ARG
   */
  allocate(length: number): AioBuffer {
    this.#core.assertOpen();
    return this.#buffers.allocate(length);
  }

  /**
   * Calls an exported C function of the module in this thread. Its parameters decide what the
   * arguments may be: a 64-bit integer is a bigint or a safe integer, and comes back as a bigint.
   * @throws AioError ERR_AIO_INVALID_ARG (no such function; an argument that it does not take),
   * ERR_AIO_WOULD_BLOCK if it would block
   */
  call(name: string, ...args: Argument[]): unknown {
    const converted = this.#core.functions.convert(name, args);
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
    const core = this.#core;
    core.assertNotClosing();
    return abortable(signal, () => core.alive(() => startCoroutine(core, this, core.context, name, argument)));
  }

  /** Where every loop and thread is, as text, a line each. */
  dump(): string {
    return this.#core.dump();
  }

  /**
   * Runs the program's main() in a thread of its own; resolves with its exit code. A signal
   * ends the wait, close() the program.
   * @throws AioError ERR_AIO_THREAD_LIMIT, ERR_AIO_CANCELED, ERR_AIO_PANIC; the signal's reason
   */
  async main(options: WaitOptions = {}): Promise<number> {
    const signal = signalOf(options);
    return abortable(signal, () => this.#core.main());
  }

  /**
   * How the runtime ends: resolves when close() has ended it, rejects with ERR_AIO_PANIC when it
   * fails. A failure that rejects no call, and that nobody waits for here, is an uncaught error.
   */
  get closed(): Promise<Closed> {
    return this.#core.closed;
  }

  /**
   * Closes the IOThreads and ends all workers; `timeout` is each IOThread's. Idempotent. After a
   * failure it ends what is left.
   * @throws AioError ERR_AIO_TIMEOUT, when all is done: an IOThread had to be terminated, as
   * {@link IOThread.close} tells; ERR_AIO_INVALID_ARG
   */
  close(options: CloseOptions = {}): Promise<void> {
    return this.#core.close(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // ---- For the package's own tools and tests

  /** @internal */
  get state(): string {
    return this.#core.state;
  }

  /** What calls and call-backs hold here. @internal */
  get held(): { callbacks: number; pending: number } {
    return { callbacks: this.#core.callbacks.size, pending: this.#core.pending };
  }

  /** Those that have not ended. @internal */
  get ioThreads(): IOThread[] {
    return this.#ioThreads?.open ?? [];
  }

  /** IOThreads on whose requests somebody may still work, by their pointers. @internal */
  get idle(): ReadonlyMap<number, unknown> {
    return this.#ioThreads?.whenIdle ?? new Map();
  }

  /** @internal */
  get host(): OwnerHost {
    return this.#core.host;
  }

  /** @internal */
  get instance(): Instance {
    return this.#core.instance;
  }

  /** @internal */
  get threads(): Threads {
    return this.#core.threads;
  }

  /** @internal */
  get startHelper(): StartHelper {
    return this.#core.startHelper;
  }

  /** @internal */
  get helpers(): Promise<Helpers> | undefined {
    return this.#core.helpers;
  }

  /** @internal */
  run<T>(work: () => T): T {
    return this.#core.run(work);
  }

  /** @internal */
  request(holder: object, start: (id: number) => void): Promise<number> {
    return this.#core.request(holder, start);
  }

  /** @internal */
  get hasFailed(): boolean {
    return this.#core.hasFailed;
  }
}
showAs('Runtime', Runtime, ['state', 'ioThreads', 'workerCount']);
