// SPDX-License-Identifier: MIT
/** Tests in Debian's Chromium, and the demo pages there, or in Firefox if `make test-firefox` asks for it. */
import { afterAll, beforeAll, describe } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import { staticSite } from './static-site.js';

export const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));

/** A version of Playwright that drives Debian's Firefox, which `make test-firefox` has installed. */
const forFirefox = process.env['PLAYWRIGHT_FOR_FIREFOX'];
export const inFirefox = forFirefox !== undefined;

async function launch(): Promise<Browser> {
  if (forFirefox === undefined) return chromium.launch({ ...(executablePath && { executablePath }), args: ['--no-sandbox', '--disable-gpu'] });
  const { default: { firefox } } = (await import(forFirefox)) as { default: { firefox: typeof chromium } };
  return firefox.launch({ channel: 'moz-firefox', executablePath: ['/usr/bin/firefox-esr', '/usr/bin/firefox'].find((path) => existsSync(path)) ?? 'firefox' });
}

/** Skipped where there is no Chromium: the reporter prints the name of what is skipped, and so the reason. */
export function inChromium(tests: () => void): void {
  if (inFirefox) describe('in Firefox', tests);
  else if (executablePath) describe('in Chromium', tests);
  else describe.skip('in Chromium (skipped: it is not installed: apt-get install chromium)', tests);
}

/** The demo pages on a static server, from the first of these tests to the last. serve: starts another one than staticSite(). */
export function demoPages(serve: typeof staticSite = staticSite): {
  /** What the pages have complained about in the console. */
  readonly problems: string[];
  address(): string;
  /** Opens a page. script: runs in it before everything else. */
  open(path: string, options?: Parameters<Browser['newPage']>[0], script?: string): Promise<Page>;
} {
  let site: Awaited<ReturnType<typeof staticSite>>;
  let browser: Browser;
  const problems: string[] = [];
  beforeAll(async () => {
    site = await serve();
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });
  return {
    problems,
    address: () => site.address,
    async open(path, options, script) {
      const page = await browser.newPage(options);
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('console', (message) => void (message.type() === 'error' && problems.push(message.text())));
      if (script) await page.addInitScript(script);
      await page.goto(site.address + path);
      return page;
    },
  };
}

/** What the page offers as a file when that button is clicked. Playwright does not tell of downloads of Debian's Firefox. */
export async function downloaded(page: Page, button: string): Promise<string> {
  if (!inFirefox) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.click(button)]);
    return readFileSync(await download.path(), 'utf8');
  }
  return page.evaluate(async (selector) => {
    const { createObjectURL } = URL;
    let file: Blob | undefined;
    URL.createObjectURL = (blob: Blob) => createObjectURL.call(URL, (file = blob));
    (document.querySelector(selector) as HTMLElement).click();
    URL.createObjectURL = createObjectURL;
    return file!.text();
  }, button);
}

/** How much of the page's width is beyond the window, in CSS pixels. */
export const sideways = (page: Page): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
