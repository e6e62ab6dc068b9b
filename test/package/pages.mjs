// Pages in Chromium, and a server of static files for them.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';

const PATIENCE_MS = 60_000;
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));
const types = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };

export const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** {address, close} of a server on this machine; alter may change the {status, headers, body} of an answer. */
export async function serveStatic(root, headers = ISOLATED, alter = () => undefined) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const file = normalize(join(root, pathname === '/' ? 'index.html' : decodeURIComponent(pathname)));
    const all = { 'Content-Type': types[extname(file)] ?? 'application/octet-stream', ...headers };
    const answer = alter(pathname) ?? {};
    if (answer.body !== undefined) return void response.writeHead(answer.status ?? 200, { ...all, ...answer.headers }).end(answer.body);
    Object.assign(all, answer.headers);
    if (!file.startsWith(normalize(root + sep))) return void response.writeHead(404).end();
    readFile(file).then(
      (body) => response.writeHead(200, all).end(body),
      () => response.writeHead(404, all).end('not found\n'),
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${server.address().port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

export class Browser {
  static get isThere() {
    return executablePath !== undefined;
  }

  async #open() {
    const { chromium } = await import('playwright-core');
    return chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync'],
    });
  }

  #browser;

  /** Calls body with a page whose faults have become its problems. */
  async page(body) {
    this.#browser ??= this.#open();
    const page = await (await this.#browser).newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const problems = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('response', (response) => {
      if (response.status() >= 400 && !response.url().endsWith('/favicon.ico')) problems.push(`${response.status()} ${response.url()}`);
    });
    try {
      return await body(page, problems);
    } finally {
      await page.close();
    }
  }

  /** The text of the page at an address, once there is some. */
  text(address) {
    return this.page(async (page, problems) => {
      await page.goto(address);
      const text = () => page.waitForFunction(() => document.body?.textContent.trim());
      const shown = await text().then((handle) => handle.jsonValue(), (error) => error.message);
      if (problems.length > 0) throw new Error(`${address}: ${problems.join('; ')}`);
      return shown;
    });
  }

  async close() {
    await (await this.#browser)?.close();
  }
}
