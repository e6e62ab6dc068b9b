// SPDX-License-Identifier: MIT
import { abortable, signalOf, type WaitOptions } from '../abort.js';
import { checkThat, isArrayOf, isFunction, isNumber, isObject, isSignal, optionsOf, type Checks } from '../check.js';
import { AioError, closedError, messageOf } from '../errors.js';
import { showAs } from '../face.js';
import { ownerHost } from '../hosts/detect.js';
import type { MadeWorker, OwnerHost } from '../hosts/host.js';
import type { Core } from '../runtime/core.js';
import { describeDeath } from '../runtime/death.js';
import { ProcessExit } from '../runtime/process.js';
import { isMemorySize, isModule, isStackSize, isThreadCount, type CompiledModule } from '../runtime/runtime-options.js';
import { guestChecks, type GuestOptions } from './guest-options.js';
import type { GuestInit } from './guest-worker.js';
import { GuestWorkers } from './guest-workers.js';
import { createImported, loadGuestProgram, type GuestProgram } from './guest-program.js';
import { guestHost, type GuestHost } from './guest-host.js';
import type { PollLog } from './poll-log.js';
import { WasiGuest } from './wasi-guest.js';
import type { AbortSignalLike, URLLike } from '../platform.js';

/** Options of {@link WasiHost.create}: the program, its limits, and what it gets from its host. */
export interface WasiOptions extends GuestOptions {
  /**
   * The program, for WASI preview1: its URL, its bytes, or a compiled module. (A compiled module cannot be asked for its memory: one that
   * imports its memory and that `aiocc` has not built, and a `maximumMemory`, need the bytes.)
   */
  module: URLLike | Uint8Array<ArrayBuffer> | CompiledModule;
  /**
   * The URL of an ES module that every thread of the guest loads, for programs that import more than WASI, and for reactors, which
   * have no `_start`. Its function `imports(guest)`, if it has one, returns these imports (a WebAssembly.Imports, or a promise of one);
   * `guest` is a {@link GuestInstance}. Its function `instantiated(guest)` is called in every thread when the thread's instance exists, before
   * any function of the program. Its function `run(guest)`, if it has one, is called in the guest's first thread instead of `_start`,
   * after `_initialize`; it calls the program's functions, and its result, or 0, is the exit code. Its function `message(data, thread)` is
   * called in the first thread with what {@link WasiHost.post} (`thread` is undefined) and other threads of the guest send it.
   */
  imports?: URLLike;
  /**
   * Creates a worker that runs `wasm-aio/wasi/worker`. Needed only with bundlers and servers that do not find that file by
   * themselves. It is called once for each worker.
   */
  worker?: () => MadeWorker;
  /** The most threads that the guest may have at a time, including the one of main(); from 1 to 255. Default 128. */
  maxThreads?: number;
  /**
   * The size in bytes to which the guest's memory, or all of its memories together, may grow. Default: what it declares; not
   * more than that.
   */
  maximumMemory?: number;
  /**
   * The size in bytes of each thread's C stack, from 16 KiB to 1 GiB, in programs that `aiocc` has built. Default 1
   * MiB.
   */
  stackSize?: number;
  /**
   * The time, in milliseconds, after which the guest is ended and run() rejects with ERR_AIO_TIMEOUT. Default: no
   * limit.
   */
  timeout?: number;
}

const areObjects = isArrayOf(isObject, 'objects');
const isUrl = checkThat('a URL', (value) => value instanceof URL);
/** The maximum is that of setTimeout(). */
const isTimeout = isNumber(0, 2 ** 31 - 1, 'a number of ms');

const hostChecks: Checks<WasiOptions & WaitOptions> = {
  ...guestChecks, module: isModule, imports: isUrl, worker: isFunction, maxThreads: isThreadCount, maximumMemory: isMemorySize, stackSize: isStackSize, timeout: isTimeout,
  signal: isSignal,
};

/** How long the threads of a program that has ended may take to leave, on hosts where killing them is a last resort. */
const GUEST_LEAVE_MS = 500;

/**
 * A guest host whose first worker is started now, so that it starts while the module is read and compiled. In pages none is: an
 * error of a worker that nobody listens to yet would be lost there.
 */
function startedEarly(guests: GuestHost): GuestHost & { endEarly(): void } {
  let early = guests.surroundings && guests.makeWorker('main');
  const take = (): MadeWorker | undefined => {
    const worker = early;
    early = undefined;
    return worker;
  };
  return { ...guests, makeWorker: (name) => take() ?? guests.makeWorker(name), endEarly: () => void take()?.terminate() };
}

/**
 * Runs one WASI preview1 command: a program that `aiocc` has built, one for wasi-threads, or any other. The guest
 * runs in workers and may block there. Its streams live on the event loop of the thread that has created the
 * WasiHost, whose methods that thread calls.
 */
export class WasiHost {
  #core: Core | undefined;
  #creating: Promise<Core> | undefined;
  /** The guest's threads are being ended, or have been. */
  #over = false;
  #workers: GuestWorkers | undefined;
  #started = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed: Promise<void> | undefined;
  #settle: { resolve(code: number): void; reject(error: Error): void } | undefined;

  readonly #host: OwnerHost;
  readonly #guest: WasiGuest;
  readonly #endEarly: () => void;
  readonly #options: WasiOptions;
  readonly #program: GuestProgram;

  private constructor(host: OwnerHost, guest: WasiGuest, endEarly: () => void, options: WasiOptions, program: GuestProgram) {
    this.#host = host;
    this.#guest = guest;
    this.#endEarly = endEarly;
    this.#options = options;
    this.#program = program;
  }

  /**
   * Compiles the program and opens the directories, sockets and streams that the options name; run() starts it.
   * @throws AioError ERR_AIO_MODULE (the module is no command for preview1), ERR_AIO_INVALID_ARG, ERR_AIO_IO (a
   * directory or a socket cannot be opened; `errno` says why), ERR_AIO_UNSUPPORTED; the signal's reason
   */
  static async create(options: WasiOptions & WaitOptions): Promise<WasiHost> {
    const checked = optionsOf(options, hostChecks);
    isModule('options.module', checked.module);
    return abortable(checked.signal, () => WasiHost.#createNow(checked), (host) => host.close());
  }

  static async #createNow(options: WasiOptions): Promise<WasiHost> {
    const host = await ownerHost();
    await host.checkSupport();
    const { worker, maximumMemory, imports } = options;
    const guests = startedEarly({ ...(await guestHost()), ...(worker && { makeWorker: worker }) });
    try {
      const program = await loadGuestProgram(options.module, host, guests, maximumMemory, imports !== undefined);
      const guest = await WasiGuest.create(host, guests, options);
      return new WasiHost(host, guest, guests.endEarly, options, program);
    } catch (error) {
      guests.endEarly();
      throw error;
    }
  }

  /** The TCP ports of the sockets that listen for the guest (`listen`), in the order of the option. */
  get ports(): readonly number[] {
    return this.#guest.ports;
  }

  /**
   * Runs the guest and resolves with its exit code after everything that it has written has been taken. An aborted
   * signal ends the guest. A WasiHost can run its guest only once.
   * @throws AioError ERR_AIO_PANIC (the guest trapped, or one of its threads died), ERR_AIO_MODULE,
   * ERR_AIO_NO_MEMORY, ERR_AIO_THREAD_LIMIT, ERR_AIO_TIMEOUT, ERR_AIO_CLOSED, ERR_AIO_INVALID_ARG (called twice); the
   * signal's reason
   */
  async run(options: WaitOptions = {}): Promise<number> {
    const signal = signalOf(options);
    if (this.#closed) throw closedError(this.#name);
    if (this.#started) throw new AioError('ERR_AIO_INVALID_ARG', 'a WasiHost runs its guest once');
    return abortable(signal, () => this.#runOnce(signal));
  }

  async #runOnce(signal: AbortSignalLike | undefined): Promise<number> {
    this.#started = true;
    const aborted = (): void => this.#settle?.reject(signal?.reason as Error);
    signal?.addEventListener('abort', aborted);
    // Workers keep the process alive, but the last one may end before its output has been written.
    const alive = setInterval(() => {}, 0x7fffffff);
    try {
      const code = await new Promise<number>((resolve, reject) => {
        this.#settle = { resolve, reject };
        this.#guest.whenError((error) => reject(error instanceof AioError ? error : new AioError('ERR_AIO_THREAD_LIMIT', `cannot start the helper worker that stands in for Atomics.waitAsync: ${messageOf(error)}`)));
        if (this.#options.timeout !== undefined) this.#timer = setTimeout(() => void this.#timedOut(), this.#options.timeout);
        if (this.#program.flavour === 'aio') this.#runAio().then(resolve, reject);
        else this.#start(undefined, createImported(this.#program));
      });
      await this.#endThreads();
      await this.#guest.flush();
      return code;
    } catch (error) {
      await this.#endThreads();
      if (!signal?.aborted && !(error instanceof AioError && error.code === 'ERR_AIO_TIMEOUT')) await this.#guest.flush();
      throw error;
    } finally {
      signal?.removeEventListener('abort', aborted);
      clearTimeout(this.#timer);
      clearInterval(alive);
    }
  }

  /**
   * Sends a message to the guest's first thread, whose function `message` of the module `imports` is called with it after `run` was called.
   * The message is cloned as by `structuredClone`; transfer: the objects in it that are transferred, such as a `MessagePort` for answers.
   * @throws AioError ERR_AIO_CLOSED (the guest has ended), ERR_AIO_INVALID_ARG (it does not run yet, there is no `imports`, or the message
   * cannot be cloned)
   */
  post(data: unknown, transfer: readonly object[] = []): void {
    areObjects('transfer', transfer);
    if (this.#closed || this.#over) throw closedError(this.#name);
    if (!this.#workers || !this.#options.imports) throw new AioError('ERR_AIO_INVALID_ARG', 'only a guest with options.imports takes messages, and only after run() was called');
    try {
      this.#workers.post({ type: 'guest-message', thread: undefined, data }, transfer);
    } catch (error) {
      throw new AioError('ERR_AIO_INVALID_ARG', `data cannot be sent: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Returns the state of the guest's threads and streams as text, one line each. */
  dump(): string {
    return `${this.#core?.dump() ?? `${this.#workers?.running ?? 0} threads\n`}${this.#guest.dump()}`;
  }

  /** Returns what dump() does, and where in the program each thread is. @internal */
  async dumpWithStacks(): Promise<string> {
    return this.dump() + (await this.#guest.stacks());
  }

  /** Ends the guest if it still runs, and closes everything that was opened for it. Closing it twice does nothing. */
  close(): Promise<void> {
    this.#closed ??= this.#shutDown();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Called before main() of a program that aiocc has built, the only kind that has loops. @internal */
  declare whenCore?: (core: Core, guest: WasiGuest) => void;

  /** Has the poll_oneoff calls of the guest recorded. Call it before run(). @internal */
  logPolls(): PollLog {
    return this.#guest.logPolls();
  }

  /** The name of the program, as the guest sees it. @internal */
  get program(): string {
    return this.#guest.config.args[0] ?? '';
  }

  get #name(): string {
    return `WasiHost '${this.program}'`;
  }

  async #shutDown(): Promise<void> {
    this.#settle?.reject(closedError(this.#name));
    await this.#endThreads();
    this.#endEarly();
    await this.#core?.close();
    await this.#guest.close();
  }

  async #timedOut(): Promise<void> {
    const { timeout } = this.#options;
    this.#settle?.reject(new AioError('ERR_AIO_TIMEOUT', `the guest was ended after ${timeout} ms\n${(await this.dumpWithStacks()).trimEnd()}`));
  }

  // ---- Programs that aiocc has built

  async #runAio(): Promise<number> {
    const { maximumMemory, maxThreads, stackSize = 1024 * 1024 } = this.#options;
    // Only these programs need it.
    this.#creating = import('../runtime/core.js').then(({ Core }) => Core.create({
      module: this.#program.source, guest: this.#guest, stackSize, reserve: 1,
      ...(maximumMemory === undefined ? {} : { maximumMemory }), ...(maxThreads === undefined ? {} : { maxThreads }),
    }));
    try {
      this.#core = await this.#creating;
    } catch (error) {
      // A constructor of the program, which runs in this thread, has called exit(), or has failed: main() does not run.
      if (error instanceof ProcessExit) return error.exitCode;
      if (error instanceof AioError) throw error;
      throw new AioError('ERR_AIO_PANIC', `the runtime has failed: ${describeDeath(error, 'owner', this.#guest.locate(this.#program.module))}`, { cause: error });
    }
    if (this.#over) throw closedError(this.#name);
    this.whenCore?.(this.#core, this.#guest);
    return this.#core.main();
  }

  // ---- All other programs

  #start(thread: GuestInit['thread'], memory: GuestInit['memory']): void {
    const settle = this.#settle;
    this.#workers ??= new GuestWorkers(this.#host, this.#guest.makeWorker, {
      exited: (code) => settle?.resolve(code),
      died: (message) => settle?.reject(new AioError('ERR_AIO_PANIC', `the guest has failed: ${message}`)),
      refused: (message) => settle?.reject(new AioError('ERR_AIO_MODULE', `the WebAssembly module does not fit WASI preview1: ${message}`)),
      spawn: (tid, argument) => this.#spawn(tid, argument, memory),
      threadEnded: () => this.#guest.shared.threadEnded(),
    });
    this.#workers.run({
      type: 'guest', module: this.#program.module, config: this.#guest.config, memory, thread,
      maxThreads: this.#options.maxThreads ?? 128, code: this.#options.imports?.href,
    });
  }

  #spawn(tid: number, argument: number, memory: GuestInit['memory']): void {
    try {
      this.#start({ tid, argument }, memory);
      this.#guest.shared.answerStart(true);
    } catch {
      this.#guest.shared.answerStart(false);
    }
  }

  /**
   * Ends all threads of the guest. Those that sleep in our calls leave by themselves; those that sleep or run in the
   * guest's own code are killed.
   */
  async #endThreads(): Promise<void> {
    this.#over = true;
    this.#guest.shared.end();
    // A core that is still being created is ended, too.
    await this.#creating?.catch(() => {});
    const threads = this.#core?.threads;
    await (this.#host.killsCleanly ? threads?.terminate() : threads?.evacuate(GUEST_LEAVE_MS));
    const left = (await this.#workers?.terminate()) ?? 0;
    if (left > 0) this.#host.warn(`${left} of the threads of ${this.#name} could not be ended yet`);
  }
}
showAs('WasiHost', WasiHost, ['program', 'ports']);
