// SPDX-License-Identifier: MIT
import { isFunction, isNumber } from '../check.js';
import { reportUncaught } from '../errors.js';
import type { Callback } from '../runtime/callbacks.js';
import type { Core } from '../runtime/core.js';
import type { Part } from '../runtime/part.js';
import { functionLines } from '../runtime/source-lines.js';
import { CallbackScan, namer, type CallbackKind, type Run } from '../trace/callback-scan.js';
import type { TraceEvent } from '../trace/event.js';
import { indexAt, namesOf } from '../trace/names.js';
import { READ_MS, Recording } from '../trace/recording.js';
import type { OwnContexts } from './own-contexts.js';

/** What {@link Runtime.onSlowCallback} tells its listener about a call-back. */
export interface SlowCallback {
  /**
   * The name that it was registered under; of a call-back in C that has none, the name of its function, which modules built with
   * `aiocc -s` do not contain.
   */
  name: string;
  /** What kind of call-back it is. */
  kind: CallbackKind;
  /** The thread that runs it, by the name that it has in {@link Runtime.dump}: `owner`, or `IO io0`. */
  thread: string;
  /** The name of its loop: `owner`, that of an IOThread, or that of a context of createContext(). Undefined: it belongs to none. */
  loop: string | undefined;
  /** How long it took, or has taken so far, in ms. What it has called or entered counts. */
  duration: number;
  /** Whether it still runs. The listener is called again when it has ended. */
  running: boolean;
  /**
   * Of a function of JavaScript of the owner's thread that was registered while slow call-backs were watched for: the stack of its
   * registration. In a bundle its first lines are of this package. Of a C function of a module that was built with `aiocc -g`: its name, and
   * the file and line of its first instruction, as `be_slow (main.c:23)`.
   */
  registered?: string;
  /** Of one that still runs: what {@link Runtime.dump} returns now. */
  dump?: string;
}

/** What {@link Runtime.onSlowCallback} resolves with. */
export interface SlowCallbacks {
  /** How many events of the loops were overwritten before they were read: slow call-backs among them are not reported. */
  readonly lost: number;
  /** Ends it; the listener is not called again. Closing it twice does nothing. */
  close(): void;
  [Symbol.dispose](): void;
}

const isLimit = isNumber(0, 2 ** 31 - 1, 'a number of ms');

/** A call-back of JavaScript that was slow. Times are in ns. */
interface Measured {
  readonly what: string;
  readonly stack: string;
  readonly begin: number;
  readonly end: number;
}
/** Clocks of pages have fractions of a ns, which the times of events do not have. */
const ROUNDING_NS = 1;

const FILE = 'whole/slow-callbacks.js';
/** A stack without the lines of this package at its beginning, which it can tell where no bundler has put it into one file with others. */
function ofTheCaller(stack: string): string {
  const lines = stack.replace(/^Error\n/, '').split('\n');
  const own = lines.findIndex((line) => line.includes(FILE));
  const [, dist = ''] = /([^\s(@]*)whole\/slow-callbacks\.js/.exec(lines[own] ?? '') ?? [];
  return lines.slice(lines.findIndex((line, n) => n > own && !(dist && line.includes(dist)))).join('\n');
}

class Watch implements SlowCallbacks {
  readonly #recording: Recording;
  readonly #scan: CallbackScan;
  readonly #nameOf: ReturnType<typeof namer>;
  readonly #functionName: (place: number) => string | undefined;
  readonly #functionLine: (index: number) => string;
  readonly #told = new WeakSet<Run>();
  readonly #limit: number;
  /** Slow ones since the rings were read last. */
  #measured: Measured[] = [];
  readonly #timer: ReturnType<typeof setInterval>;
  #closed = false;
  readonly #part: Part = {
    close: async () => {
      this.#look();
      this.close();
    },
    failed: () => {
      this.close();
      return { waited: 0, endings: [] };
    },
  };

  constructor(private readonly core: Core, private readonly contexts: OwnContexts, ms: number, private readonly listener: (slow: SlowCallback) => void) {
    this.#limit = ms * 1e6;
    this.#recording = Recording.of(core, core.run(() => core.instance.exports.rt_trace_start?.()));
    this.#scan = new CallbackScan(this.#recording.types);
    this.#functionName = namesOf(core.module, core.instance.exports.__indirect_function_table);
    this.#functionLine = functionLines(core.module);
    this.#nameOf = namer(this.#recording, this.#functionName);
    core.callbacks.wraps.add(this.#measure);
    core.parts.add(this.#part);
    this.#timer = setInterval(() => this.#look(), READ_MS);
    (this.#timer as { unref?(): void }).unref?.();
  }

  get lost(): number {
    return this.#scan.lost + this.#recording.unwritten;
  }

  /** Puts a clock around a call-back, and remembers where it was registered. */
  readonly #measure = (run: Callback, what: string): Callback => {
    const stack = ofTheCaller(new Error().stack ?? '');
    const { host } = this.core;
    return () => {
      const begin = host.monotonic();
      try {
        return run();
      } finally {
        const end = host.monotonic();
        if (!this.#closed && end - begin > this.#limit) this.#measured.push({ what, stack, begin, end });
      }
    };
  };

  #look(): void {
    if (this.#closed) return;
    if (this.core.over) return this.close();
    // Before the rings are read, so that nothing seems to run longer than it does.
    const now = this.core.host.monotonic();
    for (const run of this.#scan.ended(this.#recording.read())) {
      this.#tell(run, run.end as number, false);
      // The listener has closed it: what is read is not there any more.
      if (this.#closed) return;
    }
    this.#measured = [];
    for (const run of this.#scan.running()) if (!this.#told.has(run)) this.#tell(run, now, true);
  }

  /** The C function that a call-back is, and where it is in the sources; undefined if that is not known. */
  #place({ type, object }: TraceEvent): string | undefined {
    const index = type.object === 'cb' && object !== this.#recording.callback ? indexAt(this.core.instance.exports.__indirect_function_table, object) : undefined;
    const line = index === undefined ? '' : this.#functionLine(index);
    return line === '' ? undefined : `${this.#functionName(object) ?? 'function'}${line}`;
  }

  #tell(run: Run, until: number, running: boolean): void {
    const { begin, kind, context } = run;
    if (this.#closed || !(until - begin.time > this.#limit)) return;
    if (running) this.#told.add(run);
    const isOwn = this.contexts.all.some(({ pointer }) => pointer === context);
    const named = this.#recording.nameOf(context);
    // The outermost is the call-back itself: it may have run others.
    const [measured] = isOwn && begin.object === this.#recording.callback
      ? this.#measured.filter((one) => one.begin >= begin.time - ROUNDING_NS && one.end <= until + ROUNDING_NS).sort((a, b) => a.begin - b.begin) : [];
    const registered = measured?.stack ?? this.#place(begin);
    const slow: SlowCallback = {
      name: measured?.what ?? this.#nameOf(begin), kind,
      thread: isOwn ? 'owner' : (named ?? run.thread), loop: isOwn ? named : named?.replace(/^IO /, ''),
      duration: (until - begin.time) / 1e6, running,
      ...(registered !== undefined && { registered }), ...(running && { dump: this.core.dump() }),
    };
    try {
      this.listener(slow);
    } catch (error) {
      reportUncaught(error);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.core.callbacks.wraps.delete(this.#measure);
    this.core.parts.delete(this.#part);
    this.#recording.close();
  }
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Watches for slow call-backs: see Runtime.onSlowCallback(). contexts: those of the owner. */
export function onSlowCallback(core: Core, contexts: OwnContexts, ms: number, listener: (slow: SlowCallback) => void): SlowCallbacks {
  isLimit('ms', ms);
  isFunction('listener', listener);
  return new Watch(core, contexts, ms, listener);
}
