// SPDX-License-Identifier: MIT
import { onAbort } from '../abort.js';
import { optionsOf } from '../check.js';
import type { Core } from '../runtime/core.js';
import type { Part } from '../runtime/part.js';
import { VERSION } from '../version.js';
import { ChromeTrace, type Trace } from './chrome.js';
import { namesOf } from './names.js';
import { assertEnds, traceChecks, type TraceOptions } from './options.js';
import { READ_MS, Recording, type Batch } from './recording.js';

/** Adds to a trace that began and ended at these times, in ns. */
type Add = (trace: Trace, start: number, end: number) => void;

/**
 * Records what the loops of a runtime do: see Runtime.trace(). begun: what rt_trace_start() has returned. It was called
 * before this file was loaded, so that what happened meanwhile is recorded, too. add: adds what is recorded elsewhere.
 */
export async function trace(core: Core, given: TraceOptions, begun = core.instance.exports.rt_trace_start?.(), add?: Add): Promise<Trace> {
  const recording = Recording.of(core, begun);
  try {
    const options = optionsOf(given, traceChecks);
    assertEnds(options);
    return await record(core, recording, options, add);
  } finally {
    recording.close();
  }
}

async function record(core: Core, recording: Recording, options: TraceOptions, add: Add | undefined): Promise<Trace> {
  const { duration, signal, maxEvents = 1_000_000, devtools = false } = options;
  const batches: Batch[] = [];
  let kept = 0;
  let left = 0;
  const read = (): void => {
    for (const batch of recording.read()) {
      const count = Math.min(batch.count, maxEvents - kept);
      kept += count;
      left += batch.count - count;
      batches.push({ ...batch, count });
    }
  };
  await core.alive(() => ended(core, duration, signal, read));
  recording.stop();
  read();
  const end = core.host.monotonic();
  const functionName = namesOf(core.module, core.instance.exports.__indirect_function_table);
  const { types, start, callback, unwritten } = recording;
  const chrome = new ChromeTrace({
    types, start, contextName: (context) => recording.nameOf(context),
    functionName: (place) => (place === callback ? 'JavaScript' : functionName(place)),
  });
  const converted = chrome.convert(batches, end, left + unwritten, VERSION);
  add?.(converted, start, end);
  if (devtools) {
    // The thread may lose its CPU between two readings: the greatest is the one where it did not.
    const began = Math.max(...[1, 2, 3].map(() => performance.now() - (core.host.monotonic() - start) / 1e6));
    (await import('./devtools.js')).showInDevTools(converted, began);
  }
  return converted;
}

/** Resolves when the recording is over, and calls read() meanwhile. */
function ended(core: Core, duration: number | undefined, signal: TraceOptions['signal'], read: () => void): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearInterval(reading);
      clearTimeout(timer);
      ignore();
      core.parts.delete(part);
      resolve();
    };
    const part: Part = {
      close: async () => finish(),
      failed() {
        finish();
        return { waited: 0, endings: [] };
      },
    };
    const reading = setInterval(read, READ_MS);
    const timer = duration === undefined ? undefined : setTimeout(finish, duration);
    const ignore = onAbort(signal, finish);
    core.parts.add(part);
    if (signal?.aborted) finish();
  });
}
