// SPDX-License-Identifier: MIT
import type { Page } from 'playwright-core';

const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
/** Node resolves to comlink's CommonJS build; a page gets the other one. */
const body = '<!doctype html><title>library</title><script type="importmap">{ "imports": { "comlink": "/comlink/comlink.mjs" } }</script>';

/** Opens an isolated page without content of `wasm-aio serve`, whose scripts can import the library from /dist/. */
export async function openLibraryPage(page: Page, address: string): Promise<void> {
  await page.route(`${address}library`, (route) => route.fulfill({ contentType: 'text/html', headers, body }));
  await page.goto(`${address}library`);
}
