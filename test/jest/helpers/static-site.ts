// SPDX-License-Identifier: MIT
/** The demo pages as any static server would serve them: under a path of their own, with a strict policy and no header that isolates them. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { pathOf } from './paths.js';

const types: Record<string, string> = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };
/** Nothing but scripts of the same origin, and WebAssembly. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; img-src data:";
const PATH = '/a/sub-path/';
/** The same pages beside that, as a browser has them that lacks Atomics.waitAsync in pages and in workers. */
export const WITHOUT_WAIT_ASYNC = '../without-wait-async/';
const OTHER_PATH = new URL(WITHOUT_WAIT_ASYNC, `http://localhost${PATH}`).pathname;

export async function staticSite(): Promise<{ address: string; close(): void }> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const base = [PATH, OTHER_PATH].find((path) => pathname.startsWith(path));
    const path = base ? pathOf(`build/static/${pathname.slice(base.length) || 'index.html'}`) : '';
    if (!existsSync(path) || !statSync(path).isFile()) return void response.writeHead(404).end();
    const before = base === OTHER_PATH && extname(path) === '.js' ? 'delete Atomics.waitAsync; ' : '';
    response.writeHead(200, { 'Content-Security-Policy': POLICY, 'Content-Type': types[extname(path)] ?? 'application/octet-stream' }).end(Buffer.concat([Buffer.from(before), readFileSync(path)]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
