// SPDX-License-Identifier: MIT
import { abortable, signalOf, type WaitOptions } from '../abort.js';
import { isText, optionsOf } from '../check.js';
import { errnoName } from '../errno.js';
import { AioError, closedError, noMemory } from '../errors.js';
import type { LoopStats } from '../api/loop-stats.js';
import type { AioEngine, AioFile, OpenOptions } from '../api/file.js';
import { isEngine, isExport, openOptions } from '../api/open-file.js';
import { showAs } from '../face.js';
import type { Core } from '../runtime/core.js';
import { startCoroutine } from '../runtime/coroutine.js';
import { closing, type Closed, type CloseOptions } from '../runtime/closed.js';
import { Engine, Role, type ContextPointer, type IOThreadPointer } from '../runtime/exports.js';
import type { Argument } from '../runtime/functions.js';
import { cString, isFull, refusal } from '../runtime/instance.js';
import type { OwnWorker, Thread } from '../runtime/threads.js';
import type { NbdExport } from '../nbd/target.js';
import type { Slot } from '../wire/handle.js';
import { unpack, type Correspondent } from '../wire/unpack.js';
import { CallTrace } from '../trace/calls.js';
import { IOThread } from './iothread.js';
import { IOThreadLife, type IOThreadOwner } from './life.js';
import { Links, type LinkEnd } from './links.js';
import type { FromIOThread, ToIOThread } from './messages.js';
import { codeOf, ioThreadChecks, setOptions, type EngineStats, type IOThreadInfo, type IOThreadOptions, type StartOptions } from './options.js';
import { completeRemote } from './remote-object.js';
import type { Remote } from './remote.js';
import { Fixed, Rpc } from './rpc.js';
import { Rings } from './rings.js';

/** An IOThread, as the thread that owns its runtime has it. */
export class OwnedIOThread<T = unknown> extends IOThread<T> implements LinkEnd {
  readonly #engines = new Map<AioEngine, Promise<void>>();
  /** @internal */ readonly rpc: Rpc;
  /** @internal */ readonly links: Links;
  /** The handle by which other IOThreads wake its loop. @internal */ loop: Slot | undefined;
  /** The object that its code serves. */
  #api: Remote<T> | undefined;
  #whenServing: (() => void) | undefined;
  #sealed = false;
  /** @internal */ readonly life: IOThreadLife;

  readonly #owner: IOThreadOwner;
  readonly name: string;
  readonly #pointer: IOThreadPointer;
  /** @internal */ readonly context: ContextPointer;
  readonly #thread: Thread;
  readonly #code: OwnWorker | undefined;

  private constructor(owner: IOThreadOwner, name: string, pointer: IOThreadPointer, context: ContextPointer, rings: Rings, thread: Thread, code: OwnWorker | undefined) {
    super();
    this.#owner = owner;
    this.name = name;
    this.#pointer = pointer;
    this.context = context;
    this.#thread = thread;
    this.#code = code;
    const { core, core: { loop } } = owner;
    this.links = new Links(core, this);
    const rpc = (this.rpc = new Rpc({
      name,
      trace: new CallTrace(core.instance, 'in'),
      writer: rings.writer('in'),
      reader: rings.reader('out'),
      // The IOThread's context may have been freed when it is sealed.
      wake: () => {
        if (!this.#sealed) core.instance.exports.rt_notify(context);
        owner.answers.expect();
      },
      post: (message, transfer) => this.#send(message, transfer),
      isSealed: () => this.#sealed,
      arrived: loop.run,
      assertOpen: () => this.assertOpen(),
      ask: (start) => core.ask(this, start),
      settle: (id, how, value) => core.pending.settle(id, how, value),
      fromHandle: owner.fromHandle,
      meet: (peer) => this.links.meet(peer as OwnedIOThread),
    }));
    loop.takers.add(rpc);
    thread.onMessage = (message) => this.#receive(message as FromIOThread);
    this.life = new IOThreadLife(owner, this, pointer, context, thread, code, {
      seal: () => {
        this.#post({ type: 'end' });
        this.#sealed = true;
      },
      cutOff: () => {
        this.#sealed = true;
        rpc.close(this.life.over);
        loop.takers.delete(rpc);
        this.links.end(this.life.over ?? closedError(`IOThread '${name}'`));
      },
      drain: () => rpc.drain(),
    });
    void this.life.idle.then(() => rings.free(core));
  }

  /** @internal */
  static start<T>(owner: IOThreadOwner, name: string, options: StartOptions): OwnedIOThread<T> {
    const { instance, threads, host } = owner.core;
    const { exports } = instance;
    const code = codeOf(name, options);
    const text = cString(instance, name);
    const pointer = exports.rt_iothread_new(text);
    exports.rt_free(text);
    if (pointer === 0) throw refusal(instance, `IOThread '${name}'`);
    const context = exports.rt_iothread_context(pointer);
    let rings: Rings | undefined;
    try {
      setOptions(instance, pointer, { threadPoolMax: 2 * host.cpus, ...options });
      rings = new Rings(owner.core, `the calls of IOThread '${name}'`);
      exports.rt_calls_set(context, rings.address);
      const thread = threads.assign(`IO ${name}`, Role.ioThread, pointer, code);
      return new OwnedIOThread<T>(owner, name, pointer, context, rings, thread, code);
    } catch (error) {
      rings?.free(owner.core);
      exports.rt_iothread_free(pointer);
      throw error;
    }
  }

  get #core(): Core {
    return this.#owner.core;
  }

  #send(message: ToIOThread, transfer?: Transferable[]): void {
    // The message is counted before the loop is woken up: the loop leaves WebAssembly when it sees the count.
    this.#post(message, transfer);
    this.#core.instance.exports.rt_notify(this.context);
  }

  #post(message: ToIOThread, transfer?: Transferable[]): void {
    const { exports, memory } = this.#core.instance;
    this.#thread.worker.post(message, transfer);
    Atomics.add(memory.word(exports.rt_thread_posted(this.#thread.pointer)), 0, 1);
  }

  #receive(message: FromIOThread): void {
    switch (message.type) {
      case 'rpc':
        this.rpc.receive(message);
        break;
      case 'loaded':
        this.life.loaded = true;
        break;
      case 'serving':
        this.loop = message.loop;
        this.#api = completeRemote(unpack(message.api, this.rpc.functions) as object, this.rpc.functions, this.name, message.loop,
          (by) => this.#isPassedTo(by)) as Remote<T>;
        this.#whenServing?.();
        break;
      case 'parted':
        this.links.parted(message.rings);
        break;
      case 'unserved':
        this.life.unserved(unpack(message.error, this.rpc.functions), message.attached);
        break;
      case 'idle':
        this.rpc.drain();
        this.life.left();
        break;
      default:
        // Threads handles all other messages.
        break;
    }
  }

  /** Its object is about to be sent to another IOThread, or back to where it is from. */
  #isPassedTo(by: Correspondent): void {
    this.assertOpen();
    if (!by.meet) throw new AioError('ERR_AIO_UNSUPPORTED', `the object of IOThread '${this.name}' can be passed only to another IOThread of the same runtime`);
    by.meet(this);
  }

  /** The object that it serves. @internal */
  get api(): object | undefined {
    return this.#api as object | undefined;
  }

  /** Resolves when its loop runs and, if it has code, that serves an object. @internal */
  async ready({ startTimeout }: StartOptions): Promise<this> {
    const core = this.#core;
    const code = this.#code;
    await this.life.start(() => code
      ? core.guard(this, new Promise<void>((resolve) => (this.#whenServing = resolve)))
      : this.clock(), startTimeout);
    return this;
  }

  get remote(): Remote<T> {
    if (!this.#code) throw new AioError('ERR_AIO_INVALID_ARG', `IOThread '${this.name}' runs no JavaScript of yours: start it with the option worker or module`);
    return this.#api as Remote<T>;
  }

  /** @internal */
  get state(): string {
    const { over, closing } = this.life;
    return over ? 'lost' : closing ? 'closed' : 'open';
  }

  /** It has ended in another way than by close(). @internal */
  get isLost(): boolean {
    return this.life.over !== undefined;
  }

  /** Resolves when no thread works on its requests any more. @internal */
  get idle(): Promise<void> {
    return this.life.idle;
  }

  /** Throws unless its loop runs, even if only to finish requests in flight. @internal */
  assertAlive(): void {
    this.#core.assertOpen();
    if (this.life.over) throw this.life.over;
  }

  /** @internal */
  assertOpen(): void {
    this.assertAlive();
    if (this.life.closing) throw new AioError('ERR_AIO_CLOSED', `IOThread '${this.name}' is closed`);
  }

  async set(options: IOThreadOptions): Promise<void> {
    const checked = optionsOf(options, ioThreadChecks);
    this.assertOpen();
    this.#core.run(() => setOptions(this.#core.instance, this.#pointer, checked));
  }

  async stats(): Promise<LoopStats> {
    this.assertOpen();
    return this.#counters();
  }

  #counters(): LoopStats {
    const { exports, memory } = this.#core.instance;
    return JSON.parse(memory.string(exports.rt_context_stats(this.context))) as LoopStats;
  }

  /** Undefined if its thread has ended, even if the owner has not been told yet. @internal */
  query(): IOThreadInfo | undefined {
    const { exports, memory } = this.#core.instance;
    const text = this.life.hasEnded ? '' : memory.string(exports.rt_iothread_query(this.#pointer));
    if (text === '') return undefined;
    const info = JSON.parse(text) as Omit<IOThreadInfo, 'name' | 'stats'> & Partial<IOThreadInfo>;
    // Modules that an earlier version has built do not have the counters in it.
    return { ...info, name: this.name, stats: info.stats ?? this.#counters() };
  }

  async open(path: string, options: OpenOptions = {}): Promise<AioFile> {
    const { signal, ...checked } = openOptions(path, options);
    return abortable(signal, () => this.#openNow(path, checked), (file) => file.close());
  }

  async #openNow(path: string, options: OpenOptions): Promise<AioFile> {
    this.assertOpen();
    if (isExport(path)) {
      const { openExport } = await import('../nbd/open.js');
      return openExport(this.#owner.files, this, {
        open: async (target) => this.rpc.call(Fixed.openExport, [target]) as Promise<NbdExport>,
        close: async (handle) => void (await this.rpc.call(Fixed.closeExport, [handle])),
        why: async (...of) => this.rpc.call(Fixed.whyExport, of) as Promise<string | undefined>,
      }, path, options);
    }
    const { aio = 'threads', aioMaxBatch = 0, create = false, write = create } = options;
    if (aio === 'nbd') throw new AioError('ERR_AIO_INVALID_ARG', `${path}: aio 'nbd' needs the URL of an export: nbd://HOST:PORT/EXPORT`);
    await this.#setUp(aio);
    return this.#owner.files.open(this, path, { write, create }, { aio, aioMaxBatch });
  }

  /** Sets up the engine in the IOThread, once. */
  #setUp(aio: AioEngine): Promise<void> {
    const before = this.#engines.get(aio);
    if (before) return before;
    const done = this.#setUpNow(aio);
    this.#engines.set(aio, done);
    // After a failure the next open() tries again.
    done.catch(() => this.#engines.delete(aio));
    return done;
  }

  async #setUpNow(aio: AioEngine): Promise<void> {
    const { context } = this;
    const core = this.#core;
    const { exports, memory } = core.instance;
    if (aio === 'sync' && core.host.filesAreOwned) {
      throw new AioError('ERR_AIO_UNSUPPORTED', "aio 'sync' is not possible here: files belong to the host I/O worker and not to IOThreads; use 'native'");
    }
    const size = 256;
    const text = core.run(() => exports.rt_malloc(size));
    if (text === 0) throw noMemory(`aio '${aio}'`);
    const setUp = core.request(this, (id) => {
      if (!exports.rt_engine_setup(context, Engine[aio], text, size, id)) throw noMemory(`aio '${aio}'`);
    });
    // The text is read below before this frees it, one microtask later. If the IOThread is lost, it may still write the text,
    // so that it is freed only when the IOThread is idle.
    setUp.catch(() => this.life.idle).then(() => exports.rt_free(text), () => {});
    const result = await setUp;
    const why = result < 0 ? memory.string(text) : '';
    const errno = errnoName(-result);
    if (isFull(errno)) throw noMemory(`aio '${aio}'`, errno);
    if (result < 0) throw new AioError('ERR_AIO_THREAD_LIMIT', `aio '${aio}': ${why} (maxThreads)`);
  }

  async engineStats(aio: AioEngine): Promise<EngineStats> {
    isEngine('aio', aio);
    this.assertOpen();
    const { exports, memory } = this.#core.instance;
    return JSON.parse(memory.string(exports.rt_engine_stats(this.context, Engine[aio]))) as EngineStats;
  }

  async clock(options: WaitOptions = {}): Promise<number> {
    const signal = signalOf(options);
    this.assertOpen();
    return abortable(signal, () => this.rpc.call(Fixed.clock, []) as Promise<number>);
  }

  async call(name: string, ...args: Argument[] | [...Argument[], WaitOptions]): Promise<unknown> {
    const last = args.at(-1);
    const hasOptions = typeof last === 'object';
    const signal = hasOptions ? signalOf(last) : undefined;
    const converted = this.#core.functions.convert(name, hasOptions ? args.slice(0, -1) : args);
    this.assertOpen();
    return abortable(signal, () => this.rpc.call(Fixed.call, [name, converted]));
  }

  async coroutine(name: string, argument: Argument = 0, options: WaitOptions = {}): Promise<number> {
    const signal = signalOf(options);
    isText('name', name);
    this.assertOpen();
    return abortable(signal, () => startCoroutine(this.#core, this, this.context, name, argument));
  }

  get closed(): Promise<Closed> {
    return this.life.ending.closed;
  }

  close(options: CloseOptions = {}): Promise<void> {
    return closing(options, (timeout) => this.life.close(timeout));
  }

  terminate(): Promise<void> {
    return this.life.terminate();
  }
}
showAs('IOThread', OwnedIOThread, ['name', 'state']);
