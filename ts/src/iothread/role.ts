// SPDX-License-Identifier: MIT
import { AioContext } from '../api/context.js';
import type { IOThreadHome } from '../api/home.js';
import { AioError, closedError } from '../errors.js';
import { Callbacks } from '../runtime/callbacks.js';
import type { ContextPointer, IOThreadPointer } from '../runtime/exports.js';
import type { Argument } from '../runtime/functions.js';
import { HostedLoop } from '../runtime/hosted.js';
import type { KindMessage } from '../runtime/messages.js';
import type { StartHelper } from '../runtime/waiter.js';
import type { PlayedRole, RuntimeWorker } from '../runtime/worker.js';
import type { Handle } from '../wire/handle.js';
import { NbdClients } from '../nbd/connections.js';
import type { NbdTarget } from '../nbd/target.js';
import { dataOnly } from '../wire/unpack.js';
import { Answers } from './answers.js';
import { Asked } from './asked.js';
import { BlockingCalls } from './blocking.js';
import type { Control } from './links.js';
import type { ToIOThread } from './messages.js';
import { Peers } from './peers.js';
import { at, awaitRings, readerOf, writerOf } from './rings.js';
import { CallTrace } from '../trace/calls.js';
import { Fixed, Rpc } from './rpc.js';
import type { Serving } from './serve.js';
import { presentService } from './service.js';

/** Whether JavaScript in an IOThread needs a turn: WasmTurn in wasm/port/wasm-port.h. */
const Turn = { none: 0, now: 1, ifIdle: 2 } as const;
/** Why rt_iothread_run() has returned: RtLeft in wasm/runtime/iothread.c. */
const Left = { toStop: 0, forTurn: 1, forCalls: 2, forCallsAndTurn: 3 } as const;
/** So many steps of promises run before a call counts as waiting for something. */
const MICROTASKS = 8;

/** The role that makes a thread an IOThread. */
export class IOThreadRole implements PlayedRole {
  /** Calls, and promises of call-backs, that are not settled yet. */
  private open = 0;
  private quiet: (() => void) | undefined;
  /** Its code may have begun something that nobody waits for, so that JavaScript's event loop has to run. */
  private hosts = false;
  /** An error that ends the role: it has left the module, or nobody has caught it. */
  private death: { error: unknown } | undefined;
  /** An error that a turn of the loop threw. */
  private failed: { error: unknown } | undefined;
  /** It was told to leave its role. */
  private leaving = false;
  private readonly pointer: IOThreadPointer;
  private rpc: Rpc | undefined;
  /** Calls to other threads. */
  private readonly asked = new Asked();
  private peers: Peers | undefined;
  /** Drives the loop in hosted phases. */
  private loop: HostedLoop | undefined;
  private answers: Answers | undefined;
  private nbd: NbdClients | undefined;
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
    if (message.type === 'rpc') {
      this.rpc?.receive(message);
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
    const service = worker.code as Serving | undefined;
    this.hosts = service !== undefined && !service.blocking;
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
    this.loop = loop;
    this.answers = new Answers(instance, context, host, loop);
    const rpc = (this.rpc = this.connect(context));
    loop.takers.add(rpc);
    if (service) {
      this.open++;
      const peers = (this.peers = this.makePeers(context, loop, rpc));
      void presentService(service.of, this.context as AioContext, rpc, () => peers.makeLoop(), (message) => worker.post(message)).then((presented) => {
        peers.presented = presented;
        this.settled();
      });
    }
    for (let message = worker.takeWaiting(); message; message = worker.takeWaiting()) this.receive(message);
    let why: number = Left.forTurn;
    for (;;) {
      const underWay = worker.underWay(posted);
      if (turn[0] === Turn.now && !underWay) {
        // Let some microtasks run now. All others run before the loop would sleep (Turn.ifIdle).
        await Promise.resolve();
        turn[0] = Turn.ifIdle;
      } else if (why !== Left.forCalls || underWay || this.isBusy) {
        // Otherwise the loop looks for the next call first.
        await worker.takeMessages(posted);
        turn[0] = Turn.none;
      }
      // Further calls may have arrived while the loop was being stopped.
      while (this.isBusy && !this.leaving && !this.death) await this.hostedUntilQuiet(loop);
      if (this.death) throw (this.death as { error: unknown }).error;
      why = exports.rt_iothread_run(pointer, worker.received);
      if (why === Left.forCalls || why === Left.forCallsAndTurn) {
        rpc.take();
        this.peers?.take();
        // Their microtasks run now, and with them most functions that are async but wait for nothing.
        for (let n = 0; n < MICROTASKS && (n === 0 || this.open > 0); n++) await Promise.resolve();
        turn[0] = Turn.ifIdle;
      } else if (why === Left.toStop && !worker.underWay(posted)) break;
    }
    await loop.close();
    this.turn = undefined;
    // Closing rejects promises that wait for these objects. If nobody catches that, the host ends the worker in its next
    // task; the role is over by then.
    this.context?.closeAll();
    this.peers?.close();
    await this.nbd?.closeAll();
    exports.rt_iothread_leave(pointer);
    this.context = undefined;
    rpc.close();
  }

  /** Whether JavaScript's event loop has to run while the thread sleeps. */
  private get isBusy(): boolean {
    const { otherWork } = this.worker.host;
    const others = this.hosts && (otherWork?.mayBeOpen ?? true);
    // If there is no other work, and each promise may wait for the answer of another thread, WebAssembly is where that arrives.
    const waits = this.hosts && otherWork !== undefined && this.asked.size >= this.open;
    return others || (this.open > 0 && !waits);
  }

  /** JavaScript's event loop runs, and drives the IOThread's loop, until JavaScript has nothing to wait for. */
  private async hostedUntilQuiet(loop: HostedLoop): Promise<void> {
    loop.start();
    while (this.isBusy && !this.leaving && !this.death && !this.failed) {
      const ignore = this.open > this.asked.size ? undefined : this.worker.host.otherWork?.whenOver(() => this.quiet?.());
      await new Promise<void>((resolve) => (this.quiet = resolve));
      ignore?.();
    }
    this.quiet = undefined;
    // What was begun while the loop is being stopped is noticed in a turn before it sleeps.
    if (this.turn) this.turn[0] = Turn.ifIdle;
    if (this.failed) throw (this.failed as { error: unknown }).error;
    if (this.death) loop.abandon();
    else await loop.stop();
  }

  private connect(context: ContextPointer): Rpc {
    const { worker, worker: { instance, instance: { exports } } } = this;
    const rings = exports.rt_calls(context);
    return new Rpc({
      name: worker.name,
      trace: new CallTrace(instance, 'out'),
      writer: writerOf(instance, rings, 'out'),
      reader: readerOf(instance, rings, 'in'),
      wake: () => {
        exports.rt_notify_owner();
        this.answers?.expect();
      },
      post: (message, transfer) => worker.post(message, transfer),
      // Outside of hosted phases the loop in WebAssembly sees that there is something to take.
      arrived: () => this.loop?.run(),
      began: () => void this.open++,
      settled: () => this.settled(),
      assertOpen() {},
      ask: (start) => this.asked.ask(start),
      settle: (id, how, value) => this.asked.settle(id, how, value),
      fromHandle: (handle) => this.fromHandle(handle),
      waits: new BlockingCalls({
        ring: at(rings, 'in'),
        // The owner never waits, so that there can be no cycle.
        begin() {},
        sleep: (...of) => awaitRings(exports, at(rings, 'in'), ...of),
        end() {},
        ended: () => closedError('the runtime'),
      }),
      control: (value) => this.peers?.control(value as Control),
    }, {
      [Fixed.clock]: () => worker.host.monotonic(),
      [Fixed.call]: (name: string, args: Argument[]) => this.callExport(name, args),
      [Fixed.openExport]: (target: NbdTarget) => this.exportsOf(context).open(target),
      [Fixed.closeExport]: (handle: number) => this.nbd?.close(handle),
      [Fixed.whyExport]: (handle: number, errno: string) => this.nbd?.why(handle, errno),
    });
  }

  /** The NBD clients of this thread. */
  private exportsOf(context: ContextPointer): NbdClients {
    const { worker: { instance, host }, callbacks } = this;
    return (this.nbd ??= new NbdClients({
      instance, context, host, callbacks,
      run: (work) => this.run(work),
      arrived: () => this.loop?.run(),
      began: () => void this.open++,
      settled: () => this.settled(),
    }));
  }

  private makePeers(context: ContextPointer, loop: HostedLoop, rpc: Rpc): Peers {
    const { worker } = this;
    return new Peers({
      instance: worker.instance,
      context,
      name: worker.name,
      functions: rpc.functions,
      takers: loop.takers,
      asked: this.asked,
      arrived: () => loop.run(),
      expects: () => this.answers?.expect(),
      began: () => void this.open++,
      settled: () => this.settled(),
      counted: () => worker.counted(),
      post: (message) => worker.post(message),
      fromHandle: (handle) => this.fromHandle(handle),
    });
  }

  private fromHandle(handle: Handle): unknown {
    return this.peers?.find(handle) ?? (this.context ?? dataOnly).fromHandle(handle);
  }

  /** This thread, as the objects need it that the user's code creates and receives. */
  private asHome(): IOThreadHome {
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
      arrived: () => role.loop?.run(),
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
    try {
      return this.run(() => work?.(...args));
    } catch (error) {
      // No answer after a failure: the caller is told of it as everybody else is.
      if (this.death) return new Promise(() => {});
      throw error;
    }
  }
}
