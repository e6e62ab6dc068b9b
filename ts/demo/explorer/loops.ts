// SPDX-License-Identifier: MIT
/** The runtime of the explorer: the page's loop, its IOThreads, the workload that they run, and the recording of it. */
import { Runtime, type IOThread, type Trace } from '../../browser.js';
import { addressOf, LiveTrace } from '../../whole/live-trace.js';
import { Timeline } from './timeline.js';

/** Events that are kept for saving. */
const MOST_EVENTS = 200_000;
/** How long a call-back works, in µs. */
const WORK_US = 10;

export interface Polling {
  pollMaxNs: number;
  pollGrow: number;
  pollShrink: number;
}

export class Loops {
  readonly #threads: IOThread[] = [];
  #trace: LiveTrace;
  timeline: Timeline;

  private constructor(private readonly runtime: Runtime) {
    this.#trace = new LiveTrace(runtime, MOST_EVENTS);
    this.timeline = this.#timeline();
    runtime.call('explorer_lane', 0, addressOf(runtime.context));
  }

  #timeline(): Timeline {
    const { runtime } = this;
    return new Timeline(this.#trace.naming, [[addressOf(runtime.context), 'this page'], ...this.#threads.map((thread) => [addressOf(thread), `IOThread ${thread.name}`] as const)]);
  }

  static async start(): Promise<Loops> {
    return new Loops(await Runtime.create({ module: new URL('./explorer.wasm', import.meta.url), reserve: 0, maxThreads: 16 }));
  }

  /** Now, in µs since the recording began. */
  get now(): number {
    return this.#trace.now;
  }

  /** Reads what the loops have done since the last call. */
  read(): void {
    this.timeline.feed(this.#trace.read());
  }

  /** What is known of the last events, for Perfetto. */
  save(): Trace {
    return this.#trace.save();
  }

  async poll(polling: Polling): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.set({ ...polling })));
  }

  /** Ends the workload that runs, and begins one with so many threads. */
  async run(workload: number, threads: number, rate: number, polling: Polling): Promise<void> {
    const { runtime } = this;
    runtime.call('explorer_stop');
    while (Number(runtime.call('explorer_active')) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    runtime.call('explorer_end');
    await Promise.all(this.#threads.splice(threads).map((thread) => thread.close()));
    await this.poll(polling);
    const first = this.#threads.length;
    this.#threads.push(...await Promise.all(Array.from({ length: threads - first }, (_, n) => runtime.iothread(`io${first + n}`, { ...polling }))));
    for (const [n, thread] of this.#threads.entries()) runtime.call('explorer_lane', n + 1, addressOf(thread));
    // A context may have the address of one that has ended: a new recording does not know those.
    this.#trace.close();
    this.#trace = new LiveTrace(runtime, MOST_EVENTS);
    this.timeline = this.#timeline();
    if (!runtime.call('explorer_start', workload, threads + 1, rate, WORK_US)) throw new Error('There is no memory left for the pipes: use fewer threads.');
  }
}
