// SPDX-License-Identifier: MIT
/** Tests in Debian's Chromium, and the demo pages there. */
import { afterAll, beforeAll, describe } from '@jest/globals';
import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import { staticSite } from './static-site.js';

export const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));

/** Skipped where there is no Chromium: the reporter prints the name of what is skipped, and so the reason. */
export function inChromium(tests: () => void): void {
  if (executablePath) describe('in Chromium', tests);
  else describe.skip('in Chromium (skipped: it is not installed: apt-get install chromium)', tests);
}

/** The demo pages on a static server, from the first of these tests to the last. */
export function demoPages(): {
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
    site = await staticSite();
    browser = await chromium.launch({ ...(executablePath && { executablePath }), args: ['--no-sandbox', '--disable-gpu'] });
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
