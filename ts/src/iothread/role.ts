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

/** Whether JavaScript in an IOThread needs a turn: WasmTurn in wasm/port/wasm-port.h. */
const Turn = { none: 0, now: 1, ifIdle: 2 } as const;

/** The role that makes a thread an IOThread. */
export class IOThreadRole implements PlayedRole {
  /** Calls, and promises of call-backs, that are not settled yet. */
  private open = 0;
  private quiet: (() => void) | undefined;
  /** An error that ends the role: it has left the module, or nobody has caught it. */
  private death: { error: unknown } | undefined;
  /** An error that a turn of the loop threw. */
  private failed: { error: unknown } | undefined;
  /** It was told to leave its role. */
  private leaving = false;
  private readonly pointer: IOThreadPointer;
  private rpc: Rpc<Calls> | undefined;
  private context: AioContext | undefined;
  /** The thread's word that contains a Turn; undefined while its loop does not run. */
  private turn: Int32Array | undefined;
  /** The functions that the thread's loop calls. */
  private readonly callbacks: Callbacks;

  constructor(private readonly worker: RuntimeWorker) {
    const { instance, init } = worker;
    this.pointer = instance.exports.rt_thread_arg(init.thread) as IOThreadPointer;
    this.callbacks = new Callbacks({
      instance,
      // Let JavaScript run the call-back's microtasks, and report an error that it threw.
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

  /** Something that was open has been settled. */
  private settled(): void {
    if (this.open > 0 && --this.open === 0) this.quiet?.();
  }

  uncaught(error: unknown, handled: () => boolean): void {
    // An error after the loop has ended is no failure.
    if (!this.turn) return;
    this.open++;
    void this.worker.host.turn().then(() => {
      if (!handled()) this.dies(error);
      this.settled();
    });
  }

  lose(): void {
    // Objects that the user's code still has count as closed from now on.
    this.context = undefined;
  }

  /**
   * Starts a helper, whose port wakes this thread up. It is armed only in hosted phases, in which JavaScript runs.
   */
  private readonly startHelper: StartHelper = (init, woken) => {
    const { port1, port2 } = new MessageChannel();
    // The port carries no other messages, so that any message means a wake-up.
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
    // This comes before any call, because a call may ask for the current context.
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
        // Let some microtasks run now. All others run before the loop would sleep (Turn.ifIdle).
        await Promise.resolve();
        turn[0] = Turn.ifIdle;
      } else {
        await worker.takeMessages(posted);
        turn[0] = Turn.none;
      }
      // Further calls may have arrived while the loop was being stopped.
      while (this.open > 0 && !this.leaving && !this.death) await this.hostedUntilQuiet(loop);
      if (this.death) throw (this.death as { error: unknown }).error;
      if (!exports.rt_iothread_run(pointer, worker.received) && !worker.underWay(posted)) break;
    }
    await loop.close();
    this.turn = undefined;
    // Closing rejects promises that wait for these objects. If nobody catches that, the host ends the worker in its next
    // task; the role is over by then.
    this.context?.closeAll();
    exports.rt_iothread_leave(pointer);
    this.context = undefined;
    this.rpc.close();
  }

  /** Calls are still pending: JavaScript's event loop runs, and drives the IOThread's loop, until all are settled. */
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
        // Do not answer after a failure: the caller is told of it as everybody else is.
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

  /** This thread, as the objects need it that the user's code creates and receives. */
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

  /** Calls into the module. A trap, a panic, or any other error that comes out of C makes the runtime fail. */
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

  /** Calls an exported function. The owner has checked the arguments. */
  private callExport(name: string, args: Argument[]): unknown {
    const work = (this.worker.instance.exports as unknown as Record<string, (...args: Argument[]) => unknown>)[name];
    return this.run(() => work?.(...args));
  }
}
