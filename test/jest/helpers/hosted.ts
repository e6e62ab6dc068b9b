// SPDX-License-Identifier: MIT
/** What hosted loops have to do, with Atomics.waitAsync and without, in Node and in a page. */
import type * as library from 'wasm-aio';
import type { Asks } from '../fixtures/iothread-asks.js';

/** Takes Atomics.waitAsync from whoever runs it before the library. */
export const WITHOUT_WAIT_ASYNC = 'delete Atomics.waitAsync;';

export interface Seen {
  pings: number;
  many: number;
  ticks: number;
  /** Bottom halves of 100 ms in all, those out of order, whether timers had their turns meanwhile. */
  work: [left: number, wrong: number, turns: boolean];
  /** Round trips through an IOThread whose JavaScript waits for this thread. */
  hosted: number;
  slow: number[];
  /** Workers that wait in the place of waitAsync: at the end, without the IOThread that
   * had one, after close(). */
  helpers: number[];
  workers: number;
}

/** What is seen by whoever has so many helpers. */
export const seenWith = (helpers: number): Seen => ({
  pings: 100, many: 4000, ticks: 3, work: [0, 0, true], hosted: 40, slow: [42, 42], helpers: [helpers, Math.max(helpers - 1, 0), 0], workers: 0,
});

/**
 * Runs there as text, so all that it needs is in it. Nothing but its wake-ups gives the
 * owner's loop a turn: calls of C do not.
 */
export async function useHostedLoops(
  { Runtime }: typeof library, worker: () => library.MadeWorker, module: URL | Uint8Array<ArrayBuffer>,
): Promise<Seen> {
  const runtime = await Runtime.create({ module });
  const count = (name: string): number => Number(runtime.call(name));
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 0));
  };
  const threads = [await runtime.iothread<Asks>('a', { worker }), await runtime.iothread('b')] as const;
  const [io, other] = threads;

  // One at a time: the loop sleeps before each.
  for (let round = 1; round <= 100; round++) {
    await (round % 2 ? io : other).call('ping_owner', 1);
    await until(() => count('pings_of_owner') === round);
  }
  const pings = count('pings_of_owner');
  // And as they come.
  await Promise.all(threads.flatMap((thread) => Array.from({ length: 20 }, () => thread.call('ping_owner', 100))));
  await until(() => count('pings_of_owner') === pings + 4000);
  const many = count('pings_of_owner') - pings;

  for (let n = 0; n < 3; n++) {
    runtime.call('start_timer', 5 * n);
    await until(() => count('ticks_of_timer') === n + 1);
  }

  let turns = 0;
  runtime.call('work_in_owner', 100, 1000);
  await until(() => ++turns > 0 && count('work_left_in_owner') === 0);
  const work: Seen['work'] = [count('work_left_in_owner'), count('work_out_of_order'), turns >= 5];

  // Twice, with sleep in WebAssembly in between: its JavaScript waits for an answer of
  // this thread, and drives its loop meanwhile.
  const before = count('pings_of_owner');
  const slow: number[] = [];
  for (let phase = 0; phase < 2; phase++) {
    let release: (value: number) => void = () => {};
    const released = new Promise<number>((resolve) => (release = resolve));
    const answer = io.remote.ask(() => released);
    for (let round = 1; round <= 20; round++) {
      runtime.call('ping_by_way_of', io.context);
      await until(() => count('pings_of_owner') === before + 20 * phase + round);
    }
    release(42);
    slow.push(await answer);
    await io.clock();
  }
  const hosted = count('pings_of_owner') - before;

  const { all } = (await (runtime as unknown as { helpers?: Promise<{ all: Map<unknown, unknown> }> }).helpers) ?? { all: new Map() };
  const ticks = count('ticks_of_timer');
  const helpers = [all.size];
  await io.close();
  await until(() => all.size < 2);
  helpers.push(all.size);
  await runtime.close();
  helpers.push(all.size);
  return { pings, many, ticks, work, hosted, slow, helpers, workers: runtime.workerCount };
}
