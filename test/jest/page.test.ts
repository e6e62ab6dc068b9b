// SPDX-License-Identifier: MIT
/** The library in a page of Chromium, and what only a page's main thread can show. */
import { beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type * as library from 'wasm-aio';
import type { Browser, Page, Route } from 'playwright-core';
import { inChromium } from './helpers/chromium.js';
import { seenWith, useHostedLoops, WITHOUT_WAIT_ASYNC } from './helpers/hosted.js';
import { libraryPage, openLibraryPage } from './helpers/library-page.js';
import { fixture, pathOf } from './helpers/paths.js';
import { filterGuest } from './helpers/wasi-streams.js';

/** The library as the page has it. */
type Library = typeof library;

inChromium(() => {
  const started = libraryPage();
  const { problems } = started;
  let browser: Browser;
  let page: Page;
  let address: string;
  beforeAll(() => void ({ browser, page, address } = started));

  test('while the page "Disk" reads and verifies a file in OPFS, it stays alive', async () => {
    const disk = await browser.newPage();
    disk.on('pageerror', (error) => problems.push(error.message));
    await disk.goto(`${address}disk.html#size=4&seconds=0.5`);
    await disk.waitForFunction(() => /^Ready/.test(document.getElementById('status')?.textContent ?? ''));
    // Timers and reports of the page while the job runs; a blocked thread has none.
    await disk.evaluate(() => {
      const counts = { timers: 0, reports: 0 };
      Object.assign(globalThis, { counts });
      setInterval(() => counts.timers++, 1);
      new MutationObserver(() => counts.reports++).observe(document.getElementById('iops') as Node, { childList: true, characterData: true, subtree: true });
    });
    await disk.click('#run');
    await disk.waitForFunction(() => /^Done|failed/.test(`${document.getElementById('status')?.textContent} ${document.getElementById('status')?.className}`));
    expect(await disk.textContent('#status')).toBe('Done.');
    const counts = await disk.evaluate(() => (globalThis as unknown as { counts: { timers: number; reports: number } }).counts);
    expect(counts.reports).toBeGreaterThan(1);
    expect(counts.timers).toBeGreaterThan(counts.reports);
    await disk.close();
    expect(problems).toEqual([]);
  });

  test("the page's main thread and workers contend for locks, and none is lost", async () => {
    const module = readFileSync(fixture('contend')).toString('base64');
    const seen = await page.evaluate(async (encoded) => {
      const url = '/dist/index.js';
      const { Runtime } = (await import(url)) as Library;
      const bytes = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
      const runtime = await Runtime.create({ module: bytes });
      const threads = await Promise.all(['a', 'b'].map((name) => runtime.iothread(name)));
      const others = threads.map((io) => io.call('contend', 200_000));
      let mine = 0;
      for (let i = 0; i < 20; i++) mine += Number(runtime.call('contend', 5_000));
      const theirs = await Promise.all(others);
      const timers = threads.map((io) => io.call('contend_timers', 50_000));
      const myTimers = runtime.call('contend_timers', 50_000);
      const result = {
        wrong: [mine, ...theirs], counted: runtime.call('contended'),
        timers: [myTimers, ...(await Promise.all(timers))], left: runtime.call('timers_left'),
      };
      await runtime.close();
      return result;
    }, module);
    expect(seen).toEqual({ wrong: [0, 0, 0], counted: 500_000, timers: [1, 1, 1], left: 0 });
  });

  test('files in OPFS are written and read by every engine that can be', async () => {
    const seen = await page.evaluate(async () => {
      const url = '/dist/index.js';
      const { Runtime } = (await import(url)) as Library;
      const runtime = await Runtime.create();
      const io = await runtime.iothread('io0');
      const results: Record<string, unknown> = {};
      for (const aio of ['threads', 'native', 'io_uring'] as const) {
        const file = await io.open(`engine-${aio}`, { aio, create: true });
        const buffer = runtime.allocate(64 * 512);
        const blocks = Array.from({ length: 64 }, (_, n) => buffer.bytes.subarray(n * 512, n * 512 + 512).fill(n + 1));
        await Promise.all(blocks.map((block, n) => file.write(n * 512, block)));
        await file.flush();
        const read = await Promise.all(blocks.map((_, n) => file.read(n * 512, 512)));
        const gathered = [new Uint8Array(300), new Uint8Array(400)];
        const count = await file.readv(512, gathered);
        const canceled = await file.read(0, 1, { signal: AbortSignal.abort() }).then(() => '', (error: Error) => error.name);
        results[aio] = {
          right: read.every((block, n) => block.length === 512 && block.every((byte) => byte === n + 1)),
          gathered: [count, gathered[0]?.every((byte) => byte === 2), gathered[1]?.[211], gathered[1]?.[212]],
          canceled, size: file.size, past: (await file.read(64 * 512 - 1, 10)).length,
        };
        await file.close();
        await (await navigator.storage.getDirectory()).removeEntry(`engine-${aio}`);
      }
      results.sync = await io.open('engine-sync', { aio: 'sync', create: true }).then(() => '', (error: { code?: string }) => error.code);
      await runtime.close();
      return results;
    });
    const right = { right: true, gathered: [700, true, 2, 3], canceled: 'AbortError', size: 32768, past: 1 };
    expect(seen).toEqual({ threads: right, native: right, io_uring: right, sync: 'ERR_AIO_UNSUPPORTED' });
  });

  test('blocking the page is refused by name', async () => {
    const module = readFileSync(fixture('blocking')).toString('base64');
    const refusal = await page.evaluate(async (encoded) => {
      const url = '/dist/index.js';
      const { Runtime } = (await import(url)) as Library;
      const bytes = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
      const runtime = await Runtime.create({ module: bytes });
      let code: unknown;
      try {
        runtime.call('do_futex_wait');
      } catch (error) {
        code = (error as { code?: unknown }).code;
      }
      await runtime.close();
      return code;
    }, module);
    expect(refusal).toBe('ERR_AIO_WOULD_BLOCK');
  });

  /** Runs a function of the tests there, on a module that was built here. */
  const there = (where: Page, run: unknown, file: string, ...rest: unknown[]): Promise<unknown> =>
    where.evaluate(
      `(async () => {
        const bytes = Uint8Array.from(atob(${JSON.stringify(readFileSync(file).toString('base64'))}), (c) => c.charCodeAt(0));
        const given = { library: { ...(await import('/dist/index.js')), ...(await import('/dist/wasi.js')) }, bytes };
        return (${String(run)})(given, ...${JSON.stringify(rest)});
      })()`,
    );
  /** A way to start a worker with code, as source. The entry that is imported first, if any, changes its globals. */
  const workerOf = (code: string, first = ''): string => `() => new Worker(URL.createObjectURL(new Blob([
    ${JSON.stringify(`${first && `import '${address}${first}';`}import { proxy, release, serve } from '${address}dist/iothread-browser.js';\n${code}`)}],
    { type: 'text/javascript' })), { type: 'module' })`;
  const hosted = (first?: string): string => `(there) => (${String(useHostedLoops)})(there.library,
    ${workerOf('serve({ ask: (work) => work() });', first)}, there.bytes)`;
  const hostedModule = fileURLToPath(fixture('hosted'));

  test('hosted loops with Atomics.waitAsync: no helper', async () => {
    expect(await there(page, hosted(), hostedModule)).toEqual(seenWith(0));
  });

  test('and without it, in the page and in its workers: a helper for each', async () => {
    const old = await browser.newPage();
    await old.addInitScript(WITHOUT_WAIT_ASYNC);
    // A worker has no such script: its entry gets an import that is evaluated first.
    const missing = 'no-wait-async.js';
    const script = (body: string) => (route: Route): Promise<void> =>
      route.fulfill({ contentType: 'text/javascript', body, headers: { 'Cross-Origin-Embedder-Policy': 'require-corp' } });
    await old.route(`**/${missing}`, script(WITHOUT_WAIT_ASYNC));
    const entry = readFileSync(pathOf('dist/iothread/worker-browser.js'), 'utf8');
    await old.route('**/worker-browser.js', script(`import './${missing}';\n${entry}`));
    await openLibraryPage(old, address);
    expect(await there(old, hosted(missing), hostedModule)).toEqual(seenWith(2));
    const filter = `(there, ...rest) => (${String(filterGuest)})(there.library, there.bytes, ...rest)`;
    expect(await there(old, filter, pathOf('build/examples/rot13.wasm'), 2)).toMatchObject({ code: 0, wrong: 0, length: 2 << 20 });
    // Workers of the reserve may still be loading.
    await old.unrouteAll({ behavior: 'ignoreErrors' });
    await old.close();
  });

  test('workers that end without a word are noticed, and the one that has all files open is replaced', async () => {
    const run = async ({ library: { Runtime } }: { library: Library }, worker: () => Worker): Promise<unknown> => {
      interface Internals {
        instance: { exports: { rt_thread_name(pointer: number): number }; memory: { string(pointer: number): string } };
        threads: { all: Map<number, { worker: { terminate(): void } }> };
      }
      const runtime = await Runtime.create();
      const { instance, threads } = runtime as unknown as Internals;
      const outcome = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => 'done', (error: { code?: unknown }) => error.code);
      // Its code ends its worker; one that spins is terminated from outside.
      const code = await runtime.iothread<{ end(): Promise<void>; spin(): Promise<void> }>('code', { worker });
      void code.closed.catch(() => {});
      const ended = await outcome(code.remote.end());
      const spins = await runtime.iothread<{ end(): Promise<void>; spin(): Promise<void> }>('spins', { worker });
      void spins.closed.catch(() => {});
      const spun = outcome(spins.remote.spin());
      const find = (name: string): { terminate(): void } | undefined =>
        [...threads.all].find(([pointer]) => instance.memory.string(instance.exports.rt_thread_name(pointer)) === name)?.[1].worker;
      find('IO spins')?.terminate();

      const io = await runtime.iothread('io0');
      const file = await io.open('lost-host-io', { create: true });
      await file.write(0, new Uint8Array(4096).fill(7));
      find('host I/O')?.terminate();
      // Chromium lets it go on for two seconds.
      let last: unknown;
      do last = await outcome(file.read(0, 10));
      while (last === 'done');
      const reads = await Promise.all([file.read(0, 4096), file.read(0, 10)].map(outcome));
      await file.close();
      const again = await io.open('lost-host-io');
      const read = (await again.read(0, 4096)).every((byte) => byte === 7);
      await again.close();
      await (await navigator.storage.getDirectory()).removeEntry('lost-host-io');
      const closed = await outcome(io.close());
      await runtime.close();
      return { ended, spun: await spun, last, reads, read, closed };
    };
    const code = 'serve({ end() { self.close(); return new Promise(() => {}); }, spin() { for (;;); } });';
    const seen = await there(page, `(there) => (${String(run)})(there, ${workerOf(code)})`, pathOf('dist/aio.wasm'));
    const lost = expect.stringMatching(/^ERR_AIO_(CANCELED|THREAD_LOST)$/);
    expect(seen).toEqual({
      ended: lost, spun: lost, last: 'ERR_AIO_CANCELED', reads: ['ERR_AIO_CANCELED', 'ERR_AIO_CANCELED'], read: true, closed: 'done',
    });
  });

  test('workers that were terminated before they have said anything are noticed, too', async () => {
    const run = async ({ library: { Runtime } }: { library: Library }, entry: string): Promise<unknown> => {
      const outcome = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => 'done', (error: { code?: unknown; message: string }) => `${String(error.code)}: ${error.message}`);
      // Seconds pass when all that live have said something.
      const looks = new Set<() => void>();
      const { setInterval: begin, clearInterval: end } = globalThis;
      Object.assign(globalThis, {
        setInterval: (look: () => void, ms: number) => (ms === 1000 ? looks.add(look) && look : begin(look, ms)),
        clearInterval: (id: () => void) => looks.delete(id) || end(id as unknown as number),
      });
      let silent = 0;
      let made = 0;
      const runtime = await Runtime.create({
        worker() {
          const one = new Worker(entry, { type: 'module' });
          // The IOThread's, and that which opens files.
          if (++made === 1 || made === 3) one.terminate();
          else {
            silent++;
            one.addEventListener('message', () => silent--, { once: true });
          }
          return one;
        },
        reserve: 0,
      });
      const refused = outcome(runtime.iothread('io0', { startTimeout: 1e6 }));
      const lost = refused.then(async () => {
        const io = await runtime.iothread('io1');
        const opened = await outcome(io.open('dead-host-io', { create: true }));
        await (await io.open('dead-host-io', { create: true })).close();
        return opened;
      });
      let over = false;
      const outcomes = Promise.all([refused, lost]).finally(() => (over = true));
      while (!over) {
        await new Promise((resolve) => setTimeout(resolve));
        if (silent === 0) for (const look of [...looks]) look();
      }
      const seen = [...(await outcomes), made];
      await (await navigator.storage.getDirectory()).removeEntry('dead-host-io');
      await runtime.close();
      Object.assign(globalThis, { setInterval: begin, clearInterval: end });
      return seen;
    };
    const seen = await there(page, `(there) => (${String(run)})(there, new URL('/dist/iothread/worker-browser.js', location.href).href)`, pathOf('dist/aio.wasm'));
    expect(seen).toEqual([
      "ERR_AIO_THREAD_LIMIT: no worker for IOThread 'io0': its worker ended at once",
      'ERR_AIO_CANCELED: the host I/O worker that had opened the file ended',
      4,
    ]);
  });

  test('messages: what cannot be read rejects its call, keys that name a prototype are keys, functions are released', async () => {
    const code = `
      const nested = (levels) => { let o = {}; for (let n = 0; n < levels; n++) o = { o }; return o; };
      const table = () => { const [{ functions }] = globalThis[Symbol.for('wasm-aio.connections')]; return [functions.held.size, functions.stubs.size]; };
      serve({ take(value) {}, nested, table, keys: (o) => [Object.keys(o).join(), Object.getPrototypeOf(o) === Object.prototype, 'admin' in {}],
        evil: () => Object.defineProperty({ f() {} }, '__proto__', { value: { admin() {} }, enumerable: true }),
        async chat(work, n) { return (await work(n)) + 1; }, fail(error) { throw error; },
        meter: () => proxy(new (class { read() { return 1; } })()) });`;
    const run = async ({ library: { Runtime, release } }: { library: Library }, worker: () => Worker): Promise<unknown> => {
      const nested = (levels: number): object => {
        let outer = {};
        for (let n = 0; n < levels; n++) outer = { outer };
        return outer;
      };
      interface Api {
        take(value: unknown): void;
        nested(levels: number): object;
        table(): [number, number];
        keys(o: object): unknown[];
        evil(): object;
        chat(work: (n: number) => number | Promise<number>, n: number): number;
        fail(error: unknown): never;
        meter(): { read(): number };
      }
      const runtime = await Runtime.create();
      const { remote } = await runtime.iothread<Api>('messages', { worker });
      const names = new Set<string>();
      const settle = (call: Promise<unknown>): Promise<unknown> => call.then(() => {}, (error: Error) => names.add(`${error.name}${/ cannot be read /.test(error.message) ? ': unread' : / nested too deeply/.test(error.message) ? ': too deep' : ''}`));
      const work = (): number => 1;
      for (let levels = 500; levels <= 4000; levels += 250) {
        for (const call of [remote.take(nested(levels)), remote.take({ deep: nested(levels), work }), remote.nested(levels), remote.chat(() => nested(levels) as never, 1)]) await settle(call);
      }
      release(work);
      const own = (o: object): object => Object.defineProperty(o, '__proto__', { value: { admin() {} }, enumerable: true });
      const keys = await remote.keys(own({ work: () => 1 }));
      const evil = await remote.evil();
      // One of its own: what was used until now may be collected at any time.
      const fresh = (await runtime.iothread<Api>('fresh', { worker })).remote;
      const before = await fresh.table();
      for (let n = 0; n < 50; n++) {
        const work = (n: number): number => n;
        await fresh.chat(work, n);
        release(work);
        const meter = await fresh.meter();
        await meter.read();
        release(meter);
      }
      // The releases go before it.
      await fresh.take(0);
      const after = await fresh.table();
      const round = new DOMException('d', 'AbortError');
      const error = (await remote.fail(new AggregateError([round], 'many', { cause: round })).catch((error: unknown) => error)) as AggregateError;
      await runtime.close();
      return {
        unread: names.has('DataCloneError: unread'), unexpected: [...names].filter((name) => !/^(DataCloneError: (unread|too deep)|RangeError)$/.test(name)),
        keys, evil: [Object.keys(evil).join(), 'admin' in {}], grown: [after[0] - before[0], after[1] - before[1]],
        error: [error instanceof AggregateError, error.cause instanceof DOMException, error.cause === error.errors[0]],
      };
    };
    expect(await there(page, `(there) => (${String(run)})(there, ${workerOf(code)})`, hostedModule)).toEqual({
      unread: true, unexpected: [], keys: ['work,__proto__', true, false], evil: ['f,__proto__', false], grown: [0, 0], error: [true, true, true],
    });
  });

  test("a trace is shown in Chrome's Performance panel, in a custom track of each loop", async () => {
    await browser.startTracing(page, { categories: ['blink.user_timing'] });
    const { traceEvents, inside } = await page.evaluate(async () => {
      const url = '/dist/index.js';
      const { Runtime } = (await import(url)) as Library;
      const runtime = await Runtime.create();
      const io = await runtime.iothread('io0');
      const stop = new AbortController();
      const recorded = runtime.trace({ signal: stop.signal, devtools: true });
      const inside = await new Promise<[number, number]>((resolve) => {
        const bh = runtime.context.bottomHalf('busy', () => {
          const begin = performance.now();
          while (performance.now() < begin + 2);
          bh.close();
          resolve([begin, performance.now()]);
        });
        bh.schedule();
      });
      await io.clock();
      stop.abort();
      const { traceEvents } = await recorded;
      await runtime.close();
      return { traceEvents, inside };
    });
    interface Entry { name: string; ph: string; ts: number; id2?: { local: string }; args: { startTime?: number; detail?: string } }
    const recorded = (JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: Entry[] }).traceEvents;
    const seen = recorded.filter(({ ph, args }) => /[bn]/.test(ph) && args.detail?.includes('devtools')).map(({ name, args, ts, id2 }) => ({
      name, ts, start: args.startTime ?? NaN, end: recorded.find((other) => other.ph === 'e' && other.id2?.local === id2?.local)?.ts ?? NaN,
      ...(JSON.parse(args.detail ?? '') as { devtools: { track: string; trackGroup: string; dataType: string; color: string; properties: [string, string][] } }).devtools,
    }));
    const tracks = new Map(traceEvents.filter(({ ph }) => ph === 'M').map(({ tid, args }) => [tid, args?.['name']]));
    const slices = traceEvents.filter(({ ph }) => ph === 'X');
    expect(seen.map(({ name, track }) => `${track}: ${name}`).sort()).toEqual(slices.map(({ name, tid }) => `${String(tracks.get(tid))}: ${name}`).sort());
    expect(new Set(seen.map(({ track }) => track))).toEqual(new Set(['owner', 'IO io0']));
    const [busy] = seen.filter(({ name }) => name === 'busy');
    expect(busy).toMatchObject({ trackGroup: 'wasm-aio', dataType: 'track-entry', color: 'primary', track: 'owner', properties: expect.arrayContaining([['event', 'aio_bh_begin']]) });
    const { start = NaN, ts = NaN, end = NaN } = busy ?? {};
    expect(start).toBeLessThanOrEqual(inside[0]);
    expect(start + (end - ts) / 1000).toBeGreaterThanOrEqual(inside[1] - 0.01);
  });

  test('without the two headers the error says which they are', async () => {
    // A service worker would add them.
    const plain = await browser.newPage({ serviceWorkers: 'block' });
    await plain.route('**/*', async (route) => {
      const response = await route.fetch();
      const headers = { ...response.headers() };
      delete headers['cross-origin-opener-policy'];
      delete headers['cross-origin-embedder-policy'];
      await route.fulfill({ response, headers });
    });
    await plain.goto(`${address}disk.html`);
    await plain.waitForFunction(() => document.getElementById('status')?.classList.contains('failed'));
    expect(await plain.textContent('#status')).toMatch(/Cross-Origin-Opener-Policy: same-origin.*Cross-Origin-Embedder-Policy: require-corp/);
    await plain.close();
  });
});
