// SPDX-License-Identifier: MIT
/** Examines the responses of a server, in a page or from the command line. */
import { messageOf } from '../errors.js';
import { ISOLATION_HEADERS, POLICY_HEADERS } from '../hosts/isolation.js';
import { embedderFault, scriptFault, valueOf } from '../hosts/script-fault.js';
import { importedMemory } from '../runtime/given-module.js';
import { compile } from '../runtime/module.js';
import { fault, note, ok, type Finding } from './finding.js';

const [OPENER, EMBEDDER] = Object.keys(ISOLATION_HEADERS) as ['Cross-Origin-Opener-Policy', 'Cross-Origin-Embedder-Policy'];
const [POLICY] = Object.keys(POLICY_HEADERS) as ['Document-Isolation-Policy'];

export const HOW_TO_SEND_HEADERS = `Send both headers with every response, workers' scripts included:
  Vite     plugins: [wasmAio()], from 'wasm-aio/vite'
  webpack  devServer: { headers: { '${OPENER}': 'same-origin', '${EMBEDDER}': 'require-corp' } }
  nginx    add_header ${OPENER} same-origin always;
           add_header ${EMBEDDER} require-corp always;
  Apache   Header always set ${OPENER} same-origin
           Header always set ${EMBEDDER} require-corp
  Netlify, Cloudflare Pages: both lines below /* in a file _headers; Vercel: vercel.json
  GitHub Pages and others that cannot: the service worker dist/isolate.js (docs/isolation.md of wasm-aio)
For Chromium 137 and later alone, one header is enough: ${POLICY}: ${POLICY_HEADERS[POLICY]}`;

const embedders = ['require-corp', 'credentialless'];

/** The headers that are missing or have other values, as text. */
function wrongHeaders(headers: Headers): string[] {
  const wrong = (name: string, wanted: readonly string[]): string[] => {
    const value = valueOf(headers, name);
    if (wanted.includes(value)) return [];
    return [value === '' ? `${name} is missing` : `${name} is "${value}", not "${wanted[0]}"`];
  };
  return [...wrong(OPENER, [ISOLATION_HEADERS[OPENER]]), ...wrong(EMBEDDER, embedders)];
}

const isLocal = ({ hostname }: URL): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|.*\.localhost)$/.test(hostname);

/** The address of isolate.js in the text of a page; undefined if the page does not load it. */
export function isolateScript(html: string, url: URL): URL | undefined {
  const [, address] = /<script\b[^>]*\bsrc=["']?([^"'\s>]*isolate\.js)["'\s>]/i.exec(html) ?? [];
  return address !== undefined && URL.canParse(address, url.href) ? new URL(address, url) : undefined;
}

/** Examines a page without headers that loads isolate.js, by the response with this script. */
export function examineIsolateScript(response: Response, url: URL): Finding {
  const wrong = scriptFault(response);
  if (wrong !== undefined) return fault('isolation', `the page has no headers, and its ${url.href} ${wrong}`, 'Copy node_modules/wasm-aio/dist/isolate.js there (docs/isolation.md).');
  return note('isolation', 'the page has no headers, but isolate.js, whose service worker adds them from the second time on that the page is loaded',
    'It reloads the page once by itself. Where you can, send the headers instead.');
}

/** Examines whether the page with this response would be cross-origin isolated. */
export function examinePage(response: Response, url: URL): Finding {
  const policy = /^isolate-and-(require-corp|credentialless)$/.test(valueOf(response.headers, POLICY));
  const missing = wrongHeaders(response.headers);
  const wrong = policy ? [] : missing;
  if (!response.ok) return fault('isolation', `${url.href} answers with HTTP status ${response.status}`, 'Check the address.');
  if (wrong.length > 0) return fault('isolation', `the page is not cross-origin isolated: ${wrong.join(', ')}`, HOW_TO_SEND_HEADERS);
  if (url.protocol !== 'https:' && !isLocal(url)) {
    return fault('isolation', 'the page does not come over https, so its headers count for nothing', 'Serve it over https; http will do on localhost alone.');
  }
  if (missing.length > 0) return note('isolation', `the page has ${POLICY}, which Chromium knows from 137 on, and other browsers do not`, 'For the other browsers, send both headers, or load isolate.js (docs/isolation.md).');
  return ok('isolation', 'the page has both headers');
}

/** Of an error's message: whether a policy of the page is the reason. */
export const forbidden = (why: string): Finding | undefined => /Content[ -]Security|CSP/i.test(why)
  ? fault('module', `the page's Content-Security-Policy forbids WebAssembly: ${why}`, "Add 'wasm-unsafe-eval' to its script-src.")
  : undefined;

/** Examines a response that should be aio.wasm, or a program that aiocc has built. */
export async function examineModule(response: Response, url: URL): Promise<Finding> {
  if (!response.ok) {
    return fault('module', `${url.href} answers with HTTP status ${response.status}`,
      "The file was not copied to the site, or lies elsewhere: give its address as Runtime.create's option `module` (docs/bundlers.md).");
  }
  const type = valueOf(response.headers, 'Content-Type');
  const binary = new Uint8Array(await response.arrayBuffer());
  try {
    await compile(binary, url.href);
    importedMemory(binary);
  } catch (error) {
    const why = messageOf(error);
    const finding = forbidden(why);
    if (finding) return finding;
    const html = binary[0] === 0x3c;
    return fault('module', why, html
      ? "The server answers with a page where it has no such file (as for an application's own routes): copy aio.wasm to that\naddress, or give another as Runtime.create's option `module` (docs/bundlers.md)."
      : 'Take the aio.wasm of the package, or build the program with its aiocc.');
  }
  if (type === 'application/wasm') return ok('module', `${url.href} compiles`);
  return note('module', `${url.href} compiles, but comes as "${type || 'no type'}", not "application/wasm"`,
    'This package does not mind; other tools do.\n  nginx    types { application/wasm wasm; }\n  Apache   AddType application/wasm .wasm');
}

const BUNDLE_IT = "bundle wasm-aio/worker and give it by\nRuntime.create's option `worker` (docs/bundlers.md).";

/** Examines a response that should be the script of a worker. */
export function examineWorkerScript(response: Response, url: URL): Finding | undefined {
  const what = `the worker's script ${url.href}`;
  const wrong = scriptFault(response);
  if (wrong !== undefined) {
    const isPage = valueOf(response.headers, 'Content-Type') === 'text/html';
    const typed = isPage ? `The server answers with a page where it has no such file: ${BUNDLE_IT}` : "Set the server's type for .js and .mjs.";
    return fault('workers', `${what} ${wrong}`, response.ok ? typed : `There is no such file: ${BUNDLE_IT}`);
  }
  const refused = embedderFault(response);
  return refused === undefined ? undefined : fault('workers', `${what} ${refused}`, HOW_TO_SEND_HEADERS);
}
