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
import type { Trace } from '../trace/chrome.js';
import type { Metrics } from './metrics.js';
import type { TraceOptions } from '../trace/options.js';
import { OwnContexts } from './own-contexts.js';
import type { SlowCallback, SlowCallbacks } from './slow-callbacks.js';

/** The modules that IOThreads and their files need, imported when the first IOThread is started. */
let ioThreadCode: typeof iothreads | undefined;

/**
 * One WebAssembly module, its shared memory, and the threads that run it. The thread that creates a runtime owns it
 * and calls its methods. That thread is never blocked; its JavaScript event loop drives a context of the runtime
 * ({@link context}).
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

  /**
   * The owner's event loop, QEMU's main AioContext, which runs on this thread's JavaScript event loop. It is closed
   * with the runtime.
   */
  readonly context: AioContext;

  /**
   * Creates another event loop on this thread's JavaScript event loop, with objects of its own (`aio_context_new`).
   * It is closed with the runtime, or earlier by its close().
   * @param name identifies it in messages and in {@link dump}
   * @throws AioError ERR_AIO_INVALID_ARG (the name is taken), ERR_AIO_CLOSED, ERR_AIO_NO_MEMORY
   */
  createContext(name: string): AioContext {
    isText('name', name);
    this.#core.assertNotClosing();
    return this.#contexts.create(name);
  }

  /**
   * Creates a runtime, which this thread owns, and resolves when it can be used. `reserve` workers are started ahead.
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_UNSUPPORTED (the message says what is missing here),
   * ERR_AIO_MODULE, ERR_AIO_NO_MEMORY; the signal's reason
   */
  static async create(options: RuntimeOptions = {}): Promise<Runtime> {
    const checked = optionsOf(options, runtimeChecks);
    return abortable(checked.signal, async () => new Runtime(await Core.create(checked)), (runtime) => runtime.close());
  }

  /** The number of workers of this runtime now, including those that are started ahead. */
  get workerCount(): number {
    return this.#core.threads.count;
  }

  /**
   * Starts an IOThread: a worker that runs an event loop in WebAssembly (QEMU's `iothread_create`).
   * @param name identifies it; no other open IOThread of the runtime may have the same name
   * @throws AioError ERR_AIO_INVALID_ARG (the name is taken, an option is wrong), ERR_AIO_THREAD_LIMIT, ERR_AIO_NO_MEMORY,
   * ERR_AIO_CLOSED, ERR_AIO_TIMEOUT (it did not start within `startTimeout`); the signal's reason
   */
  async iothread(name: string, options?: IOThreadOptions & IOThreadStartOptions & { worker?: undefined; module?: undefined }): Promise<IOThread>;
  /**
   * Starts an IOThread whose worker also runs a file of yours, given by `worker` or `module`. The file calls serve(), and
   * the object that it serves is {@link IOThread.remote} here:
   * `await runtime.iothread<Disk>('disk', { worker: () => new Worker(…) })`.
   * @param name identifies it; no other open IOThread of the runtime may have the same name
   * @throws AioError ERR_AIO_INVALID_ARG (the name is taken, an option is wrong, or the file does not load: see `cause`),
   * ERR_AIO_THREAD_LIMIT, ERR_AIO_NO_MEMORY, ERR_AIO_CLOSED, ERR_AIO_TIMEOUT (it did not start and call serve() within
   * `startTimeout`); the signal's reason
   */
  async iothread<T>(name: string, options: IOThreadOptions & IOThreadCode & IOThreadStartOptions): Promise<IOThread<T>>;
  async iothread<T>(name: string, options: StartOptions = {}): Promise<IOThread<T>> {
    ioThreadCode ??= await import('../iothread/iothreads.js');
    // close() ends only the IOThreads that exist when it is called, so none may be started after that.
    this.#core.assertNotClosing();
    this.#ioThreads ??= new ioThreadCode.IOThreads(this.#core, this.#buffers, (handle) => this.context.fromHandle(handle));
    return this.#ioThreads.start<T>(name, options);
  }

  /**
   * Resolves with the properties and counters of every open IOThread, as QMP's `query-iothreads`.
   * @throws AioError ERR_AIO_CLOSED
   */
  async iothreads(): Promise<IOThreadInfo[]> {
    this.#core.assertOpen();
    return this.#ioThreads?.query() ?? [];
  }

  /**
   * Allocates `length` zeroed bytes in the shared memory, which file requests read and write without a copy. They
   * stay allocated until the buffer is closed.
   * @throws AioError ERR_AIO_NO_MEMORY, ERR_AIO_INVALID_ARG, ERR_AIO_CLOSED
   */
  allocate(length: number): AioBuffer {
    this.#core.assertOpen();
    return this.#buffers.allocate(length);
  }

  /**
   * Calls an exported C function of the module in this thread and returns its result. The function's parameters
   * decide which arguments are accepted: a 64-bit integer may be a bigint or a safe integer, and is returned as a
   * bigint.
   * @throws AioError ERR_AIO_INVALID_ARG (there is no such function, or an argument does not fit),
   * ERR_AIO_WOULD_BLOCK (the function would block this thread), ERR_AIO_CLOSED, ERR_AIO_PANIC
   */
  call(name: string, ...args: Argument[]): unknown {
    const converted = this.#core.functions.convert(name, args);
    const { exports } = this.instance;
    const work = (exports as unknown as Record<string, (...args: Argument[]) => unknown>)[name];
    // A coroutine cannot yield across a JavaScript frame between two frames of C.
    exports.rt_coroutine_fence(1);
    try {
      return this.run(() => work?.(...converted));
    } finally {
      exports.rt_coroutine_fence(-1);
    }
  }

  /**
   * Runs an exported C coroutine (`AIO_EXPORT_COROUTINE`) in this thread's event loop, and resolves with its result.
   * An aborted signal ends the wait; the coroutine runs on.
   * @param argument an integer or an address in the shared memory
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_CLOSED, ERR_AIO_PANIC; the signal's reason
   */
  async coroutine(name: string, argument: Argument = 0, options: WaitOptions = {}): Promise<number> {
    const signal = signalOf(options);
    isText('name', name);
    const core = this.#core;
    core.assertNotClosing();
    return abortable(signal, () => core.alive(() => startCoroutine(core, this, core.context, name, argument)));
  }

  /** Returns the state of every event loop and thread as text, one line each (`aio_context_dump`). */
  dump(): string {
    return this.#core.dump();
  }

  /**
   * Records what every loop does, and resolves at the end with a trace that Perfetto (ui.perfetto.dev) and Chrome open:
   * `JSON.stringify(await runtime.trace({ duration: 1000 }))`. Each loop has a track of its own, with its iterations, sleeps,
   * call-backs, coroutines and requests; arrows lead from wake-ups to what they made run. The loops never wait for the
   * recording; what it has missed is in the trace as such ({@link Trace.otherData}).
   * @throws AioError ERR_AIO_INVALID_ARG (also if there is neither a duration nor a signal), ERR_AIO_NO_MEMORY,
   * ERR_AIO_MODULE (the module was built by an aiocc without tracing), ERR_AIO_CLOSED, ERR_AIO_PANIC
   */
  async trace(options: TraceOptions): Promise<Trace> {
    const core = this.#core;
    const begun = core.run(() => core.instance.exports.rt_trace_start?.());
    return (await import('../trace/trace.js')).trace(core, options, begun);
  }

  /**
   * Resolves with the counters of all loops, engines and IOThreads, as values and as OpenMetrics text:
   * `response.end((await runtime.metrics()).text)`.
   * @throws AioError ERR_AIO_CLOSED, ERR_AIO_PANIC
   */
  async metrics(): Promise<Metrics> {
    const { metrics } = await import('./metrics.js');
    return metrics(this.#core, this.#contexts, this.#ioThreads?.open ?? []);
  }

  /**
   * Calls the listener, in this thread, for each bottom half, handler, timer, coroutine and call of any loop that takes longer
   * than `ms` milliseconds, with its name, thread and duration: once while it still runs, if this thread sees that, and
   * once after it has ended. Resolves when it is watched for, until the result is closed or the runtime ends; it does not keep the
   * process alive. An error that the listener throws is an uncaught error of this thread.
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_NO_MEMORY, ERR_AIO_MODULE (the module was built by an aiocc without tracing),
   * ERR_AIO_CLOSED, ERR_AIO_PANIC
   */
  async onSlowCallback(ms: number, listener: (slow: SlowCallback) => void): Promise<SlowCallbacks> {
    return (await import('./slow-callbacks.js')).onSlowCallback(this.#core, this.#contexts, ms, listener);
  }

  /**
   * Runs the program's main() in a thread of its own and resolves with its exit code. An aborted signal ends the
   * wait; close() ends the program.
   * @throws AioError ERR_AIO_THREAD_LIMIT, ERR_AIO_CANCELED, ERR_AIO_CLOSED, ERR_AIO_PANIC; the signal's reason
   */
  async main(options: WaitOptions = {}): Promise<number> {
    const signal = signalOf(options);
    return abortable(signal, () => this.#core.main());
  }

  /**
   * Settles when the runtime has ended: resolves after close(), and rejects with AioError ERR_AIO_PANIC if the
   * runtime fails. If a failure rejects no call and nobody waits for this promise, it is reported as an uncaught
   * error.
   */
  get closed(): Promise<Closed> {
    return this.#core.closed;
  }

  /**
   * Closes all IOThreads and then ends all workers. `timeout` applies to each IOThread. After a failure it ends what
   * is left. Closing a runtime twice does nothing.
   * @throws AioError ERR_AIO_INVALID_ARG; ERR_AIO_TIMEOUT, after everything has been closed, if an IOThread had to be
   * terminated (see {@link IOThread.close})
   */
  close(options: CloseOptions = {}): Promise<void> {
    return this.#core.close(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // ---- Used only by the package's own tools and tests

  /** @internal */
  get core(): Core {
    return this.#core;
  }

  /** @internal */
  get state(): string {
    return this.#core.state;
  }

  /** How many call-backs and pending requests this thread has. @internal */
  get held(): { callbacks: number; pending: number } {
    return { callbacks: this.#core.callbacks.size, pending: this.#core.pending.size };
  }

  /** The IOThreads that have not ended. @internal */
  get ioThreads(): IOThread[] {
    return this.#ioThreads?.open ?? [];
  }

  /** The IOThreads whose requests some thread may still work on, by their pointers. @internal */
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
