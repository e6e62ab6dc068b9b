// SPDX-License-Identifier: MIT
import { abortable, type WaitOptions } from '../abort.js';
import { AioError } from '../errors.js';
import { connect, ControlEndpoint, unwrap, type Control } from '../iothread/control.js';
import { Engine, Role, type ContextPointer, type IOThreadPointer } from '../runtime/exports.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Thread } from '../runtime/threads.js';
import type { AioEngine, AioFile, OpenOptions } from './file.js';

/** As QMP's object-add iothread. */
export interface IOThreadOptions {
  /** ns that its loop polls before it sleeps, at most; 0: not at all. Default 32768. */
  pollMaxNs?: number;
  /** The factor by which polling grows; 0: 2. */
  pollGrow?: number;
  /** The divisor by which it shrinks; 0: back to nothing. */
  pollShrink?: number;
  /** Requests that an engine submits at once; 0: its own default. */
  aioMaxBatch?: number;
  /** Threads that its pool keeps although they have nothing to do. Default 0. */
  threadPoolMin?: number;
  /** Threads that its pool has at most. Default: twice the processors. */
  threadPoolMax?: number;
}

/** What a loop did since it was made. */
export interface LoopStats {
  /** Iterations. */
  polls: number;
  /** Of which slept. */
  sleeps: number;
  /** Call-backs run. */
  bottomHalves: number;
  handlers: number;
  timers: number;
  /** Requests completed, whichever engine served them. */
  jobs: number;
  /** Notifications that had to wake the loop, and those that had not: it was
   * awake. The second is approximate. */
  wakeupsSent: number;
  wakeupsSaved: number;
  /** Times that polling spared a sleep, and times that it did not. */
  pollHits: number;
  pollMisses: number;
}

/** What {@link Runtime.iothreads} tells of one, as QMP's query-iothreads. */
export interface IOThreadInfo extends Required<IOThreadOptions> {
  name: string;
  /** Its thread's number in Runtime.dump(). */
  threadId: number;
  stats: LoopStats;
}

/** What an engine did. */
export interface EngineStats {
  /** Requests handed over, in how many batches, and the wake-ups of the other
   * thread that this took: none while it is awake. */
  requests: number;
  submissions: number;
  kicks: number;
  largestBatch: number;
}

/** The maximum first: the minimum is held against it; the other way round where it falls
 * below the minimum that there was. */
const properties = [
  ['threadPoolMax', 'thread-pool-max'],
  ['threadPoolMin', 'thread-pool-min'],
  ['pollMaxNs', 'poll-max-ns'],
  ['pollGrow', 'poll-grow'],
  ['pollShrink', 'poll-shrink'],
  ['aioMaxBatch', 'aio-max-batch'],
] as const;

/** A worker that runs an AioContext in WebAssembly. */
export class IOThread {
  private closing: Promise<void> | undefined;
  private lost: AioError | undefined;
  private readonly engines = new Map<AioEngine, Promise<void>>();

  private constructor(
    private readonly runtime: Runtime, readonly name: string,
    private readonly pointer: IOThreadPointer, /** @internal */ readonly context: ContextPointer,
    private readonly thread: Thread, private readonly control: Control,
  ) {
    thread.onLost = (refused) => {
      this.lost =
        refused === undefined
          ? new AioError('ERR_AIO_CANCELED', `the worker of IOThread '${name}' ended`, { errno: 'ECANCELED' })
          : new AioError('ERR_AIO_THREAD_LIMIT', `no worker for IOThread '${name}': ${refused}`);
      runtime.forget(this);
      runtime.instance.exports.rt_iothread_abandon(pointer);
      runtime.reject(this, this.lost);
    };
  }

  /** @internal */
  static start(runtime: Runtime, name: string, options: IOThreadOptions): IOThread {
    const { instance, threads, host } = runtime;
    const { exports, memory } = instance;
    const text = threads.cString(name);
    const pointer = exports.rt_iothread_new(text);
    exports.free(text);
    if (pointer === 0) throw new AioError('ERR_AIO_INVALID_ARG', memory.string(exports.rt_error_text()));
    let thread: Thread;
    try {
      IOThread.apply(runtime, pointer, { threadPoolMax: 2 * host.cpus, ...options });
      thread = threads.assign(`IO ${name}`, Role.ioThread, pointer);
    } catch (error) {
      exports.rt_iothread_free(pointer);
      throw error;
    }
    const context = exports.rt_iothread_context(pointer);
    const posted = memory.word(exports.rt_thread_posted(thread.pointer));
    const endpoint = new ControlEndpoint((data, transfer) => {
      // In this order: the loop leaves WebAssembly when it sees the count, and
      // is woken to look.
      thread.worker.post({ type: 'control', data }, transfer);
      Atomics.add(posted, 0, 1);
      exports.rt_notify(context);
    });
    thread.onMessage = (message) => {
      if (message.type === 'control') endpoint.receive(message.data);
      // Unasked: something in it called exit().
      if (message.type === 'idle') thread.onLost?.();
    };
    return new IOThread(runtime, name, pointer, context, thread, connect(endpoint));
  }

  private static apply(runtime: Runtime, pointer: IOThreadPointer, options: IOThreadOptions): void {
    const { exports, memory } = runtime.instance;
    const { threadPoolMin } = JSON.parse(memory.string(exports.rt_iothread_query(pointer))) as IOThreadInfo;
    const [max, min, ...others] = properties;
    const falls = options.threadPoolMax !== undefined && options.threadPoolMax < threadPoolMin;
    for (const [key, name] of falls ? [min, max, ...others] : properties) {
      const value = options[key];
      if (value === undefined) continue;
      if (!Number.isSafeInteger(value)) {
        throw new AioError('ERR_AIO_INVALID_ARG', `${key} must be an integer, not ${String(value)}`);
      }
      const text = runtime.threads.cString(name);
      const ok = exports.rt_iothread_set(pointer, text, value);
      exports.free(text);
      if (!ok) throw new AioError('ERR_AIO_INVALID_ARG', memory.string(exports.rt_error_text()));
    }
  }

  /** Resolves when its loop runs. @internal */
  async ready(): Promise<this> {
    await this.clock();
    return this;
  }

  /** @internal */
  assertOpen(): void {
    this.runtime.assertOpen();
    if (this.lost) throw this.lost;
    if (this.closing) throw new AioError('ERR_AIO_CLOSED', `IOThread '${this.name}' is closed`);
  }

  /** Changes properties while it runs. */
  async set(options: IOThreadOptions): Promise<void> {
    this.assertOpen();
    this.runtime.run(() => IOThread.apply(this.runtime, this.pointer, options));
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
  open(path: string, options: OpenOptions = {}): Promise<AioFile> {
    return abortable(options.signal, () => this.openNow(path, options), (file) => file.close());
  }

  private async openNow(path: string, options: OpenOptions): Promise<AioFile> {
    this.assertOpen();
    const { aio = 'threads', aioMaxBatch = 0, create = false, write = create } = options;
    if (!Object.hasOwn(Engine, aio)) {
      throw new AioError('ERR_AIO_INVALID_ARG', `aio must be one of ${Object.keys(Engine).join(', ')}, not ${String(aio)}`);
    }
    if (!Number.isSafeInteger(aioMaxBatch) || aioMaxBatch < 0) {
      throw new AioError('ERR_AIO_INVALID_ARG', `aioMaxBatch must be an integer from 0 on, not ${String(aioMaxBatch)}`);
    }
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
    if (text === 0) throw new AioError('ERR_AIO_NO_MEMORY', 'the shared memory is full (maximumMemory)');
    const result = await runtime.request(this, (id) => {
      if (!exports.rt_engine_setup(context, Engine[aio], text, size, id)) {
        throw new AioError('ERR_AIO_NO_MEMORY', 'the shared memory is full (maximumMemory)');
      }
    });
    const why = result < 0 ? memory.string(text) : '';
    exports.free(text);
    if (result < 0) throw new AioError('ERR_AIO_THREAD_LIMIT', `aio '${aio}': ${why} (maxThreads)`);
  }

  /** What an engine did in this thread since it was first used there. */
  async engineStats(aio: AioEngine): Promise<EngineStats> {
    this.assertOpen();
    const { exports, memory } = this.runtime.instance;
    return JSON.parse(memory.string(exports.rt_engine_stats(this.context, Engine[aio]))) as EngineStats;
  }

  /** The monotonic clock as that thread reads it, in ns. */
  async clock({ signal }: WaitOptions = {}): Promise<number> {
    this.assertOpen();
    return abortable(signal, () => this.runtime.guard(this, this.control.clock()));
  }

  /** Calls an exported C function of the module in that thread. Its event loop
   * stands still meanwhile. WaitOptions may follow the arguments; a function that runs is not
   * ended by a signal, only no longer waited for. */
  async call(name: string, ...rest: number[] | [...number[], WaitOptions]): Promise<unknown> {
    this.assertOpen();
    const last = rest.at(-1);
    const { signal }: WaitOptions = typeof last === 'object' ? last : {};
    const args = (typeof last === 'object' ? rest.slice(0, -1) : rest) as number[];
    return abortable(signal, async () => unwrap(await this.runtime.guard(this, this.control.call(name, args))));
  }

  /**
   * Runs an exported C coroutine (AIO_EXPORT_COROUTINE) in that thread's event loop;
   * argument is an integer or an address. Resolves with what it returns. close()
   * waits for it. A signal ends the wait, not the coroutine.
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_PANIC; the signal's reason
   */
  async coroutine(name: string, argument = 0, { signal }: WaitOptions = {}): Promise<number> {
    this.assertOpen();
    return abortable(signal, () => this.runtime.startCoroutine(this, this.context, name, argument));
  }

  /** Ends the thread after the requests that are in flight. Idempotent. */
  close(): Promise<void> {
    this.closing ??= this.stop();
    return this.closing;
  }

  private async stop(): Promise<void> {
    const { runtime, thread } = this;
    if (this.lost) return;
    await runtime.files.closeAllOf(this);
    const ended = new Promise<void>((resolve) => {
      const before = thread.onMessage;
      thread.onMessage = (message) => (message.type === 'idle' ? resolve() : before?.(message));
    });
    try {
      runtime.run(() => runtime.instance.exports.rt_iothread_request_stop(this.pointer));
      await runtime.guard(this, ended);
    } catch {
      // The runtime has failed, and the thread ends with it; or it was lost.
    }
    runtime.forget(this);
    runtime.reject(this, new AioError('ERR_AIO_CLOSED', `IOThread '${this.name}' was closed`));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
