// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AioError, hostErrno } from '../errors.js';
import { ISOLATION_HEADERS } from '../hosts/isolation.js';
import { helpOf, parseNumber, parseOptions, type Command } from './options.js';
import { print } from './output.js';

/**
 * The directories that are served, by their paths: dist/, the package that it imports, the site that `make docs` has built, and for
 * all else the demo pages, which are not in the npm package.
 */
const roots = {
  '/dist/': fileURLToPath(new URL('../', import.meta.url)),
  // Node resolves to comlink's CommonJS build; the ES modules are in a directory beside it.
  '/comlink/': fileURLToPath(new URL('../esm/', import.meta.resolve('comlink'))),
  '/docs/': fileURLToPath(new URL('../../build/site/html/', import.meta.url)),
  '/': fileURLToPath(new URL('../../build/static/', import.meta.url)),
};

/** The page of the conformance suite. */
const suitePage = fileURLToPath(new URL('../conformance/conformance.html', import.meta.url)).replace(roots['/dist/'], '/dist/');

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.c': 'text/plain; charset=utf-8',
  '.h': 'text/plain; charset=utf-8',
};

/** The file that a URL's path stands for; undefined if there is none. */
function fileOf(path: string): string | undefined {
  for (const [prefix, root] of Object.entries(roots)) {
    if (!path.startsWith(prefix)) continue;
    const file = normalize(root + (decodeURIComponent(path.slice(prefix.length)) || 'index.html').replace(/\/$/, '/index.html'));
    if (file.startsWith(root.endsWith(sep) ? root : root + sep) && extname(file) in types) return file;
  }
  return undefined;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  for (const [name, value] of Object.entries(ISOLATION_HEADERS)) response.setHeader(name, value);
  response.setHeader('Cache-Control', 'no-cache');
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const moved = { '/': existsSync(`${roots['/']}index.html`) ? undefined : suitePage, '/conformance': suitePage, '/docs': '/docs/' }[pathname];
  if (moved !== undefined) {
    response.writeHead(302, { Location: moved }).end();
    return;
  }
  const file = fileOf(pathname);
  const body = file === undefined ? undefined : await readFile(file).catch(() => undefined);
  if (file === undefined || body === undefined) {
    response.writeHead(404, { 'Content-Type': 'text/plain' }).end(pathname === '/docs/' ? 'the documentation has not been built: run `make docs`\n' : 'not found\n');
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { Allow: 'GET, HEAD' }).end();
    return;
  }
  response.setHeader('Content-Type', types[extname(file)] ?? '');
  response.end(body);
}

const command: Command<'port'> = {
  name: 'serve',
  usage: '[--port=N]',
  about: 'Serves the demo pages (in a clone of the project) and, at /conformance, the page of the conformance suite, to the browsers of this machine alone.',
  options: { port: { value: 'N', help: 'the TCP port; 0: any that is free (8080)' } },
  operands: 0,
};

/** The command `wasm-aio serve`, which serves the demo pages on the loopback interface only. */
export async function serve(argv: string[]): Promise<number> {
  const given = parseOptions(command, argv);
  if (!given) {
    await print(helpOf(command));
    return 0;
  }
  const port = parseNumber('port', given.last.port ?? '8080', 0, 65535);
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const why = hostErrno(error) === 'EADDRINUSE' ? 'is in use: choose another one with --port' : String(error);
      reject(new AioError('ERR_AIO_IO', `port ${port} ${why}`));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  try {
    await print(`http://127.0.0.1:${(server.address() as AddressInfo).port}/ (Ctrl-C ends it)\n`);
    await new Promise<void>((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
  } finally {
    server.close();
    server.closeAllConnections();
  }
  return 0;
}
