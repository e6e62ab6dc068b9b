// SPDX-License-Identifier: MIT
/**
 * A server on the loopback interface whose page runs cases in whatever browser opens it: the page
 * fetches /next, runs that case, posts what came of it to /result, and loads itself anew.
 * Every browser that can open a URL will do; what drives some of them is in drive.mjs.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { echo } from './echo.mjs';

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
  'wasm-aio/socket': '/dist/socket-browser.js',
  'wasm-aio/streams': '/dist/streams.js',
  'wasm-aio/worker': '/dist/iothread/worker-browser.js',
};
const forBrowser = (source) => source.replace(/(from |import |import\()(['"])([\w/-]+)\2/g, (all, before, quote, name) =>
  name in PACKAGES ? `${before}${quote}${PACKAGES[name]}${quote}` : all);

const pageOf = (script) => `<!doctype html><title>conformance</title><script type="module" src="${script}"></script>`;
/** Where a page goes to come back by its history. */
const AWAY = '<!doctype html><title>away</title><script>addEventListener("pageshow", () => setTimeout(() => history.back(), 300))</script>';

async function body(request) {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) text += piece;
  return text;
}

/**
 * next(): the case for the page that asks, or null; result(outcome): what came of it; drive(order): see drive.mjs; report(results): of
 * the page of ts/conformance. A case may load /frame?script=PATH in a frame, with &policy=POLICY as its Content-Security-Policy, and
 * its page may go /away. A WebSocket to any path sends back what it is sent.
 * Resolves with {url, close}.
 */
export async function servePages({ next, result, drive = () => false, report = () => {} }) {
  async function answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    // Browsers keep no page that comes with no-store when it is left.
    response.setHeader('Cache-Control', ['/', '/away'].includes(pathname) ? 'no-cache' : 'no-store');
    const html = (text) => response.setHeader('Content-Type', TYPES['.html']).end(text);
    if (pathname === '/') return html(pageOf('/test/conformance/page.mjs'));
    if (pathname === '/away') return html(AWAY);
    if (pathname === '/frame') {
      if (searchParams.has('policy')) response.setHeader('Content-Security-Policy', searchParams.get('policy'));
      return html(pageOf(searchParams.get('script')));
    }
    if (pathname === '/drive') return response.setHeader('Content-Type', 'application/json').end(JSON.stringify(await drive(JSON.parse(await body(request)))));
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
  }).on('upgrade', ({ headers }, socket, first) => echo(socket, headers['sec-websocket-key'], first));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
