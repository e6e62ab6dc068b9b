// SPDX-License-Identifier: MIT
/** An IOThread whose start is aborted ends by itself, wherever its code is at that moment, and leaves nothing. */
import { afterAll, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setEnvironmentData } from 'node:worker_threads';
import { Runtime } from 'wasm-aio';
import { scratch } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { Fault } from './helpers/offsets.js';
import { fixture } from './helpers/paths.js';
import { faults, replaceStartWorker, startTestWorker, until } from './helpers/workers.js';

const dir = scratch();
afterAll(dir.remove);

/** Where its code has come to, and whether it may go on. */
const at = new Int32Array(new SharedArrayBuffer(8));
const REACHED = 0;
const GATE = 1;
setEnvironmentData('at', at);
afterAll(() => setEnvironmentData('at', undefined));

const code = join(dir.path, 'code.mjs');
writeFileSync(code, `
  import { getEnvironmentData } from 'node:worker_threads';
  import { serve } from 'wasm-aio/iothread';
  const at = getEnvironmentData('at');
  const point = new URL(import.meta.url).searchParams.get('point');
  const hold = (name) => {
    if (name !== point) return;
    Atomics.store(at, ${REACHED}, 1);
    Atomics.wait(at, ${GATE}, 0);
  };
  hold('before serve()');
  serve((context) => {
    hold('before its objects');
    const objects = [context.bottomHalf('b', () => {}), context.notifier('n'), context.pipe('p'), context.timer('t', () => {})];
    hold('with its objects');
    return { count: () => objects.length };
  });`);

test.each(['before serve()', 'before its objects', 'with its objects'])('%s', async (point) => {
  Atomics.store(at, REACHED, 0);
  Atomics.store(at, GATE, 0);
  const runtime = await Runtime.create({ module: fixture('leak') });
  const abort = new AbortController();
  const url = pathToFileURL(code);
  url.searchParams.set('point', point);
  const started = runtime.iothread('io', { module: url, signal: abort.signal }).catch((error: unknown) => error);
  await until(() => Atomics.load(at, REACHED) === 1);
  abort.abort(new Error('no longer wanted'));
  expect(await started).toBe(abort.signal.reason);
  Atomics.store(at, GATE, 1);
  Atomics.notify(at, GATE);
  await until(() => (runtime as unknown as { ioThreads: unknown[] }).ioThreads.length === 0);
  expect(runtime.instance.exports.rt_handles_open()).toBe(0);
  // Its name is free.
  await (await runtime.iothread('io')).close();
  await runtime.close();
  expect(runtime.workerCount).toBe(0);
});

test.each([false, true])('a worker that attaches and then does nothing any more: aborted %p', async (aborted) => {
  const restore = replaceStartWorker(startTestWorker);
  const runtime = await Runtime.create({ reserve: 0 });
  const abort = new AbortController();
  Atomics.store(faults, Fault.still, 1);
  const started = runtime.iothread('io', { startTimeout: 1000, signal: abort.signal });
  if (aborted) {
    abort.abort(new Error('no longer wanted'));
    expect(await started.catch((error: unknown) => error)).toBe(abort.signal.reason);
  } else {
    expect((await failure(started, 'ERR_AIO_TIMEOUT')).message).toMatch(/^IOThread 'io': after 1 s its (loop does not answer|worker has not started) \(startTimeout\)$/);
  }
  await until(() => (runtime as unknown as { ioThreads: unknown[] }).ioThreads.length === 0);
  Atomics.store(faults, Fault.still, 0);
  await (await runtime.iothread('io')).close();
  restore();
  await runtime.close();
  expect(runtime.workerCount).toBe(0);
});
