// SPDX-License-Identifier: MIT
import { abortable, signalOf, type WaitOptions } from '../abort.js';
import { isText, optionsOf } from '../check.js';
import { errnoName } from '../errno.js';
import { AioError, messageOf, noMemory } from '../errors.js';
import type { ControlApi } from '../iothread/control.js';
import type { ToOwner, ToWorker } from '../iothread/messages.js';
import { unpack, type Packet } from '../iothread/packet.js';
import type { Remote } from '../iothread/remote.js';
import { Rpc } from '../iothread/rpc.js';
import { Engine, Role, type ContextPointer, type IOThreadPointer } from '../runtime/exports.js';
import type { Argument } from '../runtime/functions.js';
import { cString, refusal } from '../runtime/instance.js';
import type { Runtime } from '../runtime/runtime.js';
import type { OwnWorker, Thread } from '../runtime/threads.js';
import { HUNG_AFTER, Watchdog } from '../runtime/watchdog.js';
import { isEngine, openOptions, type AioEngine, type AioFile, type OpenOptions } from './file.js';
import { codeOf, ioThreadChecks, setOptions, type EngineStats, type IOThreadInfo, type IOThreadOptions, type LoopStats, type StartOptions } from './iothread-options.js';

/** How long a worker file may take to call serve(). */
const SERVE_MS = 10_000;

/** A worker that runs an AioContext in WebAssembly; T: what its own code serves. */
export class IOThread<T = unknown> {
  private closing: Promise<void> | undefined;
  private lost: AioError | undefined;
  /** Why it did not start. */
  private failure: AioError | undefined;
  /** It did not end, and was terminated. */
  private hung: AioError | undefined;
  private sealed = false;
  private readonly engines = new Map<AioEngine, Promise<void>>();
  private readonly rpc: Rpc<ControlApi>;
  /** What its code serves. */
  private api: Remote<T> | undefined;
  private loaded = false;
  private whenServing: (() => void) | undefined;
  private whenIdle: (() => void) | undefined;

  private constructor(
    private readonly runtime: Runtime, readonly name: string,
    private readonly pointer: IOThreadPointer, /** @internal */ readonly context: ContextPointer,
    private readonly thread: Thread, private readonly code: OwnWorker | undefined,
  ) {
    this.rpc = new Rpc<ControlApi>({
      name,
      requests: 'control',
      answers: 'reply',
      post: (message, transfer) => this.send(message, transfer),
      assertOpen: () => this.assertOpen(),
      guard: (promise) => runtime.guard(this, promise),
      fromHandle: (handle) => runtime.context.fromHandle(handle),
    });
    thread.onMessage = (message) => this.receive(message);
    thread.onLost = (refused) => {
      const { exports } = runtime.instance;
      this.lost =
        this.failure ??
        (refused === undefined
          ? new AioError('ERR_AIO_CANCELED', this.hung?.message ?? `the worker of IOThread '${name}' ended`, { errno: 'ECANCELED' })
          : new AioError('ERR_AIO_THREAD_LIMIT', `no worker for IOThread '${name}': ${refused}${code ? '; does its file call serve() (wasm-aio/iothread)?' : ''}`));
      runtime.forget(this);
      this.rpc.close();
      if (refused === undefined) exports.rt_iothread_abandon(pointer);
      else exports.rt_iothread_free(pointer);
      runtime.reject(this, this.lost);
    };
  }

  /** @internal */
  static start<T>(runtime: Runtime, name: string, options: StartOptions): IOThread<T> {
    const { instance, threads, host } = runtime;
    const { exports } = instance;
    const code = codeOf(name, options);
    const text = cString(instance, name);
    const pointer = exports.rt_iothread_new(text);
    exports.free(text);
    if (pointer === 0) throw refusal(instance, `IOThread '${name}'`);
    try {
      setOptions(runtime, pointer, { threadPoolMax: 2 * host.cpus, ...options });
      const thread = threads.assign(`IO ${name}`, Role.ioThread, pointer, code);
      return new IOThread<T>(runtime, name, pointer, exports.rt_iothread_context(pointer), thread, code);
    } catch (error) {
      exports.rt_iothread_free(pointer);
      throw error;
    }
  }

  private send(message: ToWorker, transfer?: Transferable[]): void {
    // Its context may be gone.
    if (this.sealed) return;
    // In this order: the loop leaves WebAssembly when it sees the count, and is
    // woken to look.
    this.post(message, transfer);
    this.runtime.instance.exports.rt_notify(this.context);
  }

  private post(message: ToWorker, transfer?: Transferable[]): void {
    const { exports, memory } = this.runtime.instance;
    this.thread.worker.post(message, transfer);
    Atomics.add(memory.word(exports.rt_thread_posted(this.thread.pointer)), 0, 1);
  }

  private receive(message: ToOwner): void {
    switch (message.type) {
      case 'control':
        this.rpc.receiveAnswer(message.data);
        break;
      case 'callback':
        this.rpc.receiveRequest(message.data);
        break;
      case 'release':
        this.rpc.functions.receive(message);
        break;
      case 'loaded':
        this.loaded = true;
        break;
      case 'serving':
        this.serving(message.api);
        break;
      case 'unserved':
        this.unserved(message.error, message.attached);
        break;
      case 'idle':
        if (this.whenIdle) this.whenIdle();
        // Unasked: something in it called exit().
        else this.thread.onLost?.();
        break;
      default:
        // Threads sees to the others.
        break;
    }
  }

  private serving(api: Packet): void {
    this.api = unpack(api, this.rpc.functions) as Remote<T>;
    this.whenServing?.();
  }

  /** Its code failed before it served anything. */
  private unserved(packet: Packet, attached: boolean): void {
    const error = unpack(packet, this.rpc.functions);
    const what = this.code?.module && !attached ? `${this.code.module} cannot be loaded` : 'the function given to serve() failed';
    this.failure = new AioError('ERR_AIO_INVALID_ARG', `IOThread '${this.name}': ${what}: ${messageOf(error)}`, { cause: error });
    if (attached) this.close().catch(() => {});
    else this.thread.giveUp('');
  }

  /** Resolves when its loop runs, and its code serves. @internal */
  async ready(): Promise<this> {
    const { runtime, thread, name } = this;
    if (!this.code) {
      await this.clock();
      return this;
    }
    const timer = setTimeout(() => {
      if (runtime.instance.exports.rt_thread_attached(thread.pointer)) return;
      const why = this.loaded ? 'calls no serve()' : "does not import 'wasm-aio/iothread', or has not been loaded yet";
      this.failure = new AioError('ERR_AIO_TIMEOUT', `IOThread '${name}': after ${SERVE_MS / 1000} s its worker file ${why}`);
      thread.giveUp('');
    }, SERVE_MS);
    try {
      await runtime.guard(this, new Promise<void>((resolve) => (this.whenServing = resolve)));
    } finally {
      clearTimeout(timer);
    }
    return this;
  }

  /**
   * What the code of this IOThread serves: its functions, called in that thread, return
   * promises. They reject with what the function there threw: class, `code`, `errno`, stack and
   * `cause` are kept; with ERR_AIO_CLOSED after close(), ERR_AIO_CANCELED if the thread is
   * lost. Functions, objects with functions, and handles can be arguments and results.
   * @throws AioError ERR_AIO_INVALID_ARG: it was started without `worker` or `module`
   */
  get remote(): Remote<T> {
    if (!this.code) throw new AioError('ERR_AIO_INVALID_ARG', `IOThread '${this.name}' has no code of yours: start it with worker or module`);
    return this.api as Remote<T>;
  }

  /** Its loop runs, if only to end what has been begun. @internal */
  assertAlive(): void {
    this.runtime.assertOpen();
    if (this.lost) throw this.lost;
  }

  /** @internal */
  assertOpen(): void {
    this.assertAlive();
    if (this.closing) throw new AioError('ERR_AIO_CLOSED', `IOThread '${this.name}' is closed`);
  }

  /** Changes properties while it runs. */
  async set(options: IOThreadOptions): Promise<void> {
    const checked = optionsOf(options, ioThreadChecks);
    this.assertOpen();
    this.runtime.run(() => setOptions(this.runtime, this.pointer, checked));
  }

  async stats(): Promise<LoopStats> {
    this.assertOpen();
    return this.counters();
  }

  private counters(): LoopStats {
    const { exports, memory } = this.runtime.instance;
    return JSON.parse(memory.string(exports.rt_context_stats(this.context))) as LoopStats;
  }

  /** @internal */
  query(): IOThreadInfo {
    const { exports, memory } = this.runtime.instance;
    const properties = JSON.parse(memory.string(exports.rt_iothread_query(this.pointer))) as Omit<IOThreadInfo, 'name' | 'stats'>;
    return { name: this.name, ...properties, stats: this.counters() };
  }

  /**
   * Opens a file whose requests this thread's loop serves. In Node a path of the
   * file system; in a browser a path in the origin's private file system.
   * @throws AioError ERR_AIO_IO with errno, ERR_AIO_INVALID_ARG,
   * ERR_AIO_THREAD_LIMIT (the engine needs a thread), ERR_AIO_UNSUPPORTED (`sync`
   * where a file belongs to one worker); the signal's reason
   */
  async open(path: string, options: OpenOptions = {}): Promise<AioFile> {
    const { signal, ...checked } = openOptions(path, options);
    return abortable(signal, () => this.openNow(path, checked), (file) => file.close());
  }

  private async openNow(path: string, options: OpenOptions): Promise<AioFile> {
    this.assertOpen();
    const { aio = 'threads', aioMaxBatch = 0, create = false, write = create } = options;
    await this.setUp(aio);
    return this.runtime.files.open(this, path, { write, create }, { aio, aioMaxBatch });
  }

  /** Makes the engine ready in that thread, once. */
  private setUp(aio: AioEngine): Promise<void> {
    const before = this.engines.get(aio);
    if (before) return before;
    const done = this.setUpNow(aio);
    this.engines.set(aio, done);
    // The next one tries again.
    done.catch(() => this.engines.delete(aio));
    return done;
  }

  private async setUpNow(aio: AioEngine): Promise<void> {
    const { runtime, context } = this;
    const { exports, memory } = runtime.instance;
    if (aio === 'sync' && runtime.host.filesAreOwned) {
      throw new AioError('ERR_AIO_UNSUPPORTED', "aio 'sync': files belong to one worker here, which is no IOThread; use 'native'");
    }
    const size = 256;
    const text = runtime.run(() => exports.malloc(size));
    if (text === 0) throw noMemory(`aio '${aio}'`);
    const result = await runtime.request(this, (id) => {
      if (exports.rt_engine_setup(context, Engine[aio], text, size, id)) return;
      exports.free(text);
      throw noMemory(`aio '${aio}'`);
    });
    const why = result < 0 ? memory.string(text) : '';
    exports.free(text);
    if (errnoName(-result) === 'ENOMEM') throw noMemory(`aio '${aio}'`);
    if (result < 0) throw new AioError('ERR_AIO_THREAD_LIMIT', `aio '${aio}': ${why} (maxThreads)`);
  }

  /** What an engine did in this thread since it was first used there. */
  async engineStats(aio: AioEngine): Promise<EngineStats> {
    isEngine('aio', aio);
    this.assertOpen();
    const { exports, memory } = this.runtime.instance;
    return JSON.parse(memory.string(exports.rt_engine_stats(this.context, Engine[aio]))) as EngineStats;
  }

  /** The monotonic clock as that thread reads it, in ns. */
  async clock(options: WaitOptions = {}): Promise<number> {
    const signal = signalOf(options);
    this.assertOpen();
    return abortable(signal, () => this.runtime.guard(this, this.rpc.remote.clock()));
  }

  /**
   * Calls an exported C function of the module in that thread, whose event loop stands still
   * meanwhile. The arguments are those of {@link Runtime.call}. WaitOptions may follow them; a
   * function that runs is not ended by a signal, only no longer waited for.
   * @throws AioError ERR_AIO_INVALID_ARG (no such function; an argument that it does not take)
   */
  async call(name: string, ...args: Argument[] | [...Argument[], WaitOptions]): Promise<unknown> {
    const last = args.at(-1);
    const hasOptions = typeof last === 'object';
    const signal = hasOptions ? signalOf(last) : undefined;
    const converted = this.runtime.functions.convert(name, hasOptions ? args.slice(0, -1) : args);
    this.assertOpen();
    return abortable(signal, () => this.rpc.settle(this.rpc.remote.call(name, converted)));
  }

  /**
   * Runs an exported C coroutine (AIO_EXPORT_COROUTINE) in that thread's event loop;
   * argument is an integer or an address. Resolves with what it returns. close()
   * waits for it. A signal ends the wait, not the coroutine.
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_PANIC; the signal's reason
   */
  async coroutine(name: string, argument: Argument = 0, options: WaitOptions = {}): Promise<number> {
    const signal = signalOf(options);
    isText('name', name);
    this.assertOpen();
    return abortable(signal, () => this.runtime.startCoroutine(this, this.context, name, argument));
  }

  /**
   * Ends the thread after the requests that are in flight, however long these take. Calls whose
   * promises are still open there are not waited for: they are rejected with ERR_AIO_CLOSED.
   * A thread that does not come back to its loop (a function that does not return) is
   * terminated after 5 s, as if it were lost: what is open is rejected with ERR_AIO_CANCELED.
   * Idempotent.
   * @throws AioError ERR_AIO_TIMEOUT: it had to be terminated. Nothing is left to be closed
   * then.
   */
  close(): Promise<void> {
    this.closing ??= this.stop();
    return this.closing;
  }

  private async stop(): Promise<void> {
    const { runtime, thread, name } = this;
    if (this.lost) return;
    const watchdog = new Watchdog(runtime.instance, thread.pointer, this.context, () => {
      this.hung = new AioError('ERR_AIO_TIMEOUT', `IOThread '${name}' did not end, and was terminated: a function in it has not returned for ${HUNG_AFTER}`);
      thread.kill();
    });
    try {
      await this.end(watchdog);
    } finally {
      watchdog.stop();
    }
    if (this.hung) throw this.hung;
  }

  private async end(watchdog: Watchdog): Promise<void> {
    const { runtime, thread } = this;
    const { exports } = runtime.instance;
    await runtime.files.closeAllOf(this);
    if (this.code && !this.lost && !exports.rt_thread_attached(thread.pointer)) {
      this.failure = new AioError('ERR_AIO_CLOSED', `IOThread '${this.name}' was closed before it served anything`);
      return thread.giveUp('');
    }
    const ended = new Promise<void>((resolve) => (this.whenIdle = resolve));
    try {
      // Its context may be gone, if it was lost meanwhile.
      if (this.lost) throw this.lost;
      this.post({ type: 'end' });
      this.sealed = true;
      thread.leaving();
      runtime.run(() => exports.rt_iothread_request_stop(this.pointer));
      watchdog.leaving();
      await runtime.guard(this, ended);
      if (this.code) await runtime.guard(this, thread.gone);
    } catch {
      // The runtime has failed, and the thread ends with it; or it was lost.
    }
    runtime.forget(this);
    this.rpc.close();
    runtime.reject(this, this.failure ?? new AioError('ERR_AIO_CLOSED', `IOThread '${this.name}' was closed`));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
