// SPDX-License-Identifier: MIT
// The CPU that a runtime takes which has nothing to do: ten IOThreads and its owner.
import { Runtime } from '../../../dist/index.js';
import { BUDGET_NS, expect, now, printSamples, wanted } from './common.mjs';

const IOTHREADS = 10;
// V8 collects the garbage of each thread once, some 8 s after it has come to rest.
const SETTLE_MS = 10_000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1e3;
};

const runtime = await Runtime.create({ reserve: 0 });
const threads = await Promise.all(Array.from({ length: IOTHREADS }, (_, i) => runtime.iothread(`io${i}`)));
expect('IOThreads', threads.length, IOTHREADS);
await pause(SETTLE_MS);
const [before, start] = [cpu(), now()];
await pause(BUDGET_NS / 1e6);
printSamples(wanted[0], '%', [100 * (cpu() - before) / (now() - start)]);
await runtime.close();
