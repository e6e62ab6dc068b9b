// SPDX-License-Identifier: MIT
import { AioError, noMemory } from '../errors.js';
import type { Core } from '../runtime/core.js';
import type { Exports, Pointer } from '../runtime/exports.js';

/** Where rt_trace_read() leaves what it has read: struct Recording in wasm/runtime/trace.c. */
export const EVENT_BYTES = 64;
const BATCH_BYTES = 1024 * EVENT_BYTES;
/**
 * How often the rings are read, in ms. A ring has room for 8192 events, so a thread loses some if it writes more than
 * 800,000 a second.
 */
export const READ_MS = 10;

/** The other functions of wasm/runtime/trace.c. */
interface TraceExports extends Exports {
  rt_trace_read(recording: Pointer<'Recording'>): number;
  rt_trace_stop(): void;
  rt_trace_free(recording: Pointer<'Recording'>): void;
  rt_trace_types(): Pointer<'string'>;
  rt_trace_context_name(context: number): Pointer<'string'>;
  rt_trace_callback(): number;
}

/** Events of one thread, one after the other as the module has written them. */
export interface Batch {
  /** The ring that they come from. */
  readonly ring: number;
  /** How many events of that ring were lost before these. */
  readonly lost: number;
  readonly events: DataView;
  readonly count: number;
}

/** What a kind of event means. */
export interface EventType {
  readonly name: string;
  readonly phase: 'begin' | 'end' | 'mark';
  /** What the members `object` and `value` are; empty: nothing. */
  readonly object: string;
  readonly value: string;
}

/**
 * Traces all loops of a runtime while it exists, and reads what they have written so far. The loops never wait for
 * that; what they overwrite before it is read is counted. Owner only.
 */
export class Recording {
  readonly #exports: TraceExports;
  readonly #names = new Map<number, string | undefined>();
  #stopped = false;
  /** When it began, in ns of the runtime's clock. */
  readonly start: number;
  readonly types: readonly EventType[];
  /** The call-back that calls a function of JavaScript, as an index of the function table. */
  readonly callback: number;
  /** How many events have no place in any batch, because their threads had no ring at that time. */
  unwritten = 0;

  private constructor(private readonly core: Core, private readonly pointer: Pointer<'Recording'>) {
    this.#exports = core.instance.exports as TraceExports;
    const { memory } = core.instance;
    this.start = memory.view().getFloat64(this.pointer + BATCH_BYTES + 24, true);
    this.callback = this.#exports.rt_trace_callback();
    const lines = memory.string(this.#exports.rt_trace_types()).trimEnd().split('\n');
    this.types = lines.map((line) => {
      const [name = '', phase, object = '', value = ''] = line.split(':');
      return { name, phase: (['begin', 'end', 'mark'] as const)[Number(phase)] ?? 'mark', object, value };
    });
  }

  /**
   * Begins to read what was turned on by rt_trace_start(), which returned `pointer`.
   * @throws AioError ERR_AIO_NO_MEMORY, ERR_AIO_MODULE
   */
  static of(core: Core, pointer: Pointer<'Recording'> | undefined): Recording {
    if (pointer === undefined) throw new AioError('ERR_AIO_MODULE', 'the module was built by an aiocc that had no tracing: build it with this one');
    if (pointer === 0) throw noMemory('the rings of a trace');
    return new Recording(core, pointer);
  }

  /** The events that were written since the last call. */
  *read(): Generator<Batch> {
    const { memory } = this.core.instance;
    while (this.#exports.rt_trace_read(this.pointer)) {
      const view = memory.view();
      const at = this.pointer + BATCH_BYTES;
      const count = view.getUint32(at + 4, true);
      const events = new DataView(memory.copy(this.pointer, count * EVENT_BYTES).buffer);
      this.#learnNames(events);
      yield { ring: view.getUint32(at, true), lost: view.getFloat64(at + 8, true), events, count };
    }
    this.unwritten = memory.view().getFloat64(this.pointer + BATCH_BYTES + 16, true);
  }

  /** Contexts are asked for their names while they exist. */
  #learnNames(events: DataView): void {
    let last = 0;
    for (let at = 0; at < events.byteLength; at += EVENT_BYTES) {
      const context = events.getUint32(at + 8, true);
      if (context !== last && !this.#names.has(context)) {
        const name = this.#exports.rt_trace_context_name(context);
        this.#names.set(context, name === 0 ? undefined : this.core.instance.memory.string(name));
      }
      last = context;
    }
  }

  /** The name of a context of the owner's or of an IOThread; undefined: it has none. */
  nameOf(context: number): string | undefined {
    return this.#names.get(context);
  }

  /** Turns tracing off; what was written before can still be read. After a failure the runtime is left as it is. */
  stop(): void {
    if (!this.#stopped && !this.core.hasFailed) this.#exports.rt_trace_stop();
    this.#stopped = true;
  }

  /** Frees what the recording needed. */
  close(): void {
    this.stop();
    if (!this.core.hasFailed) this.#exports.rt_trace_free(this.pointer);
  }
}
