// SPDX-License-Identifier: MIT
import { AioContext } from '../api/context.js';
import type { HomeThread } from '../api/handle.js';
import { AioError, closedError } from '../errors.js';
import type { WorkerHost } from '../hosts/host.js';
import { Role, type IOThreadPointer } from '../runtime/exports.js';
import { Callbacks } from '../runtime/callbacks.js';
import type { Argument } from '../runtime/functions.js';
import { HostedLoop } from '../runtime/hosted.js';
import { causeOf, describeDeath, ThreadLeave } from '../runtime/death.js';
import { instantiate, type Instance } from '../runtime/instance.js';
import { ProcessExit } from '../runtime/process.js';
import type { MakeSystem } from '../runtime/system.js';
import type { StartHelper } from '../runtime/waiter.js';
import type { Answer, Calls, ControlApi } from './control.js';
import { openOrClose } from './host-files.js';
import type { InitMessage, ToOwner, ToWorker } from './messages.js';
import { dataOnly } from './packet.js';
import { postError } from './post-error.js';
import { Rpc } from './rpc.js';
import { Substitute } from './substitute.js';
import { meeting, type Service } from './serve.js';
import { loadService, presentService } from './service.js';
import { otherVersion, VERSION } from '../version.js';

/** What a worker can be. */
export interface Kinds {
  /** What its module has of a system. */
  readonly system: MakeSystem<never>;
  /** By the type of the message that starts one: what is no thread of the runtime. */
  readonly others: Readonly<Record<string, (host: WorkerHost, message: never) => unknown>>;
}

/**
 * A thread of the runtime: waits inside WebAssembly for a role, plays it, and
 * waits again. Roles that need JavaScript (an IOThread's control plane, opening
 * files) come back out whenever a message is under way.
 */
export function startWorker(host: WorkerHost, kinds: Kinds): void {
  let worker: RuntimeWorker | undefined;

  meeting.isWorker = true;
  meeting.started = true;
  const messages = new Substitute((data) => {
    // Code of the user's may get messages of its own, which its owner does not count.
    const message = data as ToWorker | null;
    const start = message && Object.hasOwn(kinds.others, message.type) ? kinds.others[message.type] : undefined;
    if (start) {
      start(host, message as never);
    } else if (message?.type === 'init') {
      if (message.version !== VERSION) return loses(host, otherVersion("the worker's owner", message.version));
      worker = new RuntimeWorker(host, kinds, message);
      void worker.main();
    } else if (message && counted.has(message.type)) {
      worker?.receive(message);
    }
  });
  host.onMessage((data) => messages.receive(data), () => messages.unreadable());
  host.onLastWords?.((error) => postError((message) => host.post(message), error, (packet) => ({ type: 'threw', error: packet })));
  host.onUncaught?.((error, handled) => {
    if (worker) worker.uncaught(error, handled);
    else void host.turn().then(() => handled() || loses(host, error));
  });
}

/** The thread ends, and nothing else: what was thrown had nothing to do with C. */
function loses(host: WorkerHost, error: unknown): void {
  postError((message) => host.post(message), error, (packet) => ({ type: 'lost', error: packet }));
  host.end();
}

/** What is counted in the thread's `posted`. */
const counted: ReadonlySet<unknown> = new Set<ToWorker['type']>(['control', 'reply', 'release', 'instead', 'open', 'close', 'end']);

/** In a file of the user's: a thread of the runtime once serve() is called. */
export function startUserWorker(host: WorkerHost, kinds: Kinds): void {
  host.takeConsole?.();
  startWorker(host, kinds);
  // A file that never calls it ends, and the owner hears of that.
  host.refMessages?.(false);
  void meeting.service.then(() => host.refMessages?.(true));
}

/** What an IOThread's JavaScript is owed: WasmTurn in wasm/port/wasm-port.h. */
const Turn = { none: 0, now: 1, ifIdle: 2 } as const;

class RuntimeWorker {
  private instance!: Instance;
  /** Messages that arrived; the sender counts them in the thread's `posted`. */
  private received = 0;
  private arrived: (() => void) | undefined;
  /** Control calls that were received and not answered yet. */
  private open = 0;
  private quiet: (() => void) | undefined;
  /** Why the role cannot be played on: what left the module, or nobody caught. */
  private death: { error: unknown } | undefined;
  /** It was asked to leave its role. */
  private leaving = false;
  /** Messages for a role that is not played yet, or that wait for their turn. */
  private readonly waiting: Exclude<ToWorker, InitMessage>[] = [];
  private rpc: Rpc<Calls> | undefined;
  /** What the user's code serves, and its loop. */
  private service: Service | undefined;
  private context: AioContext | undefined;
  /** The thread's word: a Turn. */
  private turn: Int32Array | undefined;
  /** The functions that its loop calls. */
  private callbacks!: Callbacks;
  /** It is an IOThread, or was. */
  private began = false;
  /** What a turn of the loop threw. */
  private failed: { error: unknown } | undefined;

  constructor(private readonly host: WorkerHost, private readonly kinds: Kinds, private readonly init: InitMessage) {}

  private post(message: ToOwner, transfer?: Transferable[]): void {
    this.host.post(message, transfer);
  }

  receive(message: Exclude<ToWorker, InitMessage>): void {
    this.received = (this.received + 1) >>> 0;
    if (this.rpc) this.control(message);
    else this.waiting.push(message);
    this.arrived?.();
    this.arrived = undefined;
  }

  private control(message: Exclude<ToWorker, InitMessage>): void {
    if (message.type === 'control') {
      this.open++;
      this.rpc?.receiveRequest(message.data);
    } else if (message.type === 'reply') {
      this.rpc?.receiveAnswer(message.data);
    } else if (message.type === 'release') {
      this.rpc?.functions.receive(message);
    } else if (message.type === 'end') {
      this.leaving = true;
      this.quiet?.();
    }
  }

  /** Something that was open is not any more. */
  private settled(): void {
    if (this.open > 0 && --this.open === 0) this.quiet?.();
  }

  async main(): Promise<void> {
    const { module, memory, guest, thread } = this.init;
    const agreed = this.host.agreeOnClock?.();
    if (this.init.code && !(this.service = await loadService(this.host, this.init.code))) {
      this.post({ type: 'ended' });
      return this.host.end();
    }
    try {
      this.instance = await instantiate(module, memory, this.host, {
        system: (memory) => this.kinds.system(guest as never, this.host, memory, true),
        callback: (id) => this.callbacks.call(id),
        startWorker: (wanted) => this.post({ type: 'start', thread: wanted }),
        complete() {
          throw new Error('only the owner completes requests');
        },
      });
      await agreed;
      const { instance, instance: { exports } } = this;
      this.callbacks = new Callbacks({
        instance,
        // Its promises, and what it threw, get their turn.
        ran: () => void (this.turn && (this.turn[0] = Turn.now)),
        returned: (open) => {
          this.open++;
          void open.then(() => this.settled());
        },
      });
      // Neither these two nor __wasm_init_tls use the stack, which is not set up yet.
      const stackTop = exports.rt_thread_stack_top(thread);
      for (;;) {
        // Whatever threw left the stack pointer where it was, in a coroutine perhaps.
        exports.stack_own(stackTop, exports.rt_thread_stack_limit(thread));
        exports.__wasm_init_tls(exports.rt_thread_tls(thread));
        exports.rt_thread_attach(thread);
        const role = exports.rt_thread_park();
        if (role === Role.end) break;
        this.post({ type: 'busy' });
        await this.play(role);
        exports.rt_thread_idle(thread);
        // A thread may leave by pthread_exit, or exit().
        instance.escaped = undefined;
        this.post({ type: 'idle', role });
      }
    } catch (error) {
      if (!(error instanceof ThreadLeave)) {
        if (!this.instance?.escaped) {
          // What the user's code still has in its hands is closed.
          this.context = undefined;
          return loses(this.host, error);
        }
        this.died(error);
      }
    }
    this.post({ type: 'ended' });
    this.host.end();
  }

  /** What nobody caught here; the host goes on as if nothing had happened. */
  uncaught(error: unknown, handled: () => boolean): void {
    const plays = this.turn !== undefined;
    // What is thrown after its role is no failure any more.
    if (this.began && !plays) return;
    if (plays) this.open++;
    void this.host.turn().then(() => {
      if (!handled() && this.began) this.dies(error);
      else if (!handled()) loses(this.host, error);
      if (plays) this.settled();
    });
  }

  private died(error: unknown): void {
    const { exports, memory } = this.instance ?? {};
    if (exports) Atomics.store(memory.word(exports.rt_failed_word()), 0, 1);
    const message = describeDeath(error, this.name());
    postError((message) => this.post(message), causeOf(error), (cause) => ({ type: 'failed', message, cause }));
  }

  /** The thread's. */
  private name(): string {
    const { exports, memory } = this.instance ?? {};
    return (exports && memory.string(exports.rt_thread_name(this.init.thread))) || 'worker';
  }

  private async play(role: number): Promise<void> {
    const { exports } = this.instance;
    try {
      if (role === Role.run) exports.rt_thread_run();
      else if (role === Role.ioThread) await this.ioThread();
      else if (role === Role.hostIO) await this.hostIO();
    } catch (error) {
      if (error instanceof ProcessExit) this.post({ type: 'exit', code: error.exitCode, thread: this.name() });
      else if (!(error instanceof ThreadLeave)) throw error;
    }
    if (Atomics.load(this.instance.memory.word(exports.rt_failed_word()), 0)) throw new ThreadLeave();
  }

  private underWay(posted: Int32Array): boolean {
    return ((Atomics.load(posted, 0) - this.received) | 0) > 0;
  }

  /**
   * Lets JavaScript have the messages that are under way. The counter runs ahead
   * of delivery, so the message's own event is awaited, then one turn given:
   * comlink posts its answer from a later microtask. Where delivery runs ahead of
   * the counter, awaiting the next one would leave the loop standing still.
   */
  private async takeMessages(posted: Int32Array): Promise<void> {
    if (this.underWay(posted)) {
      await new Promise<void>((resolve) => (this.arrived = resolve));
    }
    await this.host.turn();
  }

  /** Woken by its port, in the hosted phases, in which alone it is armed. */
  private readonly startHelper: StartHelper = (init, woken) => {
    const { port1, port2 } = new MessageChannel();
    // It says nothing else, so that whatever comes means that.
    port1.onmessage = port1.onmessageerror = woken;
    this.host.post({ type: 'helper', init: { ...init, port: port2 } } satisfies ToOwner, [port2]);
  };

  private async ioThread(): Promise<void> {
    const { exports, memory } = this.instance;
    const { thread } = this.init;
    const ioThread = exports.rt_thread_arg(thread) as IOThreadPointer;
    const posted = memory.word(exports.rt_thread_posted(thread));
    const turn = (this.turn = memory.word(exports.rt_thread_wants_turn(thread)));

    this.began = true;
    // Before any call, which may ask for the current context.
    exports.rt_iothread_enter(ioThread);
    if (this.service) this.context = AioContext.make(this.asHome(), exports.rt_iothread_context(ioThread), this.name().replace(/^IO /, ''));
    const loop = new HostedLoop(this.instance, exports.rt_iothread_context(ioThread), this.host, this.startHelper, (error) => {
      this.failed = { error };
      this.quiet?.();
    });
    this.rpc = this.connect();
    if (this.service) {
      this.open++;
      void presentService(this.service, this.context as AioContext, this.rpc, (message) => this.post(message)).then(() => this.settled());
    }
    for (const message of this.waiting.splice(0)) this.control(message);
    for (;;) {
      if (turn[0] === Turn.now && !this.underWay(posted)) {
        // What waits for microtasks goes on now; what they leave, when the loop would sleep.
        await Promise.resolve();
        turn[0] = Turn.ifIdle;
      } else {
        await this.takeMessages(posted);
        turn[0] = Turn.none;
      }
      // Others may have come in while the loop was being stopped.
      while (this.open > 0 && !this.leaving && !this.death) await this.hostedUntilQuiet(loop);
      if (this.death) throw (this.death as { error: unknown }).error;
      if (!exports.rt_iothread_run(ioThread, this.received) && !this.underWay(posted)) break;
    }
    await loop.close();
    this.turn = undefined;
    // Whoever waited for one of these is rejected, and if nobody catches that, the host ends
    // the worker in its next task: by then the role is over.
    this.context?.closeAll();
    exports.rt_iothread_leave(ioThread);
    this.context = undefined;
    this.rpc.close();
    this.rpc = undefined;
    this.open = 0;
    this.leaving = false;
  }

  /** Something that JavaScript began is still open: it goes on, and drives the loop
   * meanwhile. */
  private async hostedUntilQuiet(loop: HostedLoop): Promise<void> {
    loop.start();
    if (this.open > 0 && !this.leaving && !this.failed) await new Promise<void>((resolve) => (this.quiet = resolve));
    this.quiet = undefined;
    if (this.failed) throw (this.failed as { error: unknown }).error;
    if (this.death) loop.abandon();
    else await loop.stop();
  }

  private connect(): Rpc<Calls> {
    const { exports, memory } = this.instance;
    const control: Omit<ControlApi, keyof Calls> = {
      clock: () => this.host.monotonic(),
      call: async (name, args) => {
        const result = await rpc.answer(() => this.callExport(name, args));
        // A death is no answer: the caller learns of it as all others do.
        return this.death ? new Promise<Answer>(() => {}) : result;
      },
    };
    const rpc: Rpc<Calls> = new Rpc<Calls>({
      name: memory.string(exports.rt_thread_name(this.init.thread)),
      requests: 'callback',
      answers: 'control',
      post: (message, transfer) => this.post(message, transfer),
      answered: () => this.settled(),
      assertOpen() {},
      guard: (promise) => promise,
      fromHandle: (handle) => (this.context ?? dataOnly).fromHandle(handle),
    }, control);
    return rpc;
  }

  /** This thread, as the objects that the user's code makes and gets need it. */
  private asHome(): HomeThread {
    const worker = this;
    const { instance, callbacks } = this;
    const failed = instance.memory.word(instance.exports.rt_failed_word());
    const over = (): AioError | undefined => {
      if (!worker.context) return closedError(worker.name());
      return Atomics.load(failed, 0) ? new AioError('ERR_AIO_PANIC', 'the runtime has failed') : undefined;
    };
    return {
      instance,
      callbacks,
      get context() {
        return worker.context as AioContext;
      },
      get over() {
        return over();
      },
      run(work) {
        const error = over();
        if (error) throw error;
        return worker.run(work);
      },
    };
  }

  /** Calls into the module: a trap, a panic, or whatever else comes out of C is the runtime's end. */
  private run<T>(work: () => T): T {
    const { __stack_pointer: stack } = this.instance.exports;
    const before = stack.value as number;
    try {
      return work();
    } catch (error) {
      if (this.instance.escaped) this.dies(error);
      else stack.value = before;
      throw error;
    }
  }

  private dies(error: unknown): void {
    this.death ??= { error };
    this.quiet?.();
  }

  /** The owner has checked the arguments. */
  private callExport(name: string, args: Argument[]): unknown {
    const work = (this.instance.exports as unknown as Record<string, (...args: Argument[]) => unknown>)[name];
    return this.run(() => work?.(...args));
  }

  private async hostIO(): Promise<void> {
    const { exports, memory } = this.instance;
    const posted = memory.word(exports.rt_thread_posted(this.init.thread));

    for (;;) {
      // Before the first sleep, too: what arrived while this worker started is counted as received,
      // so nothing would wake it for that.
      for (let message = this.waiting.shift(); message; message = this.waiting.shift()) {
        if (message.type === 'end') return;
        if (message.type === 'open' || message.type === 'close') this.post(await openOrClose(this.host, message));
      }
      exports.rt_host_io_run(this.received);
      await this.takeMessages(posted);
    }
  }
}
