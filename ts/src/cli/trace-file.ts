// SPDX-License-Identifier: MIT
import { rmSync, writeFileSync } from 'node:fs';
import { AioError, messageOf } from '../errors.js';
import type { Core } from '../runtime/core.js';
import type { Trace } from '../trace/chrome.js';
import type * as tracing from '../trace/trace.js';
import { complain } from './output.js';

/** The option `--trace=FILE`: records everything from begin() to end(), and writes it then. */
export class TraceFile {
  readonly #stop = new AbortController();
  #recorded: Promise<Trace> | undefined;

  private constructor(private readonly path: string, private readonly code: typeof tracing) {}

  /** Creates the file, so that a wrong name is noticed before anything has run. @throws AioError ERR_AIO_IO */
  static async create(path: string): Promise<TraceFile> {
    write(path, '');
    return new TraceFile(path, await import('../trace/trace.js'));
  }

  begin(core: Core): void {
    this.#recorded = this.code.trace(core, { signal: this.#stop.signal });
    // end() reports it.
    this.#recorded.catch(() => {});
  }

  /** Writes the file. Returns false if begin() was not called; there is no file then. */
  async end(): Promise<boolean> {
    this.#stop.abort();
    const trace = await this.#recorded;
    if (!trace) {
      rmSync(this.path, { force: true });
      return false;
    }
    write(this.path, JSON.stringify(trace));
    const { lost, events } = trace.otherData;
    if (lost > 0) complain(`--trace: ${lost} of ${lost + events} events are not in ${this.path}`);
    return true;
  }
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (cause) {
    throw new AioError('ERR_AIO_IO', `--trace=${path}: ${messageOf(cause)}`, { cause });
  }
}
