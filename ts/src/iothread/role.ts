// SPDX-License-Identifier: MIT
import { AioContext } from '../api/context.js';
import type { HomeThread } from '../api/home.js';
import { AioError, closedError } from '../errors.js';
import { Callbacks } from '../runtime/callbacks.js';
import type { IOThreadPointer } from '../runtime/exports.js';
import type { Argument } from '../runtime/functions.js';
import { HostedLoop } from '../runtime/hosted.js';
import type { KindMessage } from '../runtime/messages.js';
import type { StartHelper } from '../runtime/waiter.js';
import type { PlayedRole, RuntimeWorker } from '../runtime/worker.js';
import { dataOnly } from '../wire/unpack.js';
import type { Answer, Calls, ControlApi } from './control.js';
import type { ToIOThread } from './messages.js';
import { Rpc } from './rpc.js';
import type { Service } from './serve.js';
import { presentService } from './service.js';

/** What an IOThread's JavaScript is owed: WasmTurn in wasm/port/wasm-port.h. */
const Turn = { none: 0, now: 1, ifIdle: 2 } as const;

/** A thread while it is an IOThread. */
export class IOThreadRole implements PlayedRole {
  /** Calls, and promises of call-backs, that are not settled yet. */
  private open = 0;
  private quiet: (() => void) | undefined;
  /** Why the role cannot be played on: what left the module, or nobody caught. */
  private death: { error: unknown } | undefined;
  /** What a turn of the loop threw. */
  private failed: { error: unknown } | undefined;
  /** It was asked to leave its role. */
  private leaving = false;
  private readonly pointer: IOThreadPointer;
  private rpc: Rpc<Calls> | undefined;
  private context: AioContext | undefined;
  /** The thread's word: a Turn. Undefined: its loop does not run yet, or any more. */
  private turn: Int32Array | undefined;
  /** The functions that its loop calls. */
  private readonly callbacks: Callbacks;

  constructor(private readonly worker: RuntimeWorker) {
    const { instance, init } = worker;
    this.pointer = instance.exports.rt_thread_arg(init.thread) as IOThreadPointer;
    this.callbacks = new Callbacks({
      instance,
      // Its promises, and what it threw, get their turn.
      ran: () => void (this.turn && (this.turn[0] = Turn.now)),
      returned: (open) => {
        this.open++;
        void open.then(() => this.settled());
      },
    });
  }

  callback(id: number): void {
    this.callbacks.call(id);
  }

  receive(given: KindMessage): void {
    const message = given as ToIOThread;
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

  uncaught(error: unknown, handled: () => boolean): void {
    // What is thrown after its loop has ended is no failure any more.
    if (!this.turn) return;
    this.open++;
    void this.worker.host.turn().then(() => {
      if (!handled()) this.dies(error);
      this.settled();
    });
  }

  lose(): void {
    // What the user's code still has in its hands is closed.
    this.context = undefined;
  }

  /** Woken by its port, in the hosted phases, in which alone it is armed. */
  private readonly startHelper: StartHelper = (init, woken) => {
    const { port1, port2 } = new MessageChannel();
    // It says nothing else, so that whatever comes means that.
    port1.onmessage = port1.onmessageerror = woken;
    this.worker.post({ type: 'helper', init: { ...init, port: port2 } }, [port2]);
  };

  async play(): Promise<void> {
    const { worker, pointer } = this;
    const { instance, host, init: { thread } } = worker;
    const { exports, memory } = instance;
    const service = worker.code as { of: Service } | undefined;
    const posted = memory.word(exports.rt_thread_posted(thread));
    const turn = (this.turn = memory.word(exports.rt_thread_wants_turn(thread)));

    worker.began = true;
    // Before any call, which may ask for the current context.
    exports.rt_iothread_enter(pointer);
    const context = exports.rt_iothread_context(pointer);
    if (service) this.context = AioContext.make(this.asHome(), context, worker.name.replace(/^IO /, ''));
    const loop = new HostedLoop(instance, context, host, this.startHelper, (error) => {
      this.failed = { error };
      this.quiet?.();
    });
    this.rpc = this.connect();
    if (service) {
      this.open++;
      void presentService(service.of, this.context as AioContext, this.rpc, (message) => worker.post(message)).then(() => this.settled());
    }
    for (let message = worker.takeWaiting(); message; message = worker.takeWaiting()) this.receive(message);
    for (;;) {
      if (turn[0] === Turn.now && !worker.underWay(posted)) {
        // What waits for microtasks goes on now; what they leave, when the loop would sleep.
        await Promise.resolve();
        turn[0] = Turn.ifIdle;
      } else {
        await worker.takeMessages(posted);
        turn[0] = Turn.none;
      }
      // Others may have come in while the loop was being stopped.
      while (this.open > 0 && !this.leaving && !this.death) await this.hostedUntilQuiet(loop);
      if (this.death) throw (this.death as { error: unknown }).error;
      if (!exports.rt_iothread_run(pointer, worker.received) && !worker.underWay(posted)) break;
    }
    await loop.close();
    this.turn = undefined;
    // Whoever waited for one of these is rejected, and if nobody catches that, the host ends
    // the worker in its next task: by then the role is over.
    this.context?.closeAll();
    exports.rt_iothread_leave(pointer);
    this.context = undefined;
    this.rpc.close();
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
    const { worker } = this;
    const control: Omit<ControlApi, keyof Calls> = {
      clock: () => worker.host.monotonic(),
      call: async (name, args) => {
        const result = await rpc.answer(() => this.callExport(name, args));
        // A death is no answer: the caller learns of it as all others do.
        return this.death ? new Promise<Answer>(() => {}) : result;
      },
    };
    const rpc: Rpc<Calls> = new Rpc<Calls>({
      name: worker.name,
      requests: 'callback',
      answers: 'control',
      post: (message, transfer) => worker.post(message, transfer),
      answered: () => this.settled(),
      assertOpen() {},
      guard: (promise) => promise,
      fromHandle: (handle) => (this.context ?? dataOnly).fromHandle(handle),
    }, control);
    return rpc;
  }

  /** This thread, as the objects that the user's code makes and gets need it. */
  private asHome(): HomeThread {
    const role = this;
    const { callbacks, worker, worker: { instance } } = this;
    const failed = instance.memory.word(instance.exports.rt_failed_word());
    const over = (): AioError | undefined => {
      if (!role.context) return closedError(worker.name);
      return Atomics.load(failed, 0) ? new AioError('ERR_AIO_PANIC', 'the runtime has failed') : undefined;
    };
    return {
      instance,
      callbacks,
      get context() {
        return role.context as AioContext;
      },
      get over() {
        return over();
      },
      run(work) {
        const error = over();
        if (error) throw error;
        return role.run(work);
      },
    };
  }

  /** Calls into the module: a trap, a panic, or whatever else comes out of C is the runtime's end. */
  private run<T>(work: () => T): T {
    const { instance } = this.worker;
    const { __stack_pointer: stack } = instance.exports;
    const before = stack.value as number;
    try {
      return work();
    } catch (error) {
      if (instance.escaped) this.dies(error);
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
    const work = (this.worker.instance.exports as unknown as Record<string, (...args: Argument[]) => unknown>)[name];
    return this.run(() => work?.(...args));
  }
}
