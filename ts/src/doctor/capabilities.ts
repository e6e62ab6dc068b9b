// SPDX-License-Identifier: MIT
/** What this runtime can do, found out one by one and by trying: never by its name. */
import { messageOf } from '../errors.js';
import type { Runtime } from '../whole/runtime.js';
import wasm from '../wasm.js';
import { note, ok, type Finding } from './finding.js';

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const validates = (...section: number[]): boolean => WebAssembly.validate(new Uint8Array([...HEADER, ...section]));

function tries(probe: () => unknown): boolean {
  try {
    return Boolean(probe());
  } catch {
    return false;
  }
}

const cell = (): Int32Array<SharedArrayBuffer> => new Int32Array(new SharedArrayBuffer(4));
const { promising } = WebAssembly as unknown as { promising?: (run: unknown) => () => unknown };
/** A module whose function `f` does nothing. */
const instance = (): WebAssembly.Instance => new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array([
  ...HEADER, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 0x66, 0, 0, 10, 4, 1, 2, 0, 0x0b,
])));
const { pause } = Atomics as unknown as { pause?: () => void };

/** Features that the package does not need, or has another way for. */
const EXTRAS: Record<string, () => unknown> = {
  'Atomics.waitAsync': () => Atomics.waitAsync(cell(), 0, 1).value === 'not-equal',
  'Atomics.pause': () => pause && (pause(), true),
  'waiting in this thread': () => Atomics.wait(cell(), 0, 0, 0) === 'timed-out',
  'promises in WebAssembly (JSPI)': () => promising?.(instance().exports['f'])() instanceof Promise,
  // A type section with a continuation of a function type.
  'stack switching in WebAssembly': () => validates(1, 6, 2, 0x60, 0, 0, 0x5d, 0),
  // A memory section whose limits are 64-bit.
  'memory64': () => validates(5, 3, 1, 4, 1),
};

/** Which of the features that nothing depends on are there. */
export function extras(): Finding {
  const names = Object.keys(EXTRAS);
  const there = names.filter((name) => tries(EXTRAS[name] as () => unknown));
  const missing = names.filter((name) => !there.includes(name));
  const list = (of: string[]): string => of.join(', ') || 'none';
  return ok('extras', `${list(there)}; not there, and not needed: ${list(missing)}`);
}

/** The clock's steps in this thread. */
export function clock(): Finding {
  const begun = performance.now();
  let least = Infinity;
  for (let last = begun, steps = 0; steps < 50 && last - begun < 200;) {
    const now = performance.now();
    if (now === last) continue;
    least = Math.min(least, now - last);
    last = now;
    steps++;
  }
  const micros = least * 1000;
  const text = `the clock has steps of ${micros < 1 ? 'less than 1' : Math.round(micros)} µs`;
  return least <= 0.1 ? ok('clock', text) : note('clock', text, 'Deadlines are met to within one of them. Browsers make the clock coarse where a page is not isolated, or by a setting for privacy.');
}

/** The largest shared memory that can be reserved, in MiB. */
export function largestMemory(): number {
  for (let pages = 65536; pages >= 1; pages /= 2) {
    if (tries(() => new WebAssembly.Memory({ initial: 1, maximum: pages, shared: true }))) return pages / 16;
  }
  return 0;
}

/** Opens, reads and, in a browser, writes a file by an IOThread of this runtime. */
export async function files(runtime: Runtime, inBrowser: boolean): Promise<Finding> {
  const io = await runtime.iothread('doctor files');
  // Outside of browsers the file is the package's own.
  const path = inBrowser ? `wasm-aio-doctor-${crypto.randomUUID()}` : decodeURIComponent(wasm.pathname);
  try {
    const file = await io.open(path, { write: inBrowser, create: inBrowser });
    if (inBrowser) await file.write(0, new Uint8Array([0, 0x61, 0x73, 0x6d]));
    const bytes = await file.read(0, 4);
    await file.close();
    if (bytes.length !== 4 || bytes[1] !== 0x61) return note('files', `a file has other content than was written: ${bytes}`, 'Report this fault of the runtime.');
    return ok('files', inBrowser ? 'a file of the origin was written, read and removed' : "the machine's files can be read");
  } catch (error) {
    return note('files', messageOf(error), 'io.open() rejects here; everything else works.');
  } finally {
    if (inBrowser) await navigator.storage?.getDirectory?.().then((root) => root.removeEntry(path)).catch(() => {});
  }
}
