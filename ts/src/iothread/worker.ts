// SPDX-License-Identifier: MIT
import { AioError, hostErrno, messageOf } from '../errors.js';
import type { WorkerHost } from '../hosts/host.js';
import { Role, type IOThreadPointer } from '../runtime/exports.js';
import type { FromHelper } from '../runtime/helpers.js';
import { HostedLoop } from '../runtime/hosted.js';
import { describeDeath } from '../runtime/death.js';
import { instantiate, ThreadLeave, type Instance } from '../runtime/instance.js';
import { waitForOthers, type HelperInit, type StartHelper } from '../runtime/waiter.js';
import { runGuest, type GuestInit } from '../wasi/guest-worker.js';
import { ProcessExit } from '../wasi/preview1.js';
import { GuestEnded } from '../wasi/shared.js';
import { answer, ControlEndpoint, serve, type ControlApi } from './control.js';
import type { InitMessage, ToOwner, ToWorker } from './messages.js';

/**
 * A thread of the runtime: waits inside WebAssembly for a role, plays it, and
 * waits again. Roles that need JavaScript (an IOThread's control plane, opening
 * files) come back out whenever a message is under way.
 */
export function startWorker(host: WorkerHost): void {
  let worker: RuntimeWorker | undefined;

  host.onMessage((data) => {
    const message = data as ToWorker | GuestInit | HelperInit;
    if (message.type === 'guest') {
      void runGuest(host, message);
    } else if (message.type === 'wait') {
      runHelper(host, message);
    } else if (message.type === 'init') {
      worker = new RuntimeWorker(host, message);
      void worker.main();
    } else {
      worker?.receive(message);
    }
  });
}

/** This worker waits for another thread, and does nothing else. */
function runHelper(host: WorkerHost, init: HelperInit): void {
  const post = (message: FromHelper): void => (init.port && message.type === 'woken' ? init.port.postMessage(message) : host.post(message));
  waitForOthers(init, () => post({ type: 'woken' }));
  init.port?.close();
  post({ type: 'ended' });
  host.end();
}

class RuntimeWorker {
  private instance!: Instance;
  /** Messages that arrived; the sender counts them in the thread's `posted`. */
  private received = 0;
  private arrived: (() => void) | undefined;
  /** Control calls that were received and not answered yet. */
  private open = 0;
  private quiet: (() => void) | undefined;
  /** What a control call died of. */
  private death: { error: unknown } | undefined;
  /** Messages for a role that is not played yet, or that wait for their turn. */
  private readonly waiting: Exclude<ToWorker, InitMessage>[] = [];
  private endpoint: ControlEndpoint | undefined;
  /** What a turn of the loop threw. */
  private failed: { error: unknown } | undefined;

  constructor(private readonly host: WorkerHost, private readonly init: InitMessage) {}

  private post(message: ToOwner): void {
    this.host.post(message);
  }

  receive(message: Exclude<ToWorker, InitMessage>): void {
    this.received = (this.received + 1) >>> 0;
    if (this.endpoint) this.control(message);
    else this.waiting.push(message);
    this.arrived?.();
    this.arrived = undefined;
  }

  private control(message: Exclude<ToWorker, InitMessage>): void {
    if (message.type !== 'control') return;
    this.open++;
    this.endpoint?.receive(message.data);
  }

  async main(): Promise<void> {
    const { module, memory, guest, thread } = this.init;
    try {
      this.instance = await instantiate(module, memory, this.host, guest, {
        sleeps: true,
        startWorker: (wanted) => this.post({ type: 'start', thread: wanted }),
        complete() {
          throw new Error('only the owner completes requests');
        },
      });
      const { exports } = this.instance;
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
        this.post({ type: 'idle', role });
      }
    } catch (error) {
      if (!(error instanceof ThreadLeave)) this.died(error);
    }
    this.post({ type: 'ended' });
    this.host.end();
  }

  private died(error: unknown): void {
    const { exports, memory } = this.instance ?? {};
    if (exports) Atomics.store(memory.word(exports.rt_failed_word()), 0, 1);
    this.post({ type: 'failed', message: describeDeath(error, this.name()) });
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
      else if (!(error instanceof ThreadLeave || error instanceof GuestEnded)) throw error;
    }
    if (Atomics.load(this.instance.memory.word(exports.rt_failed_word()), 0)) throw new ThreadLeave();
  }

  /**
   * Lets JavaScript have the messages that are under way. The counter runs ahead
   * of delivery, so the message's own event is awaited, then one turn given:
   * comlink posts its answer from a later microtask. Where delivery runs ahead of
   * the counter, awaiting the next one would leave the loop standing still.
   */
  private async takeMessages(posted: Int32Array): Promise<void> {
    if (((Atomics.load(posted, 0) - this.received) | 0) > 0) {
      await new Promise<void>((resolve) => (this.arrived = resolve));
    }
    await this.host.turn();
  }

  /** Woken by its port, in the hosted phases, in which alone it is armed. */
  private readonly startHelper: StartHelper = (init, woken) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = woken;
    this.host.post({ type: 'helper', init: { ...init, port: port2 } } satisfies ToOwner, [port2]);
  };

  private async ioThread(): Promise<void> {
    const { exports, memory } = this.instance;
    const { thread } = this.init;
    const ioThread = exports.rt_thread_arg(thread) as IOThreadPointer;
    const posted = memory.word(exports.rt_thread_posted(thread));

    // Before any call, which may ask for the current context.
    exports.rt_iothread_enter(ioThread);
    this.endpoint = new ControlEndpoint((data) => {
      this.open--;
      this.post({ type: 'control', data });
      if (this.open === 0) this.quiet?.();
    });
    serve(this.controlApi(), this.endpoint);
    const loop = new HostedLoop(this.instance, exports.rt_iothread_context(ioThread), this.host, this.startHelper, (error) => {
      this.failed = { error };
      this.quiet?.();
    });
    for (const message of this.waiting.splice(0)) this.control(message);
    do {
      await this.takeMessages(posted);
      // Again, for stopping the loop takes its time, in which another call may have come.
      while (this.open > 0 && !this.death) await this.hostedUntilQuiet(loop);
      if (this.death) throw (this.death as { error: unknown }).error;
    } while (exports.rt_iothread_run(ioThread, this.received));
    await loop.close();
    exports.rt_iothread_leave(ioThread);
    this.endpoint = undefined;
  }

  /** A call that was received is still being answered: JavaScript goes on, and
   * drives the loop meanwhile. */
  private async hostedUntilQuiet(loop: HostedLoop): Promise<void> {
    loop.start();
    if (this.open > 0 && !this.failed) await new Promise<void>((resolve) => (this.quiet = resolve));
    this.quiet = undefined;
    if (this.failed) throw (this.failed as { error: unknown }).error;
    if (this.death) loop.abandon();
    else await loop.stop();
  }

  private controlApi(): ControlApi {
    return {
      clock: () => this.host.monotonic(),
      call: (name, args) => {
        const result = answer(() => this.callExport(name, args));
        // A death is no answer: the caller learns of it as all others do.
        return this.death ? new Promise<never>(() => {}) : result;
      },
    };
  }

  /** A trap, a panic, or whatever else comes out of C: that is a death. */
  private callExport(name: string, args: number[]): unknown {
    const work = (this.instance.exports as unknown as Record<string, unknown>)[name];
    if (typeof work !== 'function') throw new AioError('ERR_AIO_INVALID_ARG', `the module exports no function '${name}'`);
    try {
      return (work as (...args: number[]) => unknown)(...args);
    } catch (error) {
      this.death = { error };
      this.quiet?.();
      throw error;
    }
  }

  private async hostIO(): Promise<void> {
    const { exports, memory } = this.instance;
    const posted = memory.word(exports.rt_thread_posted(this.init.thread));

    for (;;) {
      exports.rt_host_io_run(this.received);
      await this.takeMessages(posted);
      for (let message = this.waiting.shift(); message; message = this.waiting.shift()) {
        if (message.type === 'end') return;
        await this.openOrClose(message);
      }
    }
  }

  private async openOrClose(message: Exclude<ToWorker, InitMessage>): Promise<void> {
    if (message.type !== 'open' && message.type !== 'close') return;
    try {
      if (message.type === 'open') {
        this.post({ type: 'opened', id: message.id, file: await this.host.open(message.path, message.mode) });
      } else {
        await this.host.close(message.handle);
        this.post({ type: 'closed', id: message.id });
      }
    } catch (error) {
      this.post({ type: 'refused', id: message.id, errno: hostErrno(error), message: messageOf(error) });
    }
  }
}
