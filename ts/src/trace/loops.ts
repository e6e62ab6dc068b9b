// SPDX-License-Identifier: MIT
/** What the loops of a program do at present, for `wasm-aio top`. */
import type { Core } from '../runtime/core.js';
import type { Exports, Pointer } from '../runtime/exports.js';
import { CallbackScan, namer, type Run } from './callback-scan.js';
import { LoopScan, type LoopState, type ScannedLoop } from './loop-scan.js';
import { namesOf } from './names.js';
import { READ_MS, Recording } from './recording.js';

/** A call-back, and how long it took or has taken so far, in ms. */
export interface Took {
  name: string;
  kind: string;
  duration: number;
}

/** A loop. Times are in ms. */
export interface LoopReport {
  /** That of the thread that runs it, with its address if that thread has several. */
  name: string;
  thread: string;
  state: LoopState;
  /** JavaScript's event loop, or GLib's, runs it. */
  isDriven: boolean;
  /** How long it has been in that state. */
  since: number;
  /** How long it will sleep at most; -1: until it is woken, or it does not sleep. */
  left: number;
  /** The call-backs that run, the outermost first. */
  running: Took[];
  /** The descriptors that it watches. */
  fds: { fd: number; kind: string }[];
  /** Requests that it waits for, by their kinds: `native`, or `thread pool`. */
  requests: { kind: string; count: number; oldest: number }[];
  /** The work of its requests that runs now. */
  jobs: (Took & { thread: string })[];
  /** Who has woken it, and how often, the most frequent first. */
  wakers: { by: string; count: number }[];
  iterations: number;
  callbacks: number;
  /** How long it was in each state. */
  spent: Record<LoopState, number>;
  longest?: Took;
}

/** All loops of a program, at a time. */
export interface LoopsReport {
  /** How long they have been watched, in ms. */
  time: number;
  /** Events that were overwritten before they were read. */
  lost: number;
  loops: LoopReport[];
  /** Loops that have not run yet. */
  fresh: number;
}

/** `rt_loops()` is not in modules that an earlier version has built. */
interface LoopExports extends Exports {
  rt_loops?(): Pointer<'string'>;
}

const MS = 1e6;

/** Watches the loops of a program from now on. Owner only. */
export class Loops {
  readonly #recording: Recording;
  readonly #callbacks: CallbackScan;
  readonly #loops: LoopScan;
  readonly #functionName: (place: number) => string | undefined;
  readonly #nameOf: ReturnType<typeof namer>;
  /** The longest call-back of each context. */
  readonly #longest = new Map<ScannedLoop, Took>();
  readonly #timer: ReturnType<typeof setInterval>;

  /** describe: says what a descriptor of the program is. @throws AioError ERR_AIO_NO_MEMORY, ERR_AIO_MODULE */
  constructor(private readonly core: Core, private readonly describe: (fd: number) => string | undefined) {
    const { exports } = core.instance;
    this.#recording = Recording.of(core, (exports as LoopExports).rt_loops && core.run(() => exports.rt_trace_start?.()));
    this.#callbacks = new CallbackScan(this.#recording.types);
    this.#loops = new LoopScan(this.#recording.types, this.#recording.start);
    this.#functionName = namesOf(core.module, exports.__indirect_function_table);
    this.#nameOf = namer(this.#recording, this.#functionName);
    this.#timer = setInterval(() => this.#read(), READ_MS);
    this.#timer.unref?.();
  }

  #read(): void {
    if (this.core.over) return;
    const batches = [...this.#recording.read()];
    this.#loops.read(batches);
    for (const run of this.#callbacks.ended(batches)) this.#keep(run, run.end as number);
  }

  #took({ begin, kind }: Run, until: number): Took {
    return { name: this.#nameOf(begin), kind, duration: Math.max(until - begin.time, 0) / MS };
  }

  #keep(run: Run, until: number): void {
    const loop = this.#loops.loops.get(run.context);
    if (loop && !((until - run.begin.time) / MS <= (this.#longest.get(loop)?.duration ?? -1))) this.#longest.set(loop, this.#took(run, until));
  }

  /** What the loops do now. */
  report(): LoopsReport {
    const now = this.core.host.monotonic();
    this.#read();
    const { start, unwritten } = this.#recording;
    const lines = this.core.over ? [] : this.core.instance.memory.string((this.core.instance.exports as Required<LoopExports>).rt_loops()).trimEnd().split('\n');
    const watched = new Map(lines.filter(Boolean).map((line) => line.split(' ').map(Number)).map(([loop = 0, ...fds]) => [loop, fds]));
    for (const [context, loop] of this.#loops.loops) {
      if (loop.loop === 0 || watched.has(loop.loop)) continue;
      // It has ended.
      this.#loops.loops.delete(context);
      this.#longest.delete(loop);
    }
    const live = [...this.#loops.loops].filter(([, { loop }]) => loop !== 0);
    const running = [...this.#callbacks.running()];
    for (const run of running) this.#keep(run, now);
    return {
      time: (now - start) / MS, lost: this.#callbacks.lost + unwritten, fresh: watched.size - live.length,
      loops: live.map(([context, loop]) => this.#one(context, loop, watched.get(loop.loop) ?? [], running.filter((run) => run.context === context), now)),
    };
  }

  /** The name of a context. One that has none is named by its thread, and by its address if another has that thread, too. */
  #contextName(context: number): string {
    const { loops } = this.#loops;
    const named = this.#recording.nameOf(context)?.replace(/^IO /, '');
    const loop = loops.get(context);
    if (named !== undefined || !loop) return named ?? 'a loop that has ended';
    const isOnly = [...loops.values()].every((other) => other === loop || other.thread !== loop.thread);
    return isOnly ? loop.thread : `${loop.thread}, 0x${context.toString(16)}`;
  }

  #one(context: number, loop: ScannedLoop, fds: number[], running: readonly Run[], now: number): LoopReport {
    const { state, isDriven, thread, iterations, callbacks } = loop;
    const since = Math.max(now - loop.since, 0);
    const spent = { ...loop.spent, [state]: loop.spent[state] + since };
    const own = this.#loops.requestsOf(context, loop);
    const kinds = new Map<string, number[]>();
    for (const [, { engine = 'thread pool', time }] of own) kinds.set(engine, [...kinds.get(engine) ?? [], time]);
    const longest = this.#longest.get(loop);
    return {
      name: this.#contextName(context), thread, state, isDriven, since: since / MS,
      left: state === 'asleep' && loop.timeout >= 0 ? Math.max(loop.timeout - since, 0) / MS : -1,
      running: running.map((run) => this.#took(run, now)),
      fds: fds.map((fd) => ({ fd, kind: this.describe(fd) ?? 'event' })),
      requests: [...kinds].map(([kind, times]) => ({ kind, count: times.length, oldest: (now - Math.min(...times)) / MS })),
      jobs: [...own.keys()].flatMap((address) => {
        const job = this.#loops.jobs.get(address);
        return job ? [{ name: this.#functionName(job.func) ?? 'job', kind: 'job', thread: job.thread, duration: Math.max(now - job.time, 0) / MS }] : [];
      }),
      wakers: [...this.#loops.wakers.get(loop.loop) ?? []].sort(([, a], [, b]) => b - a)
        .map(([by, count]) => ({ by: typeof by === 'string' ? by : this.#contextName(by), count })),
      iterations, callbacks, spent: { asleep: spent.asleep / MS, polling: spent.polling / MS, awake: spent.awake / MS, outside: spent.outside / MS },
      ...(longest && { longest }),
    };
  }

  /** Turns tracing off. */
  close(): void {
    clearInterval(this.#timer);
    this.#recording.close();
  }
}
