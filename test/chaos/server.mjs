// Serves what the page of random programs needs, isolated as shared memory demands.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = new URL('../../', import.meta.url);
const types = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp', 'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'max-age=600',
};

/** A browser knows no packages by name; the workers' files have comlink in them. */
const page = '<!doctype html><title>chaos</title><script type="importmap">{"imports":{"comlink":"/comlink/comlink.mjs"}}</script>';

/** The file of an address; undefined: there is none. */
function fileOf(path) {
  if (path.startsWith('/comlink/')) return new URL(`../esm/${path.slice(9)}`, import.meta.resolve('comlink'));
  return /^\/(dist|test\/chaos|build\/chaos)\/(?!.*\.\.)/.test(path) ? new URL(path.slice(1), top) : undefined;
}

async function answer({ url }, response) {
  const { pathname } = new URL(url, 'http://localhost');
  const file = pathname === '/' ? undefined : fileOf(pathname);
  let body = pathname === '/' ? Buffer.from(page) : undefined;
  if (file) body = await readFile(fileURLToPath(file)).catch(() => undefined);
  if (!body) return void response.writeHead(404, headers).end();
  const type = types[pathname === '/' ? '.html' : extname(pathname)] ?? 'application/octet-stream';
  response.writeHead(200, { ...headers, 'Content-Type': type }).end(body);
}

/** Resolves with { address, close }. */
export async function serve() {
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${server.address().port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
