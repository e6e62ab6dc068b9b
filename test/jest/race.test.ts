// SPDX-License-Identifier: MIT
/** The page "The race", and the navigation of all pages, on a static server: its headers do not isolate them, so a service worker does. */
import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { demoPages, inChromium, sideways } from './helpers/chromium.js';
import { WITHOUT_WAIT_ASYNC } from './helpers/static-site.js';

/** Whoever waits by hand is notified once more when it waits for the next call, as by a notification that comes late. */
const LATE = `{
  const { notify } = Atomics;
  Atomics.notify = (words, index, ...count) => {
    const woken = notify(words, index, ...count);
    if (woken === 1 && words.length === 3) while (notify(words, index) === 0);
    return woken;
  };
}`;

const WAYS = ['postMessage', 'comlink', 'Atomics.wait by hand', 'wasm-aio'];

inChromium(() => {
  const { open, problems, address } = demoPages();

  const said = (page: Page, match: RegExp): Promise<unknown> =>
    page.waitForFunction((source) => new RegExp(source).test(document.getElementById('status')?.textContent ?? ''), match.source);
  const rows = (page: Page): Promise<string[][]> =>
    page.$$eval('#results tbody tr', (all) => all.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent ?? '')));

  /** Of a race that is stopped when all ways have a row. */
  const shortRace = async (page: Page): Promise<string[][]> => {
    await said(page, /^Ready/);
    await page.click('#run');
    await page.waitForSelector('#results tbody tr:nth-child(4)');
    await page.click('#stop');
    await said(page, /^Stopped/);
    return rows(page);
  };
  const hash = (page: Page): string => new URL(page.url()).hash;

  test('four ways run, each beside its code and its distribution; a link carries the settings and the result', async () => {
    const page = await open('race.html', {}, LATE);
    await page.waitForFunction(() => crossOriginIsolated);
    await said(page, /^Ready/);
    await page.selectOption('#seconds', '2');
    expect(hash(page)).toBe('#seconds=2');
    await page.click('#run');
    await said(page, /^Done/);
    const result = await rows(page);
    expect(result.map(([name]) => name)).toEqual(WAYS);
    for (const [name, calls, median, p99, atOnce, frame] of result) {
      expect([name, Number(calls?.replaceAll(',', ''))]).toEqual([name, expect.any(Number)]);
      // Turns are of 100 calls.
      expect(Number(calls?.replaceAll(',', '')) % 100).toBe(0);
      expect(median).toMatch(/^[\d.]+ (µs|ms)$/);
      expect(p99).toMatch(/^[\d.]+ (µs|ms)$/);
      expect(atOnce).toMatch(name === 'Atomics.wait by hand' ? /^one at a time$/ : /^[\d,]+$/);
      expect(frame).toMatch(/^\d+ ms$/);
    }
    // All calls are in the distribution: its bars are there, and the highest one fills the height.
    for (const heights of await page.$$eval('#lanes svg', (all) => all.map((svg) => [...svg.querySelectorAll('rect')].map((bar) => Number(bar.getAttribute('height')))))) {
      expect(Math.max(...heights)).toBe(96);
    }
    const code = await page.$$eval('#lanes pre', (all) => all.map((pre) => pre.textContent ?? ''));
    for (const [n, word] of ['worker.onmessage', 'wrap(', 'Atomics.waitAsync', 'serve('].entries()) expect(code[n]).toContain(word);
    expect(code.join()).not.toMatch(/SPDX|sourceMappingURL/);

    const link = await page.getAttribute('#link a', 'href');
    const other = await open(`race.html${link}`, { viewport: { width: 360, height: 700 } });
    // The service worker that isolates it has it loaded once more.
    await other.waitForFunction(() => crossOriginIsolated);
    await said(other, /^This is the result in the link/);
    expect(await rows(other)).toEqual(result);
    expect(await sideways(other)).toBe(0);
    expect(await other.inputValue('#seconds')).toBe('2');
    // Other settings belong to the same result, until the race is run anew.
    await other.selectOption('#seconds', '20');
    expect(hash(other)).toBe(link!.replace('#seconds=2&', '#seconds=20&'));
    await other.reload();
    await said(other, /^This is the result in the link/);
    expect(await other.inputValue('#seconds')).toBe('20');
    await other.click('#run');
    expect(hash(other)).toBe('#seconds=20');
    await other.click('#stop');
    await said(other, /^Stopped/);
    await other.goto(`${address()}race.html#seconds=3&postMessage=1,2&comlink=-1,2,3,4,5&other=1,2,3,4,5`);
    await said(other, /^Ready/);
    expect(await other.inputValue('#seconds')).toBe('20');
    expect(problems).toEqual([]);
    await page.close();
    await other.close();
  });

  test('without shared memory those that need it say so, and the others run', async () => {
    const page = await open('race.html', { serviceWorkers: 'block' });
    const result = await shortRace(page);
    expect(result[0]).toHaveLength(6);
    expect(result[1]).toHaveLength(6);
    expect(result[2]).toEqual(['Atomics.wait by hand', expect.stringContaining('not cross-origin isolated')]);
    expect(result[3]).toEqual(['wasm-aio', expect.stringContaining('not cross-origin isolated')]);
    problems.length = 0;
    await page.close();
  });

  test('without Atomics.waitAsync the one that needs it says so, and the others run', async () => {
    const page = await open(`${WITHOUT_WAIT_ASYNC}race.html`);
    await page.waitForFunction(() => crossOriginIsolated);
    const result = await shortRace(page);
    expect(result.map((row) => row.length)).toEqual([6, 6, 2, 6]);
    expect(result[2]).toEqual(['Atomics.wait by hand', expect.stringContaining('this browser has no Atomics.waitAsync')]);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('all pages have the same navigation, which leads to each of them', async () => {
    const page = await open('explorer.html', { viewport: { width: 360, height: 700 } });
    await page.waitForSelector('#loops tbody tr');
    await page.click('nav a:has-text("Break it")');
    const links = (): Promise<[string, string][]> => page.$$eval('nav > *', (all) => all.map((link) => [link.textContent ?? '', (link as HTMLAnchorElement).href ?? '']));
    const pages = await links();
    expect(pages.map(([title]) => title)).toEqual(['Break it', 'Loop explorer', 'The race', 'Disk', 'Run a program', 'Test this browser', 'Documentation']);
    for (const [title, address] of pages.slice(1, -1)) {
      await page.click(`nav a:has-text("${title}")`);
      await page.waitForURL((url) => url.href.startsWith(address));
      expect((await links()).map(([name]) => name)).toEqual(pages.map(([name]) => name));
      expect(await page.textContent('nav [aria-current=page]')).toBe(title);
      expect(await sideways(page)).toBe(0);
    }
    problems.length = 0;
    await page.close();
  });
});
