// SPDX-License-Identifier: MIT
/** The demo pages for those who use a keyboard or a screen reader, each with everything that it can show. */
import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { barriers } from './helpers/accessible.js';
import { demoPages, inChromium } from './helpers/chromium.js';

const click = (button: string, shown: string) => async (page: Page): Promise<void> => {
  await page.click(button);
  await page.waitForSelector(shown);
};
/** Of each page: its address, what can be seen when it is ready, and what makes it show more. */
const PAGES: readonly { name: string; path: string; ready: string; more?: (page: Page) => Promise<void> }[] = [
  { name: 'Break it', path: '#code=notify-if-not-notified', ready: '#source mark', more: click('#hand', '#threads button:enabled') },
  { name: 'Loop explorer', path: 'explorer.html#threads=1', ready: '#loops tbody tr' },
  { name: 'The race', path: 'race.html#postMessage=1,2,3,4,5&comlink=1,2,3,4,5&wasm-aio=1,2,3,4,5', ready: '#results tbody tr' },
  { name: 'Disk', path: 'disk.html#where=memory&seconds=0.5&size=4', ready: '#run:enabled', more: click('#run', '#jobs tbody tr') },
  { name: 'Run a program', path: 'run.html#program=clock&polls=1', ready: '#run:enabled', more: click('#run', '#line:enabled') },
  { name: 'Test this browser', path: 'conformance/conformance.html?area=atomics', ready: '#json:not([hidden])' },
];

inChromium(() => {
  const { open } = demoPages();

  test.each(PAGES)('$name', async ({ path, ready, more }) => {
    const page = await open(path);
    // The service worker that isolates a page has it loaded once more.
    if (path.includes('.html')) await page.waitForFunction(() => crossOriginIsolated);
    await page.waitForSelector(ready);
    await more?.(page);
    expect(await barriers(page)).toEqual([]);
    await page.close();
  });
});
