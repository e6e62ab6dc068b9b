// SPDX-License-Identifier: MIT
/**
 * Failures that are known, for each runtime: `tried` is the newest version that the suite has run on, and each failure says
 * in which versions it occurs (from and to, both included; without them in all) and why. The reproduction is what
 * `wasm-aio conformance --repro CASE` prints. With `sometimes`, the case passes at times.
 */
const deno = 'a terminated worker is not interrupted: it ends when it returns to its event loop';
const nodeOrigin = 'a worker\'s performance.now() counts from the start of the process, and its timeOrigin is that of the process';

const text = ['text-decoder', 'text-decoder-memory', 'text-encoder'].map((name) => ({
  id: `host/${name}`, why: 'a TypeError, although the standard has [AllowShared] here',
}));

export const expected = {
  node: {
    tried: '26.10',
    failures: [
      { id: 'clock/worker-origin', why: nodeOrigin },
      { id: 'instructions/validation', to: '20', why: 'V8 11.3 accepts an alignment below the natural one' },
      { id: 'instructions/wait-and-notify-in-one-loop', to: '20', sometimes: true, why: 'V8 11.3 compiles such a function wrongly; with wait and notify in functions of their own it is right' },
      { id: 'host/response', from: '24', why: 'the body of a Response becomes the text "65,65,65", without an error' },
    ],
  },
  deno: {
    tried: '2.9',
    failures: [
      ...['javascript-loop', 'wasm-loop', 'short-waits', 'in-wait', 'in-wasm-wait', 'wake-up-not-taken'].map((name) => ({ id: `terminate/${name}`, why: deno })),
      { id: 'memory/grown-under-way', why: 'the memory has its old length in the worker until it grows again' },
      { id: 'memory/wasm-follows', sometimes: true, why: 'compiled code checks bounds by a size that is updated later than the memory' },
      { id: 'workers/close-ends-later', why: 'close() ends the worker at once' },
    ],
  },
  bun: {
    tried: '1.4',
    failures: [
      { id: 'terminate/wasm-loop', why: 'a worker in a loop of WebAssembly is not interrupted' },
      { id: 'workers/close-ends-later', why: 'close() ends the worker at once' },
    ],
  },
  chromium: {
    tried: '156',
    failures: [
      { id: 'workers/blocked-creator', why: 'a worker of a worker starts only when its creator returns to its event loop' },
      ...text,
    ],
  },
  firefox: {
    tried: '153',
    failures: [{ id: 'memory/frozen', why: 'the buffer is not frozen' }, ...text],
  },
  // WebKitGTK 2.50 with JSC_useSharedArrayBuffer=1, which calls itself version 60.5.
  webkit: {
    tried: '60.5',
    failures: [
      { id: 'workers/blocked-creator', why: 'a worker of a worker starts only when its creator returns to its event loop' },
      { id: 'messages/structured-clone', why: 'structuredClone copies the memory' },
      { id: 'terminate/wasm-loop', why: 'a worker in a loop of WebAssembly is not interrupted' },
      { id: 'host/blob', why: 'the content becomes the text "65,65,65", without an error' },
      { id: 'host/response', why: 'the body becomes the text "65,65,65", without an error' },
      { id: 'wait-async/notify-idle-often', sometimes: true, why: 'a notification, one of thousands, does not wake a worker whose event loop has nothing else to do' },
      ...['time-out', 'time-out-idle', 'store-does-not-wake'].map((name) => ({
        id: `wait-async/${name}`, sometimes: true, why: 'a time-out does not wake a thread whose event loop has nothing else to do',
      })),
    ],
  },
};

/** Compares versions by their numbers, as far as both have them: '20' is equal to '20.19'. */
function compare(one, other) {
  const [left, right] = [one, other].map((version) => version.split('.').map(Number));
  for (let n = 0; n < Math.min(left.length, right.length); n++) if (left[n] !== right[n]) return left[n] - right[n];
  return 0;
}

/**
 * Sets the verdict of each result: 'passed', 'not run', 'expected' (it failed as known), 'failed', 'fixed' (it passed, but is
 * in the list), or 'differs' (failed or fixed, in a runtime or a version that the suite has not been tried on).
 */
export function judge(results, { name, version }) {
  const list = expected[name];
  const untried = !list || compare(version, list.tried) > 0;
  for (const result of results) {
    const known = list?.failures.find(({ id, from, to }) =>
      id === result.id && (from === undefined || compare(version, from) >= 0) && (to === undefined || compare(version, to) <= 0));
    result.verdict = result.status;
    if (known && result.status === 'failed') Object.assign(result, { verdict: 'expected', why: known.why });
    else if (known && result.status === 'passed' && !known.sometimes) result.verdict = untried ? 'differs' : 'fixed';
    else if (result.status === 'failed' && untried) result.verdict = 'differs';
  }
  return results;
}

/** The runtime that this is, and its version; for the list above, and for reports only. */
export function thisRuntime() {
  const { Deno, Bun, process, navigator } = globalThis;
  if (Deno) return { name: 'deno', version: Deno.version.deno };
  if (Bun) return { name: 'bun', version: Bun.version };
  if (process?.versions?.node) return { name: 'node', version: process.versions.node };
  const agent = navigator?.userAgent ?? '';
  for (const [name, pattern] of [['firefox', /Firefox\/([\d.]+)/], ['chromium', /Chrome\/([\d.]+)/], ['webkit', /Version\/([\d.]+) .*Safari/]]) {
    const [, version] = pattern.exec(agent) ?? [];
    // Safari has versions of its own, and the suite has not run on it.
    if (version) return { name: name === 'webkit' && !agent.includes('Linux') ? 'safari' : name, version };
  }
  return { name: 'unknown', version: '0' };
}
