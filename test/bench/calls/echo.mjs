// SPDX-License-Identifier: MIT
// The far side of each contender of run.mjs: `bare` posts each message back, `comlink` exposes the functions, `by hand` serves
// echo through rings, `spinning` calls that and polls for the answers, `synckit` makes blocking calls to a worker of synckit's, and
// `wakes far` and `wakes near` are two threads that only wake each other,
// and without any this is an IOThread, which serves the functions.
import { readlinkSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

let other;
const functions = {
  thread: () => Number(readlinkSync('/proc/thread-self').split('/').at(-1)),
  echo: (value) => value,
  later: async (value) => value,
  // Calls of another IOThread. `busy` leaves a timer open, so that the thread sleeps in JavaScript's event loop.
  meet: (remote) => void (other = remote),
  busy: () => void setInterval(() => {}, 1 << 30),
  async peer(value, times) {
    for (let n = 0; n < times; n++) await other.echo(value);
  },
  blocking(value, times) {
    const { echo } = other.sync;
    for (let n = 0; n < times; n++) echo(value);
  },
  async back(work, times) {
    for (let n = 0; n < times; n++) await work(n);
  },
};

if (workerData?.as === 'bare') {
  parentPort.on('message', (value) => {
    if (value === 'thread') return parentPort.postMessage(functions.thread());
    if (!value?.transferred) return parentPort.postMessage(value);
    // As a function that returns a buffer which it keeps.
    const copy = value.transferred.slice();
    parentPort.postMessage({ transferred: copy }, [copy.buffer]);
  });
} else if (workerData?.as === 'comlink') {
  const { expose } = await import('comlink');
  expose(functions, {
    postMessage: (message, list) => parentPort.postMessage(message, list),
    addEventListener: (_type, listener) => parentPort.on('message', (data) => listener({ data })),
    removeEventListener() {},
  });
} else if (workerData?.as === 'by hand') {
  const { serveByHand } = await import('./by-hand.mjs');
  parentPort.postMessage(functions.thread());
  serveByHand(workerData.rings, functions.echo, workerData.pollMs);
} else if (workerData?.as === 'spinning') {
  const { callByHandSync } = await import('./by-hand.mjs');
  const call = callByHandSync(workerData.rings);
  parentPort.on('message', ({ value, times }) => {
    for (let n = 0; n < times; n++) call(value);
    parentPort.postMessage(undefined);
  });
  parentPort.postMessage(functions.thread());
} else if (workerData?.as === 'wakes near') {
  const { wakeNear } = await import('./by-hand.mjs');
  parentPort.postMessage(functions.thread());
  wakeNear(workerData.words);
} else if (workerData?.as === 'wakes far') {
  const { wakeFar } = await import('./by-hand.mjs');
  parentPort.on('message', (times) => {
    wakeFar(workerData.words, times);
    parentPort.postMessage(undefined);
  });
  parentPort.postMessage(functions.thread());
} else if (workerData?.as === 'synckit') {
  const { createSyncFn } = await import('synckit');
  const call = createSyncFn(new URL('./echo-synckit.mjs', import.meta.url));
  parentPort.on('message', ({ value, times }) => {
    for (let n = 0; n < times; n++) call(value);
    parentPort.postMessage(undefined);
  });
  parentPort.postMessage([functions.thread(), call('thread')]);
} else {
  const { serve } = await import('../../../dist/iothread-node.js');
  serve(functions);
}
