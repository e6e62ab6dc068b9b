// SPDX-License-Identifier: MIT
import type { LoopStats } from '../api/loop-stats.js';
import type { EngineStats } from '../iothread/options.js';
import type { OwnedIOThread } from '../iothread/owned-iothread.js';
import type { Core } from '../runtime/core.js';
import { Engine, type ContextPointer } from '../runtime/exports.js';
import type { OwnContexts } from './own-contexts.js';

/** One value of a metric. */
export interface MetricSample {
  /** The name of the value: that of its family, and `_total` after it if that is a counter. */
  name: string;
  /** What the value is about, such as `loop: 'io0'`. */
  labels: Record<string, string>;
  /** The value at the time of the call. */
  value: number;
}

/** A metric: all values of one kind. */
export interface MetricFamily {
  /** Its name, such as `wasm_aio_loop_sleeps`. */
  name: string;
  /** A `counter` only grows, for as long as what its labels name exists; a `gauge` is a present value. */
  type: 'counter' | 'gauge';
  /** The unit of the values, such as `bytes`, with which the name ends; the empty string if they only count. */
  unit: string;
  /** What is measured, in a sentence. */
  help: string;
  /** Its values, one for each loop, engine or IOThread. */
  samples: MetricSample[];
}

/** What {@link Runtime.metrics} resolves with. */
export interface Metrics {
  /** All metrics, also those that have no value at present. */
  families: MetricFamily[];
  /**
   * The same as OpenMetrics text, which Prometheus and others read. Serve it as
   * `application/openmetrics-text; version=1.0.0; charset=utf-8`.
   */
  text: string;
}

type Labels = Record<string, string>;

/** What a metric is: its name, its type and what it measures. A name that ends with a unit says so. */
const DEFINED = {
  memory_bytes: ['gauge', 'Size of the memory that all threads share.'],
  memory_limit_bytes: ['gauge', 'Size to which the shared memory may grow.'],
  workers: ['gauge', 'Workers, including those that were started ahead.'],
  callbacks: ['gauge', 'Functions of JavaScript that loops of the owner may call.'],
  promises_pending: ['gauge', 'Requests and calls of the owner that were not answered yet.'],
  loop_polls: ['counter', 'Iterations of the loop.'],
  loop_sleeps: ['counter', 'Iterations in which the loop went to sleep.'],
  loop_bottom_halves: ['counter', 'Bottom halves that the loop has run.'],
  loop_handlers: ['counter', 'Call-backs of file descriptors, notifiers and pipes that the loop has run.'],
  loop_timers: ['counter', 'Call-backs of timers that the loop has run.'],
  loop_jobs: ['counter', 'Requests that the loop has completed.'],
  loop_wakeups_sent: ['counter', 'Notifications that found the loop asleep and woke it up.'],
  loop_wakeups_saved: ['counter', 'Notifications that found the loop awake. Approximate.'],
  loop_poll_hits: ['counter', 'Iterations in which busy polling found work before the loop slept.'],
  loop_poll_misses: ['counter', 'Iterations in which busy polling found nothing.'],
  loop_hosted: ['gauge', '1 if the loop sleeps in the event loop of JavaScript, 0 if it sleeps in WebAssembly.'],
  loop_requests: ['gauge', 'Requests that the loop has taken and not completed yet.'],
  engine_requests: ['counter', 'Requests that the engine has submitted.'],
  engine_submissions: ['counter', 'Batches in which the engine has submitted them.'],
  engine_kicks: ['counter', 'Submissions that had to wake the thread that carries out the requests.'],
  engine_largest_batch: ['gauge', 'Requests in the largest batch.'],
  calls_sent: ['counter', 'Calls of functions of the IOThread by the owner.'],
  calls_served: ['counter', 'Calls of functions of the owner by the IOThread.'],
} as const satisfies Record<string, readonly ['counter' | 'gauge', string]>;
type Name = keyof typeof DEFINED;

/** The metrics of a loop, and which of its counters they are. */
const LOOP: [Name, keyof LoopStats][] = [
  ['loop_polls', 'polls'], ['loop_sleeps', 'sleeps'], ['loop_bottom_halves', 'bottomHalves'], ['loop_handlers', 'handlers'],
  ['loop_timers', 'timers'], ['loop_jobs', 'jobs'], ['loop_wakeups_sent', 'wakeupsSent'], ['loop_wakeups_saved', 'wakeupsSaved'],
  ['loop_poll_hits', 'pollHits'], ['loop_poll_misses', 'pollMisses'],
];
const ENGINE: [Name, keyof EngineStats][] = [
  ['engine_requests', 'requests'], ['engine_submissions', 'submissions'], ['engine_kicks', 'kicks'], ['engine_largest_batch', 'largestBatch'],
];

/** The names and contexts of the owner's loops. A loop that has the name of the first one is told apart. */
function* loopsOf(contexts: OwnContexts): Generator<[string, ContextPointer]> {
  for (const { name, pointer } of contexts.all) yield [name === contexts.context.name && pointer !== contexts.context.pointer ? `${name} (2)` : name, pointer];
}

/** Reads all counters: see Runtime.metrics(). */
export function metrics(core: Core, contexts: OwnContexts, ioThreads: readonly OwnedIOThread[]): Metrics {
  const { exports, memory } = core.instance;
  const families = new Map<string, MetricFamily>();
  for (const [name, [type, help]] of Object.entries(DEFINED)) {
    families.set(name, { name: `wasm_aio_${name}`, type, unit: name.endsWith('_bytes') ? 'bytes' : '', help, samples: [] });
  }
  const add = (name: Name, labels: Labels, value: number): void => {
    const { type, name: full, samples } = families.get(name) as MetricFamily;
    samples.push({ name: type === 'counter' ? `${full}_total` : full, labels, value });
  };
  const addLoop = (labels: Labels, context: ContextPointer): void => {
    const stats = JSON.parse(memory.string(exports.rt_context_stats(context))) as LoopStats;
    for (const [name, counter] of LOOP) add(name, labels, Number(stats[counter]));
    add('loop_hosted', labels, Number(stats.sleeping === 'hosted'));
    add('loop_requests', labels, exports.rt_context_requests(context));
    for (const [engine, number] of Object.entries(Engine)) {
      const used = JSON.parse(memory.string(exports.rt_engine_stats(context, number))) as EngineStats;
      if (used.requests > 0) for (const [name, counter] of ENGINE) add(name, { ...labels, engine }, used[counter]);
    }
  };
  core.run(() => {
    add('memory_bytes', {}, memory.bytes.length);
    add('memory_limit_bytes', {}, core.maximumMemory);
    add('workers', {}, core.threads.count);
    add('callbacks', {}, core.callbacks.size);
    add('promises_pending', {}, core.pending.size);
    for (const [loop, context] of loopsOf(contexts)) addLoop({ loop, thread: 'owner' }, context);
    for (const ioThread of ioThreads) {
      // One that was told to end may free its context while this would read it.
      if (ioThread.life.told) continue;
      addLoop({ loop: ioThread.name, thread: `IO ${ioThread.name}` }, ioThread.context);
      const labels = { iothread: ioThread.name };
      add('calls_sent', labels, ioThread.rpc.counts.sent);
      add('calls_served', labels, ioThread.rpc.counts.served);
    }
  });
  return { families: [...families.values()], text: textOf(families.values()) };
}

const escaped = (text: string): string => text.replace(/[\\"\n]/g, (letter) => (letter === '\n' ? '\\n' : `\\${letter}`));

/** OpenMetrics 1.0. */
function textOf(families: Iterable<MetricFamily>): string {
  const lines: string[] = [];
  for (const { name, type, unit, help, samples } of families) {
    lines.push(`# TYPE ${name} ${type}`);
    if (unit) lines.push(`# UNIT ${name} ${unit}`);
    lines.push(`# HELP ${name} ${escaped(help)}`);
    for (const sample of samples) {
      const labels = Object.entries(sample.labels).map(([label, value]) => `${label}="${escaped(value)}"`);
      lines.push(`${sample.name}${labels.length > 0 ? `{${labels.join(',')}}` : ''} ${sample.value}`);
    }
  }
  return `${lines.join('\n')}\n# EOF\n`;
}
