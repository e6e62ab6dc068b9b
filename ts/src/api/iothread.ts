// SPDX-License-Identifier: MIT
import { abortable, signalOf, type WaitOptions } from '../abort.js';
import { isText, optionsOf } from '../check.js';
import { errnoName } from '../errno.js';
import { AioError, noMemory } from '../errors.js';
import { showAs } from '../face.js';
import type { ControlApi } from '../iothread/control.js';
import type { ToOwner, ToWorker } from '../iothread/messages.js';
import { unpack } from '../iothread/packet.js';
import type { Remote } from '../iothread/remote.js';
import { Rpc } from '../iothread/rpc.js';
import { closing, type Closed, type CloseOptions } from '../runtime/closed.js';
import { Engine, Role, type ContextPointer, type IOThreadPointer } from '../runtime/exports.js';
import type { Argument } from '../runtime/functions.js';
import { cString, refusal } from '../runtime/instance.js';
import type { Runtime } from '../runtime/runtime.js';
import type { OwnWorker, Thread } from '../runtime/threads.js';
import { isEngine, openOptions, type AioEngine, type AioFile, type OpenOptions } from './file.js';
import { codeOf, ioThreadChecks, setOptions, type EngineStats, type IOThreadInfo, type IOThreadOptions, type LoopStats, type StartOptions } from './iothread-options.js';
import { IOThreadLife } from './iothread-life.js';

/** A worker that runs an AioContext in WebAssembly; T: what its own code serves. */
export class IOThread<T = unknown> {
  readonly #engines = new Map<AioEngine, Promise<void>>();
  readonly #rpc: Rpc<ControlApi>;
  /** What its code serves. */
  #api: Remote<T> | undefined;
  #whenServing: (() => void) | undefined;
  #sealed = false;
  /** @internal */ readonly life: IOThreadLife;

  readonly #runtime: Runtime;
  readonly name: string;
  readonly #pointer: IOThreadPointer;
  /** @internal */ readonly context: ContextPointer;
  readonly #thread: Thread;
  readonly #code: OwnWorker | undefined;

  private constructor(runtime: Runtime, name: string, pointer: IOThreadPointer, context: ContextPointer, thread: Thread, code: OwnWorker | undefined) {
    this.#runtime = runtime;
    this.name = name;
    this.#pointer = pointer;
    this.context = context;
    this.#thread = thread;
    this.#code = code;
    this.#rpc = new Rpc<ControlApi>({
      name,
      requests: 'control',
      answers: 'reply',
      post: (message, transfer) => this.#send(message, transfer),
      assertOpen: () => this.assertOpen(),
      guard: (promise) => runtime.guard(this, promise),
      fromHandle: (handle) => runtime.context.fromHandle(handle),
    });
    thread.onMessage = (message) => this.#receive(message);
    this.life = new IOThreadLife(runtime, this, pointer, context, thread, code, {
      seal: () => {
        this.#post({ type: 'end' });
        this.#sealed = true;
      },
      cutOff: () => {
        this.#sealed = true;
        this.#rpc.close();
      },
    });
  }

  /** @internal */
  static start<T>(runtime: Runtime, name: string, options: StartOptions): IOThread<T> {
    const { instance, threads, host } = runtime;
    const { exports } = instance;
    const code = codeOf(name, options);
    const text = cString(instance, name);
    const pointer = exports.rt_iothread_new(text);
    exports.rt_free(text);
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

  #send(message: ToWorker, transfer?: Transferable[]): void {
    // Its context may be gone.
    if (this.#sealed) return;
    // In this order: the loop leaves WebAssembly when it sees the count, and is
    // woken to look.
    this.#post(message, transfer);
    this.#runtime.instance.exports.rt_notify(this.context);
  }

  #post(message: ToWorker, transfer?: Transferable[]): void {
    const { exports, memory } = this.#runtime.instance;
    this.#thread.worker.post(message, transfer);
    Atomics.add(memory.word(exports.rt_thread_posted(this.#thread.pointer)), 0, 1);
  }

  #receive(message: ToOwner): void {
    switch (message.type) {
      case 'control':
        this.#rpc.receiveAnswer(message.data);
        break;
      case 'callback':
        this.#rpc.receiveRequest(message.data);
        break;
      case 'release':
        this.#rpc.functions.receive(message);
        break;
      case 'loaded':
        this.life.loaded = true;
        break;
      case 'serving':
        this.#api = unpack(message.api, this.#rpc.functions) as Remote<T>;
        this.#whenServing?.();
        break;
      case 'unserved':
        this.life.unserved(unpack(message.error, this.#rpc.functions), message.attached);
        break;
      case 'idle':
        this.life.left();
        break;
      default:
        // Threads sees to the others.
        break;
    }
  }

  /** Resolves when its loop runs, and its code serves. @internal */
  async ready({ startTimeout }: StartOptions): Promise<this> {
    const runtime = this.#runtime;
    const code = this.#code;
    await this.life.start(() => code
      ? runtime.guard(this, new Promise<void>((resolve) => (this.#whenServing = resolve)))
      : this.clock(), startTimeout);
    return this;
  }

  /**
   * What the code of this IOThread serves: its functions, called in that thread, return
   * promises. They reject with what the function there threw: class, `code`, `errno`, stack and
   * `cause` are kept; with ERR_AIO_CLOSED after close(), ERR_AIO_THREAD_LOST if the thread is
   * lost. Functions, objects with functions, and handles can be arguments and results.
   * @throws AioError ERR_AIO_INVALID_ARG: it was started without `worker` or `module`
   */
  get remote(): Remote<T> {
    if (!this.#code) throw new AioError('ERR_AIO_INVALID_ARG', `IOThread '${this.name}' has no code of yours: start it with worker or module`);
    return this.#api as Remote<T>;
  }

  /** @internal */
  get state(): string {
    const { over, closing } = this.life;
    return over ? 'lost' : closing ? 'closed' : 'open';
  }

  /** Its loop runs, if only to end what has been begun. @internal */
  assertAlive(): void {
    this.#runtime.assertOpen();
    if (this.life.over) throw this.life.over;
  }

  /** @internal */
  assertOpen(): void {
    this.assertAlive();
    if (this.life.closing) throw new AioError('ERR_AIO_CLOSED', `IOThread '${this.name}' is closed`);
  }

  /** Changes properties while it runs. */
  async set(options: IOThreadOptions): Promise<void> {
    const checked = optionsOf(options, ioThreadChecks);
    this.assertOpen();
    this.#runtime.run(() => setOptions(this.#runtime, this.#pointer, checked));
  }

  async stats(): Promise<LoopStats> {
    this.assertOpen();
    return this.#counters();
  }

  #counters(): LoopStats {
    const { exports, memory } = this.#runtime.instance;
    return JSON.parse(memory.string(exports.rt_context_stats(this.context))) as LoopStats;
  }

  /** @internal */
  query(): IOThreadInfo {
    const { exports, memory } = this.#runtime.instance;
    const properties = JSON.parse(memory.string(exports.rt_iothread_query(this.#pointer))) as Omit<IOThreadInfo, 'name' | 'stats'>;
    return { name: this.name, ...properties, stats: this.#counters() };
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
    return abortable(signal, () => this.#openNow(path, checked), (file) => file.close());
  }

  async #openNow(path: string, options: OpenOptions): Promise<AioFile> {
    this.assertOpen();
    const { aio = 'threads', aioMaxBatch = 0, create = false, write = create } = options;
    await this.#setUp(aio);
    return this.#runtime.files.open(this, path, { write, create }, { aio, aioMaxBatch });
  }

  /** Makes the engine ready in that thread, once. */
  #setUp(aio: AioEngine): Promise<void> {
    const before = this.#engines.get(aio);
    if (before) return before;
    const done = this.#setUpNow(aio);
    this.#engines.set(aio, done);
    // The next one tries again.
    done.catch(() => this.#engines.delete(aio));
    return done;
  }

  async #setUpNow(aio: AioEngine): Promise<void> {
    const { context } = this;
    const runtime = this.#runtime;
    const { exports, memory } = runtime.instance;
    if (aio === 'sync' && runtime.host.filesAreOwned) {
      throw new AioError('ERR_AIO_UNSUPPORTED', "aio 'sync': files belong to one worker here, which is no IOThread; use 'native'");
    }
    const size = 256;
    const text = runtime.run(() => exports.rt_malloc(size));
    if (text === 0) throw noMemory(`aio '${aio}'`);
    const setUp = runtime.request(this, (id) => {
      if (!exports.rt_engine_setup(context, Engine[aio], text, size, id)) throw noMemory(`aio '${aio}'`);
    });
    // Read below before it is freed here, a turn of promises later. If that thread is lost, it may still write there.
    setUp.catch(() => this.life.idle).then(() => exports.rt_free(text), () => {});
    const result = await setUp;
    const why = result < 0 ? memory.string(text) : '';
    if (errnoName(-result) === 'ENOMEM') throw noMemory(`aio '${aio}'`);
    if (result < 0) throw new AioError('ERR_AIO_THREAD_LIMIT', `aio '${aio}': ${why} (maxThreads)`);
  }

  /** What an engine did in this thread since it was first used there. */
  async engineStats(aio: AioEngine): Promise<EngineStats> {
    isEngine('aio', aio);
    this.assertOpen();
    const { exports, memory } = this.#runtime.instance;
    return JSON.parse(memory.string(exports.rt_engine_stats(this.context, Engine[aio]))) as EngineStats;
  }

  /** The monotonic clock as that thread reads it, in ns. */
  async clock(options: WaitOptions = {}): Promise<number> {
    const signal = signalOf(options);
    this.assertOpen();
    return abortable(signal, () => this.#runtime.guard(this, this.#rpc.remote.clock()));
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
    const converted = this.#runtime.functions.convert(name, hasOptions ? args.slice(0, -1) : args);
    this.assertOpen();
    return abortable(signal, () => this.#rpc.settle(this.#rpc.remote.call(name, converted)));
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
    return abortable(signal, () => this.#runtime.startCoroutine(this, this.context, name, argument));
  }

  /**
   * How this IOThread ends: resolves when close() or terminate() has ended it; rejects with
   * ERR_AIO_THREAD_LOST when it fails, with ERR_AIO_PANIC when the runtime does. A failure that
   * rejects no call, and that nobody waits for here, is an uncaught error of the owner's.
   */
  get closed(): Promise<Closed> {
    return this.life.ending.closed;
  }

  /**
   * Ends the thread after the requests that are in flight. Calls whose
   * promises are still open there are not waited for: they are rejected with ERR_AIO_CLOSED.
   * A thread that does not come back to its loop (a function that does not return) is
   * terminated after 5 s, and whatever it does after `timeout`: what is open is rejected with
   * ERR_AIO_THREAD_LOST. Idempotent.
   * @throws AioError ERR_AIO_TIMEOUT: it had to be terminated. Nothing is left to be closed
   * then. ERR_AIO_INVALID_ARG
   */
  close(options: CloseOptions = {}): Promise<void> {
    return closing(options, (timeout) => this.life.close(timeout));
  }

  /**
   * Ends the thread at once, whatever it does: for work that does not stop. Its calls and requests
   * are rejected with ERR_AIO_THREAD_LOST. Resolves when its worker is gone, or the host has not
   * said so in time: see `closed`. Idempotent.
   */
  terminate(): Promise<void> {
    return this.life.terminate();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
showAs('IOThread', IOThread, ['name', 'state']);
