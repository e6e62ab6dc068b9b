// SPDX-License-Identifier: MIT
/** Reads the trace of a runtime while it is written, for the page "Loop explorer". */
import type { AioContext } from '../api/context.js';
import type { IOThread } from '../iothread/iothread.js';
import type { OwnedIOThread } from '../iothread/owned-iothread.js';
import { VERSION } from '../version.js';
import type { Runtime } from './runtime.js';
import { ChromeTrace, type Naming, type Trace } from '../trace/chrome.js';
import { namesOf } from '../trace/names.js';
import { Recording, type Batch } from '../trace/recording.js';

/** The address of a loop's context, by which its events name it. */
export const addressOf = (loop: AioContext | IOThread): number => ('pointer' in loop ? loop.pointer : (loop as OwnedIOThread).context);

export class LiveTrace {
  readonly #recording: Recording;
  /** The newest batches, for save(). */
  #kept: Batch[] = [];
  #events = 0;
  readonly naming: Naming;

  /** Begins to record. most: so many events are kept for save(). @throws AioError ERR_AIO_NO_MEMORY, ERR_AIO_MODULE, ERR_AIO_CLOSED */
  constructor(private readonly runtime: Runtime, private readonly most: number) {
    const { core } = runtime;
    this.#recording = Recording.of(core, runtime.run(() => core.instance.exports.rt_trace_start?.()));
    const { types, start, callback } = this.#recording;
    const functionName = namesOf(core.module, core.instance.exports.__indirect_function_table);
    this.naming = {
      types, start, contextName: (context) => this.#recording.nameOf(context),
      functionName: (place) => (place === callback ? 'JavaScript' : functionName(place)),
    };
  }

  /** Now, in µs since the recording began. */
  get now(): number {
    return (this.runtime.host.monotonic() - this.naming.start) / 1000;
  }

  /** The events since the last call. */
  read(): Batch[] {
    const batches = [...this.#recording.read()];
    for (const { count } of batches) this.#events += count;
    this.#kept.push(...batches);
    while (this.#events > this.most && this.#kept.length > 1) this.#events -= this.#kept.shift()?.count ?? 0;
    return batches;
  }

  /** The newest events, as Runtime.trace() returns them. */
  save(): Trace {
    return new ChromeTrace(this.naming).convert(this.#kept, this.runtime.host.monotonic(), 0, VERSION);
  }

  /** Ends the recording. */
  close(): void {
    this.#recording.close();
  }
}
