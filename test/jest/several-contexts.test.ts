// SPDX-License-Identifier: MIT
/** Further contexts of the owner, each driven by a loop of its own. */
import { waits } from './helpers/wait-async.js';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Runtime, type IOThread } from 'wasm-aio';
import type { ContextPointer } from '../../dist/runtime/exports.js';
import type * as instances from '../../dist/runtime/instance.js';
import type * as answering from '../../dist/iothread/answers.js';
import type * as hosted from '../../dist/runtime/hosted.js';
import { dist, fixture } from './helpers/paths.js';
import { until } from './helpers/workers.js';

const { cString } = (await import(dist('runtime/instance.js'))) as typeof instances;
const { Answers } = (await import(dist('iothread/answers.js'))) as typeof answering;
const { HostedLoop } = (await import(dist('runtime/hosted.js'))) as typeof hosted;

let runtime: Runtime;
let io: IOThread;
const errors: unknown[] = [];

/** A context by name; 0: refused. */
function newContext(name: string, of = runtime): ContextPointer {
  const text = cString(of.instance, name);
  const context = of.instance.exports.rt_context_new(text);
  of.instance.exports.rt_free(text);
  return context;
}
const errorText = (): string => runtime.instance.memory.string(runtime.instance.exports.rt_error_text());
const drive = (context: ContextPointer): hosted.HostedLoop => {
  const loop = new HostedLoop(runtime.instance, context, runtime.host, runtime.startHelper, (error) => errors.push(error));
  loop.start();
  return loop;
};
/** 1: it is gone. */
const free = (context: ContextPointer, of = runtime): number => of.run(() => of.instance.exports.rt_context_free(context));
const visits = (n: number): number => runtime.call('visits_of_context', n) as number;

beforeAll(async () => {
  runtime = await Runtime.create({ module: fixture('hosted') });
  io = await runtime.iothread('io');
});
afterAll(async () => {
  await runtime.close();
  expect(errors).toEqual([]);
});

test('two contexts are woken by themselves, each is current in its call-backs', async () => {
  const contexts = [newContext('one'), newContext('two')];
  const loops = contexts.map(drive);
  expect(runtime.dump()).toMatch(/its context 'two'\n[^]*its context 'one'\n/);
  for (let round = 1; round <= 50; round++) {
    for (const [n, context] of contexts.entries()) {
      if (round % 2) await io.call('visit_context', n, context);
      else runtime.call('visit_context', n, context);
      await until(() => visits(n) === round);
    }
  }
  for (const [n, context] of contexts.entries()) runtime.call('visit_later', n, context, 5 * n);
  await until(() => visits(0) === 51 && visits(1) === 51);
  // And the owner's own.
  const before = runtime.call('pings_of_owner') as number;
  await io.call('ping_owner', 1);
  await until(() => runtime.call('pings_of_owner') === before + 1);
  expect(runtime.call('stray_visits')).toBe(0);
  expect(waits.most).toBeLessThanOrEqual(3);

  for (const loop of loops) await loop.close();
  for (const context of contexts) expect(free(context)).toBe(1);
  expect(runtime.dump()).not.toContain('its context');
});

test('one that never rests leaves the others their turns', async () => {
  const [busy, quiet] = [newContext('busy'), newContext('quiet')];
  const loops = [busy, quiet].map(drive);
  runtime.call('restless_in_context', 0, busy, 1);
  for (let round = 0; round < 20; round++) {
    const [before, runs] = [visits(1), visits(0)];
    await io.call('visit_context', 1, quiet);
    await until(() => visits(1) === before + 1 && visits(0) > runs);
  }
  runtime.call('restless_in_context', 0, busy, 0);
  for (const loop of loops) await loop.close();
  for (const context of [busy, quiet]) expect(free(context)).toBe(1);
});

describe('looks for answers', () => {
  /** Runs a loop whose looks find what found() says, for as long as the loop expects more. Returns how many ns each look may have lasted. */
  async function look(found: () => number, expectsMore: (looks: number) => boolean, next: (loop: hosted.HostedLoop, answers: answering.Answers) => Promise<void>): Promise<number[]> {
    const context = newContext('looking');
    const lasted: number[] = [];
    const { instance } = runtime;
    const exports = { ...instance.exports, rt_hosted_look: (_: ContextPointer, ns: number) => (lasted.push(ns), found()) };
    const loop = new HostedLoop(instance, context, runtime.host, runtime.startHelper, (error) => errors.push(error));
    const answers = new Answers({ ...instance, exports }, context, runtime.host, loop);
    loop.takers.add({
      mark() {},
      take() {
        if (expectsMore(lasted.length)) answers.expect();
        return false;
      },
    });
    loop.start();
    await next(loop, answers);
    loop.takers.clear();
    await loop.close();
    expect(free(context)).toBe(1);
    return lasted;
  }

  test('if there always is one, the other tasks of the event loop have their turns', async () => {
    const most = 1_000_000;
    let fired = false;
    setTimeout(() => (fired = true), 0);
    const lasted = await look(() => 2, (looks) => !fired && looks < most, () => until(() => fired));
    expect(lasted.length).toBeGreaterThan(1);
    expect(lasted.length).toBeLessThan(most);
  });

  test('if there never is one, looks last seldom', async () => {
    const lasted = await look(() => 0, () => false, async (_, answers) => {
      for (let n = 1; n <= 640; n++) {
        answers.expect();
        // Once for both.
        answers.expect();
        await runtime.host.turn();
        await runtime.host.turn();
      }
    });
    expect(lasted).toHaveLength(640);
    const long = lasted.filter((ns) => ns > 0).length;
    expect(long).toBeGreaterThanOrEqual(10);
    expect(long).toBeLessThan(20);
  });

  test('a loop that expects nothing does not look', async () => {
    const lasted = await look(() => 2, () => false, async (loop) => {
      for (let n = 0; n < 10; n++) {
        loop.run();
        await runtime.host.turn();
      }
    });
    expect(lasted).toEqual([]);
  });
});

test('what was scheduled last has its run before the context goes', () => {
  const context = newContext('short');
  const before = visits(0);
  runtime.call('visit_context', 0, context);
  expect(free(context)).toBe(1);
  expect(visits(0)).toBe(before + 1);
});

test('a name that is taken, and ends that are refused', async () => {
  const context = newContext('mine');
  expect(newContext('mine')).toBe(0);
  expect(errorText()).toBe("there is a context named 'mine' already");

  runtime.call('set_requests', context, 2);
  expect(free(context)).toBe(0);
  expect(errorText()).toBe("context 'mine' has 2 requests in flight");
  runtime.call('set_requests', context, 0);

  const loop = drive(context);
  runtime.call('free_inside', context);
  await until(() => runtime.call('freed_inside_itself') === 0);
  expect(errorText()).toBe("context 'mine' cannot be closed in one of its own call-backs: close it after the call-back has returned");
  await loop.close();
  expect(free(context)).toBe(1);
});

test('a bottom half that goes on scheduling itself is named when its context goes', async () => {
  const doomed = await Runtime.create({ module: fixture('hosted') });
  const context = newContext('leaky', doomed);
  doomed.call('restless_in_context', 0, context, 1);
  expect(() => free(context, doomed)).toThrow(/BH 'restless' leaked/);
  await doomed.close();
});
