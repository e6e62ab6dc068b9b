// SPDX-License-Identifier: MIT
/** The page "Loop explorer" on a static server: its controls change what the loops do, and what it shows of them. */
import { beforeAll, expect, test } from '@jest/globals';
import { readFileSync, statSync } from 'node:fs';
import type { Page } from 'playwright-core';
import type { Trace } from 'wasm-aio';
import { demoPages, downloaded, inChromium, sideways } from './helpers/chromium.js';
import { pathOf } from './helpers/paths.js';
import { WITHOUT_WAIT_ASYNC } from './helpers/static-site.js';

inChromium(() => {
  const pages = demoPages();
  const { problems } = pages;
  let page: Page;

  beforeAll(async () => {
    page = await open('');
  });

  const open = async (hash: string, options: Parameters<typeof pages.open>[1] = {}, where = ''): Promise<Page> => {
    const opened = await pages.open(`${where}explorer.html${hash}`, options);
    if (options.serviceWorkers !== 'block') await opened.waitForSelector('#loops tbody tr');
    return opened;
  };
  const rows = (): Promise<string[][]> => page.$$eval('#loops tbody tr', (all) => all.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent ?? '')));
  /** Waits until the rows of the IOThreads, or all, are as they should be. */
  const until = async (right: (all: string[][]) => boolean): Promise<void> => {
    for (;;) {
      const all = await rows();
      if (all.length > 0 && right(all)) return;
      await page.waitForFunction((before) => document.querySelector('#loops tbody')?.textContent !== before, await page.textContent('#loops tbody'));
    }
  };
  const polls = ([, shares = '']: string[]): string => shares.split(', ')[1] ?? '';
  const picture = (): Promise<string> => page.$eval('#timeline', (canvas) => (canvas as HTMLCanvasElement).toDataURL());
  const changes = async (before: string): Promise<unknown> => page.waitForFunction((old) => (document.getElementById('timeline') as HTMLCanvasElement).toDataURL() !== old, before);
  const saved = async (): Promise<Trace> => JSON.parse(await downloaded(page, '#export')) as Trace;

  test('it moves after three requests in series: the page, all that it names, and the workers', async () => {
    const loaded = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
    const names = [...new Set(loaded)].map((name) => name.slice(pages.address().length));
    const html = readFileSync(pathOf('build/static/explorer.html'), 'utf8');
    expect(names.filter((name) => !html.includes(`"./${name}"`) && !html.includes(`"${name}"`))).toEqual([expect.stringMatching(/^assets\/worker-browser-[^/]*\.js$/)]);
    const all = names.reduce((sum, name) => sum + statSync(pathOf(`build/static/${name}`)).size, html.length);
    expect(all).toBeGreaterThan(300_000);
    expect(all).toBeLessThan(500_000);
  });

  test('it runs at once, and each workload shows what it is made of', async () => {
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    const parts: Record<string, [string, string]> = {
      'ping-pong': ['call-back', 'ping'], 'fan-out': ['call-back', 'question'], flood: ['call-back', 'drop'],
      timers: ['call-back', 'timer_c'], pipeline: ['call-back', 'pass_on'], wander: ['coroutine', 'walker B'],
    };
    expect(await page.$$eval('#workload option', (all) => all.map((option) => (option as HTMLOptionElement).value))).toEqual(Object.keys(parts));
    for (const [workload, [cat, name]] of Object.entries(parts)) {
      const about = await page.textContent('#about');
      if (workload !== 'ping-pong') {
        await page.selectOption('#workload', workload);
        expect(await page.textContent('#about')).not.toBe(about);
      }
      // Every loop has a part in it, but in the flood the page has none.
      const [, ...loops] = (await rows()).map(([name]) => (name ?? '').replace('IOThread', 'IO'));
      await until(([own, ...others]) => others.every((row) => row[3] !== '0') && (workload === 'flood' || own?.[3] !== '0'));
      const { traceEvents } = await saved();
      const tracks = new Map(traceEvents.filter(({ ph }) => ph === 'M').map(({ tid, args }) => [tid, args?.['name']]));
      const busy = new Set(traceEvents.filter((event) => event.cat === 'call-back' || event.cat === 'coroutine').map(({ tid }) => tracks.get(tid)));
      expect([...busy]).toEqual(expect.arrayContaining(loops));
      expect(traceEvents.filter((event) => event.cat === cat && event.name.startsWith(name)).length).toBeGreaterThan(0);
    }
    expect(problems).toEqual([]);
  });

  test('as many lanes as threads, and poll-max-ns decides whether they poll', async () => {
    await page.selectOption('#workload', 'ping-pong');
    await page.selectOption('#rate', '1000');
    for (const threads of [8, 1, 3]) {
      await page.selectOption('#threads', String(threads));
      await until((all) => all.length === threads + 1);
      expect((await rows()).map(([name]) => name)).toEqual(['this page', ...Array.from({ length: threads }, (_, n) => `IOThread io${n}`)]);
    }
    await page.selectOption('#poll-max-ns', '0');
    await until(([, ...all]) => all.every((row) => polls(row) === '0 %'));
    await page.selectOption('#poll-max-ns', '32768');
    await until(([, ...all]) => all.some((row) => polls(row) !== '0 %'));
    await until((all) => all.slice(1).every(([, , , , , , median, most]) => /^[\d.]+ (ns|µs|ms)$/.test(median ?? '') && /^[\d.]+ (ns|µs|ms)$/.test(most ?? '')));
    await page.selectOption('#poll-grow', '16');
    await page.selectOption('#poll-shrink', '16');
    expect(new URL(page.url()).hash).toMatch(/^#workload=ping-pong&threads=3&rate=1000&poll-max-ns=32768&poll-grow=16&poll-shrink=16&span=\d+$/);
    expect(problems).toEqual([]);
  });

  test('poll-grow and poll-shrink decide how long a loop polls next', async () => {
    const most = 2_000_000;
    await page.selectOption('#poll-max-ns', String(most));
    // The factor is 2 if poll-grow is 0, and with a poll-shrink of 0 polling begins anew.
    for (const [grow, shrink, rate] of [[16, 4, 100], [0, 0, 20]] as const) {
      await page.selectOption('#poll-grow', String(grow));
      await page.selectOption('#poll-shrink', String(shrink));
      // With another rate a new recording begins. Loops wait for each other for less than the most, and between two rounds for more.
      await page.selectOption('#rate', String(rate));
      await until((all) => all.every((row) => row[3] !== '0'));
      const changes = async (): Promise<[name: string, old: number, next: number][]> =>
        (await saved()).traceEvents.filter(({ name }) => name === 'poll_grow' || name === 'poll_shrink').map(({ name, args }) => [name, Number(args?.['old']), Number(args?.['new'])]);
      let all = await changes();
      while (!['poll_grow', 'poll_shrink'].every((name) => all.some(([of, old]) => of === name && old > 0))) all = await changes();
      for (const [name, old, next] of all) {
        const grown = old === 0 ? 4000 : old * (grow || 2);
        expect([name, old, next]).toEqual([name, old, name === 'poll_grow' ? Math.min(most, grown) : shrink && Math.floor(old / shrink)]);
      }
    }
    expect(problems).toEqual([]);
  });

  test('it moves, stands still, and goes where the buttons, the keys and the pointer lead', async () => {
    await changes(await picture());
    await page.click('#pause');
    const still = await picture();
    await page.evaluate(() => new Promise((resolve) => setTimeout(() => requestAnimationFrame(resolve), 500)));
    expect(await picture()).toBe(still);
    for (const [button, text] of [['#in', /^1 ms wide/], ['#out', /^2 ms wide/], ['#out', /^5 ms wide/]] as const) {
      const before = await picture();
      await page.click(button);
      expect(await page.textContent('#span')).toMatch(text);
      expect(await picture()).not.toBe(before);
    }
    for (const button of ['#earlier', '#later']) {
      const before = await picture();
      await page.click(button);
      expect(await picture()).not.toBe(before);
    }
    await page.focus('#timeline');
    for (const key of ['+', 'ArrowLeft', 'ArrowRight', '-']) {
      const before = await picture();
      await page.keyboard.press(key);
      expect(await picture()).not.toBe(before);
    }
    for (const [key, text] of [['.', /^this page: (bottom half|timer) “\w[\w ]*”, /], ['PageDown', /^IOThread io0: bottom half “p[io]ng”, [\d.]+ [µm]s/]] as const) {
      await page.keyboard.press(key);
      expect(await page.textContent('#detail')).toMatch(text);
    }
    await page.keyboard.press('.');
    await page.keyboard.press(',');
    await page.keyboard.press('PageUp');
    expect(await page.textContent('#detail')).toMatch(/^this page: /);
    // What the IOThread's loop does is a strip above its call-backs.
    const canvas = (await (await page.$('#timeline'))!.boundingBox())!;
    await page.mouse.move(canvas.x + canvas.width / 2, canvas.y + 66 + 22);
    expect(await page.textContent('#detail')).toMatch(/^IOThread io0: (working|polling|asleep), [\d.]+ /);
    await page.keyboard.down('Control');
    for (const [by, text] of [[-100, /^2 ms wide/], [100, /^5 ms wide/]] as const) {
      await page.mouse.wheel(0, by);
      await page.waitForFunction((source) => new RegExp(source).test(document.getElementById('span')?.textContent ?? ''), text.source);
    }
    await page.keyboard.up('Control');
    const before = await picture();
    await page.mouse.down();
    await page.mouse.move(canvas.x + canvas.width / 4, canvas.y + 66 + 22, { steps: 3 });
    await page.mouse.up();
    expect(await picture()).not.toBe(before);
    await page.keyboard.press(' ');
    expect(await page.textContent('#pause')).toBe('Pause');
    await changes(await picture());
    expect(problems).toEqual([]);
  });

  test('a link has the settings; a phone need not scroll sideways; without Atomics.waitAsync it runs, too', async () => {
    await page.close();
    page = await open('#workload=fan-out&threads=2&poll-max-ns=0&span=500', { viewport: { width: 360, height: 700 } }, WITHOUT_WAIT_ASYNC);
    await until((all) => all.length === 3 && all.every((row) => row[3] !== '0'));
    expect(await page.$$eval('#form select', (all) => all.map((select) => (select as HTMLSelectElement).value))).toEqual(['fan-out', '2', '20', '0', '0', '0']);
    expect(await page.textContent('#span')).toMatch(/^500 µs wide/);
    expect(await sideways(page)).toBe(0);
    // Another address in the same tab.
    await page.evaluate(() => void (location.hash = '#workload=timers&threads=1&rate=5&poll-max-ns=4096&poll-grow=4&poll-shrink=2&span=10000'));
    await until((all) => all.length === 2 && all.every((row) => row[3] !== '0'));
    expect(await page.$$eval('#form select', (all) => all.map((select) => (select as HTMLSelectElement).value))).toEqual(['timers', '1', '5', '4096', '4', '2']);
    expect(await page.textContent('#span')).toMatch(/^10 ms wide/);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('without shared memory it says what is missing', async () => {
    page = await open('', { serviceWorkers: 'block' });
    await page.waitForFunction(() => /^Nothing runs here: this page is not cross-origin isolated/.test(document.getElementById('status')?.textContent ?? ''));
    expect(await page.$$eval('main select:not([disabled]), main button:not([disabled])', (all) => all.length)).toBe(0);
    expect(await page.$$eval('nav a', (all) => all.length)).toBeGreaterThan(3);
    problems.length = 0;
  });
});
