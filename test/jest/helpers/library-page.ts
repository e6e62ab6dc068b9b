// SPDX-License-Identifier: MIT
/** Pages of `wasm-aio serve` that use the library. */
import { afterAll, beforeAll } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { chromium, type Browser, type Page } from 'playwright-core';
import { executablePath } from './chromium.js';
import { cli } from './paths.js';

const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
/** Node resolves to comlink's CommonJS build; a page gets the other one. */
const body = '<!doctype html><title>library</title><script type="importmap">{ "imports": { "comlink": "/comlink/comlink.mjs" } }</script>';

/** Opens an isolated page without content of `wasm-aio serve`, whose scripts can import the library from /dist/. */
export async function openLibraryPage(page: Page, address: string): Promise<void> {
  await page.route(`${address}library`, (route) => route.fulfill({ contentType: 'text/html', headers, body }));
  await page.goto(`${address}library`);
}

/** `wasm-aio serve`, Chromium and such a page, from the first of these tests to the last. */
export function libraryPage(): { readonly browser: Browser; readonly page: Page; readonly address: string; readonly problems: string[] } {
  let server: ChildProcess;
  let browser: Browser;
  let page: Page;
  let address: string;
  const problems: string[] = [];
  beforeAll(async () => {
    const { stdout } = (server = spawn(process.execPath, [cli, 'serve', '--port=0'], { stdio: ['ignore', 'pipe', 'inherit'] }));
    address = await new Promise<string>((resolve) => {
      stdout?.setEncoding('utf8').on('data', (text: string) => {
        const [found] = /http:\S+/.exec(text) ?? [];
        if (found) resolve(found);
      });
    });
    browser = await chromium.launch({
      ...(executablePath && { executablePath }),
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync'],
    });
    page = await browser.newPage();
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('response', (response) => {
      if (response.status() >= 400) problems.push(`${response.status()} ${response.url()}`);
    });
    await openLibraryPage(page, address);
  });
  afterAll(async () => {
    await browser?.close();
    server?.kill();
  });
  return {
    problems,
    get browser() {
      return browser;
    },
    get page() {
      return page;
    },
    get address() {
      return address;
    },
  };
}
