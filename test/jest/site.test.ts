// SPDX-License-Identifier: MIT
/** The static site as `python3 -m http.server` serves it, on a sub-path: it sends no header that isolates pages. */
import { afterAll, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { scratch } from './helpers/child.js';
import { demoPages, inChromium } from './helpers/chromium.js';
import { pathOf } from './helpers/paths.js';

inChromium(() => {
  const dir = scratch();
  let server: ChildProcess | undefined;
  let address = '';
  const { open, problems } = demoPages(async () => {
    mkdirSync(join(dir.path, 'some'));
    symlinkSync(pathOf('build/static'), join(dir.path, 'some/path'));
    server = spawn('python3', ['-u', '-m', 'http.server', '0', '--bind', '127.0.0.1', '--directory', dir.path], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [said] = await once(server.stdout!, 'data') as [Buffer];
    address = `${/http:\S+\d\//.exec(String(said))![0]}some/path/`;
    return { address, close: () => void server?.kill() };
  });
  afterAll(async () => {
    if (server && server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    dir.remove();
  });

  test('each page works, those that need shared memory by the service worker', async () => {
    const page = await open('');
    // The first page needs nothing.
    await page.waitForSelector('#source mark');
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
    const pages = await page.$$eval('nav a', (all) => all.map((link) => (link as HTMLAnchorElement).href));
    expect(pages).toContain(`${address}conformance/conformance.html`);
    const ready: Record<string, string> = { explorer: '#loops tbody tr', race: '#run:enabled', disk: '#run:enabled', run: '#run:enabled', conformance: '#areas tr' };
    for (const [name, selector] of Object.entries(ready)) {
      await page.goto(pages.find((link) => link.endsWith(`/${name}.html`))!);
      await page.waitForSelector(selector);
      expect(await page.evaluate(() => [crossOriginIsolated, navigator.serviceWorker.controller?.scriptURL])).toEqual([true, `${address}isolate.js`]);
    }
    await page.goto(`${address}run.html#program=primes&args=1000+3`);
    await page.waitForSelector('#run:enabled');
    await page.click('#run');
    await page.waitForFunction(() => document.getElementById('status')?.textContent === 'primes has ended with exit code 0.');
    expect(await page.textContent('#screen')).toMatch(/168 primes below 1000\n$/);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('the first page prepares the others: they are loaded once', async () => {
    const page = await open('');
    await page.waitForSelector('#source mark');
    await page.evaluate(async () => void (await navigator.serviceWorker.ready));
    let loads = 0;
    page.on('domcontentloaded', () => loads++);
    await page.goto(`${address}explorer.html`);
    await page.waitForSelector('#loops tbody tr');
    expect([loads, await page.evaluate(() => crossOriginIsolated)]).toEqual([1, true]);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('whatever a page names is there, below the address of the site', async () => {
    // The documentation is there after make site.
    const hasDocs = existsSync(pathOf('build/static/docs'));
    const found = new Set([address]);
    const missing: string[] = [];
    for (const url of found) {
      const response = await fetch(url);
      const text = await response.text();
      if (!response.ok || !url.startsWith(address)) missing.push(url);
      if (!/^text\/html/.test(response.headers.get('content-type') ?? '')) continue;
      for (const [, named = ''] of text.matchAll(/<(?:a|link|script|img)\s[^>]*?(?:href|src)="([^"]*)"/g)) {
        const { protocol, origin, pathname } = new URL(named.replaceAll('&amp;', '&'), url);
        const next = origin + pathname;
        if (protocol === 'http:' && (hasDocs || next !== `${address}docs/`)) found.add(next);
      }
    }
    expect(missing).toEqual([]);
    expect(found.size).toBeGreaterThan(20);
  });
});
