// SPDX-License-Identifier: MIT
/** Runtime.trace(): what is in it, that it is in Chrome's format, and that what is missing is said. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Runtime, type ChromeEvent, type IOThread, type Trace } from 'wasm-aio';
import type { Asks } from './fixtures/iothread-asks.js';
import type { ServedPeer } from './fixtures/iothread-peer.js';
import type { ServedWaiter } from './fixtures/iothread-sync.js';
import type * as chrome from '../../dist/trace/chrome.js';
import type * as pollLog from '../../dist/wasi/poll-log.js';
import type * as sharedFile from '../../dist/wasi/shared.js';
import type { Batch } from '../../dist/trace/recording.js';
import { failure } from './helpers/errors.js';
import { cli, dist, pathOf } from './helpers/paths.js';

const { PollLog } = (await import(dist('wasi/poll-log.js'))) as typeof pollLog;
const { Shared } = (await import(dist('wasi/shared.js'))) as typeof sharedFile;
const { ChromeTrace } = (await import(dist('trace/chrome.js'))) as typeof chrome;

let runtime: Runtime;
beforeEach(async () => {
  runtime = await Runtime.create({ reserve: 1 });
});
afterEach(() => runtime.close());

/** Records while work() runs. */
async function traced(work: () => Promise<unknown>, maxEvents?: number): Promise<Trace> {
  const stop = new AbortController();
  const recorded = runtime.trace({ signal: stop.signal, maxEvents });
  await work();
  stop.abort();
  return recorded;
}

const bottomHalf = (name: string): Promise<void> => new Promise((resolve) => {
  const bh = runtime.context.bottomHalf(name, () => {
    bh.close();
    resolve();
  });
  bh.schedule();
});

const of = (trace: Trace, name: string): ChromeEvent[] => trace.traceEvents.filter((event) => event.name === name);
const end = ({ ts, dur = 0 }: ChromeEvent): number => ts + dur;
const trackName = (trace: Trace, tid: number): unknown => trace.traceEvents.find((event) => event.ph === 'M' && event.tid === tid)?.args?.['name'];

/** In µs: of sums of times, which are whole ns. */
const ROUNDING = 1e-6;

/** What is wrong with a trace: by the Trace Event Format, and for viewers. */
function* faults({ traceEvents }: Trace): Generator<string> {
  const names = new Map(traceEvents.filter(({ ph }) => ph === 'M').map(({ tid, args }) => [tid, args?.['name']]));
  const open = new Map<number, ChromeEvent[]>();
  const from = new Map<number | undefined, ChromeEvent>();
  const to = new Map<number | undefined, ChromeEvent>();
  let last = 0;
  for (const event of traceEvents) {
    const { name, cat, ph, pid, tid, ts, dur, id } = event;
    if (!name || !cat || pid !== 1 || !/^[XisfbeM]$/.test(ph)) yield `not an event: ${JSON.stringify(event)}`;
    if (!(ts >= last)) yield `${name} at ${ts} comes after ${last}`;
    last = ts;
    if (typeof names.get(tid) !== 'string') yield `track ${tid} has no name`;
    if (ph === 's') from.set(id, event);
    if (ph === 'f') to.set(id, event);
    if (ph !== 'X') continue;
    if (!(Number(dur) >= 0)) yield `${name} takes ${dur}`;
    // What begins in a slice of its track ends in it.
    const outer = (open.get(tid) ?? []).filter((slice) => end(slice) > ts + ROUNDING);
    if (outer.some((slice) => end(event) > end(slice) + ROUNDING)) yield `${name} at ${ts} is longer than what it is in`;
    open.set(tid, [...outer, event]);
  }
  if (from.size !== to.size) yield `${from.size} arrows begin, ${to.size} end`;
  const slices = traceEvents.filter(({ ph }) => ph === 'X');
  for (const [id, begin] of from) {
    const finish = to.get(id);
    if (!finish || finish.ts < begin.ts) yield `arrow ${id} has no end, or one before its begin`;
    for (const tip of [begin, finish]) {
      if (!slices.some((slice) => slice.tid === tip?.tid && slice.ts <= tip.ts && tip.ts <= end(slice))) yield `an end of arrow ${id} is in no slice`;
    }
  }
}

function expectWellFormed(trace: Trace): void {
  expect(JSON.parse(JSON.stringify(trace))).toEqual(trace);
  expect([...faults(trace)]).toEqual([]);
}

test('a bottom half of the owner runs in a turn of its loop, by its name', async () => {
  const trace = await traced(() => bottomHalf('mine'));
  expectWellFormed(trace);
  const [mine, ...others] = of(trace, 'mine');
  expect(others).toEqual([]);
  expect(mine).toMatchObject({ cat: 'call-back', ph: 'X', args: { event: 'aio_bh_begin' } });
  const turn = of(trace, 'aio_dispatch').find((slice) => slice.ts <= (mine?.ts ?? 0) && end(slice) >= end(mine as ChromeEvent));
  expect(turn?.tid).toBe(mine?.tid);
  expect(trackName(trace, mine?.tid ?? 0)).toBe('owner');
  expect(trace.otherData.lost).toBe(0);
  expect(trace.otherData.duration).toBeGreaterThan(0);
});

test('loops of IOThreads and of other contexts have tracks of their own, and arrows lead between them', async () => {
  const io = await runtime.iothread('io0');
  const other = runtime.createContext('other');
  const trace = await traced(async () => {
    const { sleeps } = await io.stats();
    await io.clock();
    await new Promise<void>((resolve) => {
      const bh = other.bottomHalf('theirs', () => {
        bh.close();
        resolve();
      });
      bh.schedule();
    });
    // An answer that comes at once finds the IOThread still awake.
    while ((await io.stats()).sleeps === sleeps) await runtime.context.sleep(1);
    await io.clock();
  });
  expectWellFormed(trace);
  const [theirs] = of(trace, 'theirs');
  expect(trackName(trace, theirs?.tid ?? 0)).toBe('other');
  expect(trace.otherData.lost).toBe(0);
  const tracksOf = (ph: string): unknown[] => [...new Set(trace.traceEvents.filter((event) => event.ph === ph).map(({ tid }) => trackName(trace, tid)))];
  expect(tracksOf('f')).toContain('IO io0');
  expect(tracksOf('s')).toContain('owner');
  // What it was doing between the two calls.
  const slept = of(trace, 'sleep').filter(({ tid }) => trackName(trace, tid) === 'IO io0');
  expect(slept.length).toBeGreaterThan(0);
});

test('a read is shown from its submission to its end, with the job in a thread of the pool', async () => {
  const io = await runtime.iothread('io0');
  const file = await io.open(process.execPath, { aio: 'threads' });
  await file.read(0, 512);
  const trace = await traced(() => file.read(0, 4096));
  expectWellFormed(trace);
  const [submit] = of(trace, 'raw_aio_submit');
  const [complete] = of(trace, 'raw_aio_complete');
  expect(submit?.args).toMatchObject({ name: 'threads', bytes: 4096 });
  expect(complete?.args).toMatchObject({ req: submit?.args?.['req'], ret: 4096 });
  const job = trace.traceEvents.find(({ args }) => args?.['event'] === 'aio_job_begin');
  expect(job?.ts).toBeGreaterThanOrEqual(submit?.ts ?? Infinity);
  expect(end(job as ChromeEvent)).toBeLessThanOrEqual(complete?.ts ?? 0);
  expect(job?.tid).not.toBe(submit?.tid);
  await file.close();
});

test('a timer has a slice, and a recording ends after its duration', async () => {
  const recorded = runtime.trace({ duration: 50 });
  await new Promise<void>((resolve) => void runtime.context.timer('soon', resolve).arm(1));
  const trace = await recorded;
  expectWellFormed(trace);
  expect(trace.traceEvents.filter(({ args }) => args?.['event'] === 'aio_timer_begin')).toHaveLength(1);
  expect(trace.otherData.duration).toBeGreaterThanOrEqual(49);
});

/** The calls in a trace: callee's track: name from caller's track, and where the arrows from and to the slices and moments of calls lead. */
function callsIn(trace: Trace): { served: string[]; arrows: string[]; whole: string[] } {
  const track = (tid: number): string => String(trackName(trace, tid));
  const calls = trace.traceEvents.filter(({ cat }) => cat === 'call');
  const at = ({ tid, ts }: ChromeEvent): string => `${track(tid)}: ${calls.filter((slice) => slice.ph === 'X' && slice.tid === tid && slice.ts <= ts && ts <= end(slice)).at(-1)?.name}`;
  return {
    served: calls.filter(({ ph, args }) => ph === 'X' && args?.['event'] === 'aio_call_begin').map(({ name, tid, args }) => `${track(tid)}: ${name} for ${String(args?.['caller'])}`),
    arrows: calls.filter(({ ph }) => ph === 's').map((from) => {
      const to = calls.find(({ ph, id }) => ph === 'f' && id === from.id) as ChromeEvent;
      return `${at(from)} -> ${at(to)}`;
    }),
    whole: calls.filter(({ ph }) => ph === 'b').map(({ name, tid, id, args }) => {
      const last = calls.find((event) => event.ph === 'e' && event.id === id);
      return `${track(tid)}: ${name} in ${String(args?.['callee'])}, ${(last?.ts ?? NaN) >= 0 ? 'ended' : 'open'}`;
    }),
  };
}

test('calls lead from the caller to the callee and back, also call-backs and calls between IOThreads', async () => {
  const asks = await runtime.iothread<Asks>('asks', { module: new URL('./fixtures/iothread-asks.js', import.meta.url) });
  const module = new URL('./fixtures/iothread-peer.js', import.meta.url);
  const [a, b] = await Promise.all(['a', 'b'].map((name) => runtime.iothread<ServedPeer>(name, { module }))) as [IOThread<ServedPeer>, IOThread<ServedPeer>];
  await a.remote.meet(b.remote);
  const trace = await traced(async () => {
    expect(await asks.remote.ask(async function back() {
      await Promise.resolve();
      return 42;
    })).toBe(42);
    expect(await a.remote.ask('later', 7)).toBe(7);
    await asks.clock();
  });
  expectWellFormed(trace);
  const { served, arrows, whole } = callsIn(trace);
  expect(served.sort()).toEqual(['IO a: ask for owner', 'IO asks: ask for owner', 'IO asks: clock for owner', 'IO b: later for IO a', 'owner: back for IO asks']);
  expect(whole.sort()).toEqual([
    'IO a: later in IO b, ended', 'IO asks: back in owner, ended', 'owner: ask in IO a, ended', 'owner: ask in IO asks, ended', 'owner: clock in IO asks, ended',
  ]);
  for (const arrow of [
    'owner: call clock -> IO asks: clock', 'IO asks: answer clock -> owner: answered clock', 'IO asks: call back -> owner: back', 'owner: answer back -> IO asks: answered back',
    'IO a: call later -> IO b: later', 'IO b: answer later -> IO a: answered later',
  ]) expect(arrows).toContain(arrow);
  expect(arrows).toHaveLength(10);
});

test('a blocking call, and one that throws, are shown as others are', async () => {
  const module = new URL('./fixtures/iothread-sync.js', import.meta.url);
  const [a, b] = await Promise.all(['a', 'b'].map((name) => runtime.iothread<ServedWaiter>(name, { module }))) as [IOThread<ServedWaiter>, IOThread<ServedWaiter>];
  await a.remote.meet(b.remote);
  const trace = await traced(async () => {
    expect(await a.remote.ask('echo', 'x')).toBe('x');
    await expect(b.remote.fail()).rejects.toThrow();
  });
  expectWellFormed(trace);
  const { served, whole } = callsIn(trace);
  expect(served).toContain('IO b: echo for IO a');
  expect(whole).toContain('IO a: echo in IO b, ended');
  expect(whole).toContain('owner: fail in IO b, ended');
});

test('events beyond maxEvents, and those that were overwritten, are counted', async () => {
  const some = await traced(async () => {
    for (let n = 0; n < 10; n++) await bottomHalf('many');
  }, 20);
  expect(some.otherData.events).toBeLessThanOrEqual(20);
  expect(some.otherData.lost).toBeGreaterThan(0);
  // The owner's ring is not read while the owner is busy.
  const trace = await traced(async () => {
    let left = 3000;
    await new Promise<void>((resolve) => {
      const bh = runtime.context.bottomHalf('again', () => {
        if (--left === 0) {
          bh.close();
          resolve();
        } else {
          for (let n = 0; n < 3; n++) bh.schedule();
        }
      });
      bh.schedule();
      const until = performance.now() + 5000;
      while (left > 0 && performance.now() < until) runtime.instance.exports.rt_hosted_turn(runtime.context.pointer);
    });
  });
  expectWellFormed(trace);
  const told = trace.traceEvents.filter(({ cat }) => cat === 'lost');
  expect(told.length).toBeGreaterThan(0);
  expect(trace.otherData.lost).toBe(told.reduce((sum, { args }) => sum + Number(args?.['lost']), 0));
  expect(trace.otherData.events + trace.otherData.lost).toBeGreaterThan(3000 * 5);
});

test('a wake-up whose sender was interrupted before it wrote the event has its arrow, from a time at which it had been sent', () => {
  const kinds = ['aio_notify_sent', 'aio_notify_accept', 'aio_bh_begin', 'aio_bh_end'];
  const types = kinds.map((name) => ({ name, phase: name.endsWith('_begin') ? 'begin' as const : name.endsWith('_end') ? 'end' as const : 'mark' as const, object: 'loop', value: '' }));
  const batch = (ring: number, events: readonly (readonly [string, number, number])[]): Batch => {
    const view = new DataView(new ArrayBuffer(64 * events.length));
    events.forEach(([name, time, value], n) => {
      view.setUint32(64 * n, time, true);
      view.setUint32(64 * n + 16, 4711, true);
      view.setUint32(64 * n + 24, value, true);
      view.setUint16(64 * n + 32, kinds.indexOf(name), true);
      view.setUint16(64 * n + 34, ring, true);
    });
    return { ring, lost: 0, events: view, count: events.length };
  };
  const convert = (sent: number, ran: boolean): Trace => new ChromeTrace({ types, start: 0, contextName: () => undefined, functionName: () => undefined }).convert([
    batch(1, [['aio_bh_begin', 50, 0], ['aio_notify_sent', sent, 0], ['aio_bh_end', 2000, 0]]),
    batch(2, [['aio_notify_accept', 100, 1], ...(ran ? [['aio_bh_begin', 200, 0], ['aio_bh_end', 300, 0]] as const : [])]),
  ], 3000, 0, '');
  for (const [sent, ran, at] of [[60, true, 60], [250, true, 250], [1000, true, 300], [1000, false, 101]] as const) {
    const trace = convert(sent, ran);
    expectWellFormed(trace);
    expect(trace.traceEvents.filter(({ ph }) => ph === 's').map(({ ts }) => Math.round(ts * 1000))).toEqual([at]);
  }
});

test('two recordings at once do not disturb each other', async () => {
  const stop = new AbortController();
  const outer = runtime.trace({ signal: stop.signal });
  await traced(() => bottomHalf('first'));
  await bottomHalf('second');
  stop.abort();
  const trace = await outer;
  expect(of(trace, 'first')).toHaveLength(1);
  expect(of(trace, 'second')).toHaveLength(1);
});

test('a recording ends with its runtime', async () => {
  const recorded = runtime.trace({ duration: 1e6 });
  await bottomHalf('last');
  await runtime.close();
  const trace = await recorded;
  expectWellFormed(trace);
  expect(of(trace, 'last')).toHaveLength(1);
});

test('what is wrong with the options is said', async () => {
  expect((await failure(runtime.trace({}), 'ERR_AIO_INVALID_ARG')).message).toContain('a duration (in ms) or a signal');
  await failure(runtime.trace({ duration: -1 }), 'ERR_AIO_INVALID_ARG');
  await runtime.close();
  await failure(runtime.trace({ duration: 1 }), 'ERR_AIO_CLOSED');
});

test('run --trace has the poll_oneoff calls of each thread, and what poll() in libc waits for', () => {
  const dir = mkdtempSync(join(tmpdir(), 'wasm-aio-trace-'));
  try {
    const file = join(dir, 'trace.json');
    const polls = (program: string, ...more: string[]): { trace: Trace; slices: unknown[] } => {
      spawnSync(process.execPath, [cli, 'run', ...more, `--trace=${file}`, pathOf(program)], { input: '' });
      const trace = JSON.parse(readFileSync(file, 'utf8')) as Trace;
      expectWellFormed(trace);
      return { trace, slices: trace.traceEvents.filter(({ cat }) => cat === 'wasi').map(({ name, tid, args }) => [trackName(trace, tid), name, args]) };
    };
    // There are no fds 3 and 4.
    expect(polls('build/plain/poll.wasm').slices).toEqual([['main', 'poll_oneoff', {
      subscriptions: 3, waits: expect.stringMatching(/^fd_read 3, fd_read 4, clock [\d.]+ ms$/), events: 2, ready: 'fd_read 3 (errno 8), fd_read 4 (errno 8)',
    }]]);
    const { trace, slices } = polls('build/demo/clock.wasm');
    expect(trace.otherData.lost).toBe(0);
    // The end of its input ends it, and perhaps a second ended before.
    expect(slices.at(-1)).toEqual(['main', 'poll', expect.objectContaining({ event: 'libc_poll_begin', name: 'fd 0', nfds: 1, ready: 1 })]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('calls that are overwritten before they are read are counted', async () => {
  const shared = Shared.create(false);
  const writer = PollLog.create(shared);
  const reader = new PollLog(writer.buffer, shared);
  const thread = { host: { monotonic: () => 5 } } as unknown as Parameters<typeof writer.begin>[0];
  const one = (fd: number): Parameters<typeof writer.begin>[1][number] => ({ userdata: 0n, type: 1, fd, clock: 0, deadline: 0n, error: 0 });
  writer.begin(thread, [one(1)]);
  expect(reader.read()).toEqual({ lost: 0, records: [{ call: 'poll_oneoff', phase: 'begin', time: 5, thread: -1, name: 'owner', count: 1, text: 'fd_read 1' }] });
  for (let n = 0; n < 5000; n++) writer.begin(thread, [one(n)]);
  const { lost, records } = reader.read();
  // The place of one is where the next will be written.
  expect([lost, records.length]).toEqual([5000 - 4095, 4095]);
  expect(records.map(({ text }) => text)).toEqual(Array.from({ length: 4095 }, (_, n) => `fd_read ${n + 905}`));
  writer.begin(thread, Array.from({ length: 40 }, (_, n) => one(n + 100)));
  expect(reader.read().records[0]?.text).toMatch(/^fd_read 100, fd_read 101, .* and \d+ more$/);
});

test('run and bench write a trace; where there is nothing to write there is a sentence and no file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'wasm-aio-trace-'));
  try {
    const file = join(dir, 'trace.json');
    const run = (...args: string[]): [number | null, string] => {
      const { status, stderr } = spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8' });
      return [status, stderr];
    };
    for (const args of [['bench', `--trace=${file}`, '--size=1M', '--number-ios=50'], ['run', `--trace=${file}`, pathOf('build/fixtures/aio-event-fds.wasm')]]) {
      expect(run(...args)[0]).toBe(0);
      const trace = JSON.parse(readFileSync(file, 'utf8')) as Trace;
      expectWellFormed(trace);
      expect(of(trace, 'aio_poll').length).toBeGreaterThan(0);
      rmSync(file);
    }
    const plain = pathOf('build/plain/command.wasm');
    const [status, said] = run('run', plain);
    expect(run('run', `--trace=${file}`, plain)).toEqual([status, `${said}wasm-aio: --trace: ${plain} has no loops, because aiocc has not built it, and has not called poll_oneoff: nothing was written\n`]);
    expect(existsSync(file)).toBe(false);
    for (const args of [['bench'], ['run', plain]]) {
      const [command = '', ...rest] = args;
      expect(run(command, `--trace=${dir}`, ...rest)).toEqual([1, expect.stringMatching(/^wasm-aio: --trace=.*: EISDIR: /)]);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});
