// SPDX-License-Identifier: MIT
/**
 * A server on the loopback interface whose page runs cases in whatever browser opens it: the page
 * fetches /next, runs that case, posts what came of it to /result, and loads itself anew.
 * Nothing drives the browser, so every browser that can open a URL will do.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../../', import.meta.url));
/** What is served, by the path that it has in the repository. */
const SERVED = ['/dist/', '/build/', '/test/conformance/', '/node_modules/comlink/dist/'];
const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.map': 'application/json', '.wasm': 'application/wasm',
};

/** A browser knows no packages by name, and import maps do not reach workers. */
const PACKAGES = {
  comlink: '/node_modules/comlink/dist/esm/comlink.mjs',
  'wasm-aio': '/dist/browser.js',
  'wasm-aio/wasi': '/dist/wasi-browser.js',
  'wasm-aio/iothread': '/dist/iothread-browser.js',
  'wasm-aio/pool': '/dist/pool-browser.js',
  'wasm-aio/ring': '/dist/ring.js',
  'wasm-aio/streams': '/dist/streams.js',
  'wasm-aio/worker': '/dist/iothread/worker-browser.js',
};
const forBrowser = (source) => source.replace(/(from |import |import\()(['"])([\w/-]+)\2/g, (all, before, quote, name) =>
  name in PACKAGES ? `${before}${quote}${PACKAGES[name]}${quote}` : all);

const PAGE = `<!doctype html><title>conformance</title><script type="module" src="/test/conformance/page.mjs"></script>`;

async function body(request) {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) text += piece;
  return text;
}

/**
 * next(): the case for the page that asks, or null; result(outcome): what came of it; report(results): of the page of
 * ts/conformance.
 * Resolves with {url, close}.
 */
export async function servePages({ next, result, report = () => {} }) {
  async function answer(request, response) {
    const { pathname } = new URL(request.url, 'http://localhost');
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    response.setHeader('Cache-Control', 'no-store');
    if (pathname === '/') return response.setHeader('Content-Type', TYPES['.html']).end(PAGE);
    if (pathname === '/next') return response.setHeader('Content-Type', 'application/json').end(JSON.stringify(next()));
    if (pathname === '/result' || pathname === '/report') {
      (pathname === '/result' ? result : report)(JSON.parse(await body(request)));
      return response.end();
    }
    const path = normalize(decodeURIComponent(pathname));
    const content = SERVED.some((prefix) => path.startsWith(prefix)) ? await readFile(join(top, path)).catch(() => undefined) : undefined;
    if (content === undefined) return response.writeHead(404).end();
    const type = TYPES[extname(path)];
    if (type) response.setHeader('Content-Type', type);
    return response.end(type === TYPES['.js'] ? forBrowser(content.toString()) : content);
  }
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
