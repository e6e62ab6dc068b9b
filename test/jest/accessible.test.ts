// SPDX-License-Identifier: MIT
/** The demo pages for those who use a keyboard or a screen reader, each with everything that it can show. */
import { beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { barriers } from './helpers/accessible.js';
import { demoPages, inChromium } from './helpers/chromium.js';

const click = (button: string, shown: string) => async (page: Page): Promise<void> => {
  await page.click(button);
  await page.waitForSelector(shown);
};
/** Of each page: its address, what can be seen when it is ready, and what makes it show more. */
const PAGES: readonly { name: string; path: string; ready: string; more?: (page: Page) => Promise<void> }[] = [
  { name: 'Break it', path: 'index.html#code=notify-if-not-notified', ready: '#source mark', more: click('#hand', '#threads button:enabled') },
  { name: 'Loop explorer', path: 'explorer.html#threads=1', ready: '#loops tbody tr' },
  { name: 'The race', path: 'race.html#postMessage=1,2,3,4,5&comlink=1,2,3,4,5&wasm-aio=1,2,3,4,5', ready: '#results tbody tr' },
  { name: 'Disk', path: 'disk.html#where=memory&seconds=0.5&size=4', ready: '#run:enabled', more: click('#run', '#jobs tbody tr') },
  { name: 'Run a program', path: 'run.html#program=clock&polls=1', ready: '#run:enabled', more: click('#run', '#line:enabled') },
  { name: 'Test this browser', path: 'conformance/conformance.html?area=atomics', ready: '#json:not([hidden])' },
];

inChromium(() => {
  const { address, open } = demoPages();
  let page: Page;

  // All in one tab: the service worker that isolates pages has the first one that needs it loaded twice, and no other.
  beforeAll(async () => {
    page = await open('');
  });

  test.each(PAGES)('$name', async ({ path, ready, more }) => {
    await page.goto(address() + path);
    if (!path.startsWith('index.html')) await page.waitForFunction(() => crossOriginIsolated);
    await page.waitForSelector(ready);
    await more?.(page);
    expect(await barriers(page)).toEqual([]);
  });
});
