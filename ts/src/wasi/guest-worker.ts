// SPDX-License-Identifier: MIT
/** The worker of a guest: a thread of a runtime, or a thread of a guest that aiocc has not built. */
import type { WebAssemblyObject } from '../platform.js';
import type { WorkerHost } from '../hosts/host.js';
import { describeDeath } from '../runtime/death.js';
import { runHelper } from '../runtime/helper-worker.js';
import { ProcessExit } from '../runtime/process.js';
import { sourceLines } from '../runtime/source-lines.js';
import { startWorker, type Kinds } from '../runtime/worker.js';
import { guestSystem } from './guest-system.js';
import type { DirectoryCalls } from './guest-thread.js';
import { guestThread, noDirectories, preview1 } from './preview1.js';
import type { GuestConfig } from './guest-config.js';
import { self } from './poll-log.js';
import { GuestEnded } from './shared.js';
import { answerStack } from './stack.js';

export interface GuestInit {
  type: 'guest';
  module: WebAssembly.Module;
  config: GuestConfig;
  /** The memory that the module imports, and the name of the import. */
  memory: { module: string; name: string; memory: WebAssembly.Memory } | undefined;
  /** Set if this is a thread that another thread of the guest has started. */
  thread: { tid: number; argument: number } | undefined;
  maxThreads: number;
  /** The URL of the user's module, which provides more imports. */
  code: string | undefined;
}

/** A thread of a guest, as the user's module sees it that `imports` names. */
export interface GuestInstance {
  /** The program, which was compiled once for all its threads. */
  readonly module: WebAssemblyObject<'Module'>;
  /** The memory of the program. It exists from the beginning if the program imports it; otherwise it is undefined before `run`. */
  readonly memory: WebAssemblyObject<'Memory'>;
  /** The instance of this thread; undefined before `run`. */
  readonly instance: WebAssemblyObject<'Instance'> | undefined;
  /** The number of this thread: 0 for the first one, the result of `thread-spawn` for others. */
  readonly thread: number;
  /**
   * Sends a message to the first thread of the guest, whose module's function `message` is called with it. The message is cloned as by
   * `structuredClone`. This thread may block afterwards; the first one has to be in its event loop to receive the message.
   */
  post(data: unknown): void;
}

/** What the user's module may export. */
interface GuestCode {
  imports?(guest: GuestInstance): WebAssembly.Imports | Promise<WebAssembly.Imports>;
  instantiated?(guest: GuestInstance): unknown;
  run?(guest: GuestInstance): unknown;
  message?(data: unknown, thread: number | undefined): unknown;
}

/** A message for the first thread of the guest. thread: the number of the thread that has sent it; undefined for the owner. */
export interface GuestMessage {
  type: 'guest-message';
  thread: number | undefined;
  data: unknown;
}

export type FromGuest =
  | { type: 'guest-exit'; code: number; signal: string | undefined }
  | { type: 'guest-died'; message: string }
  | { type: 'guest-refused'; message: string }
  | { type: 'guest-thread-ended' }
  | GuestMessage
  | { type: 'guest-spawn'; tid: number; argument: number };

/**
 * Makes this worker one of a guest's. directoryCalls: absent where there are no directories. others: more that such a worker can be, by
 * the type of the message that starts it.
 */
export function startGuestWorker(host: WorkerHost, directoryCalls?: DirectoryCalls, others: Kinds['others'] = {}): void {
  startWorker(host, {
    system: (config: GuestConfig, ...rest) => guestSystem(config, ...rest, directoryCalls),
    others: {
      ...others,
      wait: runHelper,
      guest: (_host, init: GuestInit) => runGuest(host, init, directoryCalls),
      'guest-message': (_host, message: GuestMessage) => deliver(message),
    },
    began(worker) {
      self.number = worker.init.thread;
      self.name = () => worker.name;
      answerStack((worker.init.guest as GuestConfig).guest, () => worker.name, sourceLines(worker.init.module));
    },
    roles: {},
    messages: [],
  });
}

/** This worker's clock is that of its owner; absent where all threads have the same clock anyway. */
let agreed: Promise<void> | undefined;

/** Messages for the first thread that have arrived before its run() was called. */
const early: GuestMessage[] = [];
/** Receives a message for the first thread of the guest. */
let deliver = (message: GuestMessage): void => void early.push(message);

/** Runs a thread of a guest without the event loop. Afterwards the worker is ready for another one, unless the guest has ended. */
async function runGuest(host: WorkerHost, init: GuestInit, directoryCalls: DirectoryCalls = noDirectories): Promise<void> {
  const { module, memory: imported, thread: started } = init;
  const post = (message: FromGuest): void => host.post(message);
  const name = started ? `thread ${started.tid}` : 'main';
  self.number = started?.tid ?? 0;
  self.name = () => name;
  let exports: WebAssembly.Exports = {};
  const memory = (): WebAssembly.Memory => imported?.memory ?? (exports['memory'] as WebAssembly.Memory);
  const thread = guestThread(init.config, host, memory, true);
  const imports: WebAssembly.Imports = {
    wasi_snapshot_preview1: preview1(thread, directoryCalls(thread).calls),
    wasi: {
      'thread-spawn': (argument: number) =>
        thread.shared.startThread(init.maxThreads - 1, (tid) => post({ type: 'guest-spawn', tid, argument })),
    },
  };
  if (imported) (imports[imported.module] ??= {})[imported.name] = imported.memory;

  agreed ??= host.agreeOnClock?.();
  let instance: WebAssembly.Instance | undefined;
  const guest: GuestInstance = {
    module, thread: started?.tid ?? 0,
    get memory() { return memory(); },
    get instance() { return instance; },
    post: (data) => post({ type: 'guest-message', thread: guest.thread, data }),
  };
  const locate = sourceLines(module);
  const died = (error: unknown): void => post({ type: 'guest-died', message: describeDeath(error, name, locate) });
  let code: GuestCode = {};
  try {
    if (init.code !== undefined) code = (await import(/* @vite-ignore */ /* webpackIgnore: true */ init.code)) as GuestCode;
    for (const [name, more] of Object.entries((await code.imports?.(guest)) ?? {})) imports[name] = { ...more, ...imports[name] };
    instance = await WebAssembly.instantiate(module, imports);
    ({ exports } = instance);
    await code.instantiated?.(guest);
  } catch (error) {
    return post({ type: 'guest-refused', message: String(error) });
  }
  await agreed;
  answerStack(init.config.guest, () => name, locate);
  let again = false;
  try {
    if (started) {
      (exports['wasi_thread_start'] as (tid: number, argument: number) => void)(started.tid, started.argument);
      again = true;
      post({ type: 'guest-thread-ended' });
    } else {
      const { _initialize: initialize, _start: start } = exports as Record<string, (() => void) | undefined>;
      let result: unknown = 0;
      if (code.run) {
        initialize?.();
        const running = code.run(guest);
        deliver = ({ data, thread: from }) => void receive(code, data, from, init.code).catch(died);
        early.splice(0).forEach(deliver);
        result = await running;
      } else if (start) {
        start();
      } else {
        return post({ type: 'guest-refused', message: `it has no _start, and ${init.code} exports no run()` });
      }
      post({ type: 'guest-exit', code: typeof result === 'number' ? result & 0xff : 0, signal: undefined });
    }
  } catch (error) {
    if (error instanceof ProcessExit) post({ type: 'guest-exit', code: error.exitCode, signal: error.signal });
    else if (!(error instanceof GuestEnded)) died(error);
  } finally {
    thread.parents?.close();
    if (!again) host.end();
  }
}

/** Calls the user's function for a message. */
async function receive(code: GuestCode, data: unknown, thread: number | undefined, from: string | undefined): Promise<void> {
  if (!code.message) throw new Error(`it was sent a message, but ${from} exports no message()`);
  await code.message(data, thread);
}
