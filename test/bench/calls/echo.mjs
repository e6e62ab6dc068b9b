// SPDX-License-Identifier: MIT
// The far side of each contender of run.mjs: `bare` posts each message back, `comlink` exposes the functions, `by hand` serves
// echo through rings, and without any this is an IOThread, which serves them.
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
  sync(value, times) {
    const { echo } = other.sync;
    for (let n = 0; n < times; n++) echo(value);
  },
  async back(work, times) {
    for (let n = 0; n < times; n++) await work(n);
  },
};

if (workerData?.as === 'bare') {
  parentPort.on('message', (value) => parentPort.postMessage(value === 'thread' ? functions.thread() : value));
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
  serveByHand(workerData.rings, functions.echo);
} else {
  const { serve } = await import('../../../dist/iothread-node.js');
  serve(functions);
}
