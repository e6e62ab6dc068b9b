// SPDX-License-Identifier: MIT
import { rmSync, writeFileSync } from 'node:fs';
import { AioError, messageOf } from '../errors.js';
import { ownerHost } from '../hosts/detect.js';
import type { Core } from '../runtime/core.js';
import type { Trace } from '../trace/chrome.js';
import { READ_MS } from '../trace/recording.js';
import type * as tracing from '../trace/trace.js';
import { VERSION } from '../version.js';
import type { PollTrace } from '../wasi/poll-trace.js';
import type { WasiHost } from '../wasi/wasi-host.js';
import { complain } from './output.js';

const MOST_POLLS = 500_000;

/** The option `--trace=FILE`: records everything from begin() to end(), and writes it then. */
export class TraceFile {
  readonly #stop = new AbortController();
  #recorded: Promise<Trace> | undefined;
  #polls: { trace: PollTrace; timer: ReturnType<typeof setInterval>; start: number; monotonic: () => number } | undefined;

  private constructor(private readonly path: string, private readonly code: typeof tracing) {}

  /** Creates the file, so that a wrong name is noticed before anything has run. @throws AioError ERR_AIO_IO */
  static async create(path: string): Promise<TraceFile> {
    write(path, '');
    return new TraceFile(path, await import('../trace/trace.js'));
  }

  /** Records the poll_oneoff calls of a guest, too. */
  async recordPolls(host: WasiHost): Promise<void> {
    const { PollTrace } = await import('../wasi/poll-trace.js');
    const { monotonic } = await ownerHost();
    const trace = PollTrace.of(host, MOST_POLLS);
    const timer = setInterval(() => trace.read(), READ_MS);
    timer.unref();
    this.#polls = { trace, timer, start: monotonic(), monotonic };
  }

  begin(core: Core): void {
    this.#recorded = this.code.trace(core, { signal: this.#stop.signal }, undefined, (trace, start, end) => {
      this.#polls?.trace.read();
      this.#polls?.trace.addTo(trace, start, end);
    });
    // end() reports it.
    this.#recorded.catch(() => {});
  }

  /** Writes the file. Returns false if begin() was not called and nothing polled; there is no file then. */
  async end(): Promise<boolean> {
    this.#stop.abort();
    clearInterval(this.#polls?.timer);
    const trace = await (this.#recorded ?? this.#onlyPolls());
    if (!trace) {
      rmSync(this.path, { force: true });
      return false;
    }
    write(this.path, JSON.stringify(trace));
    const { lost, events } = trace.otherData;
    if (lost > 0) complain(`--trace: ${lost} of ${lost + events} events are not in ${this.path}`);
    return true;
  }

  /** The trace of a program without loops; undefined if it has not polled. */
  #onlyPolls(): Trace | undefined {
    if (!this.#polls) return undefined;
    const { trace: polls, start, monotonic } = this.#polls;
    polls.read();
    if (polls.isEmpty) return undefined;
    const end = monotonic();
    const trace: Trace = { traceEvents: [], displayTimeUnit: 'ns', otherData: { lost: 0, events: 0, duration: (end - start) / 1e6, version: VERSION } };
    polls.addTo(trace, start, end);
    return trace;
  }
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (cause) {
    throw new AioError('ERR_AIO_IO', `--trace=${path}: ${messageOf(cause)}`, { cause });
  }
}
