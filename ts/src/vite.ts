// SPDX-License-Identifier: MIT
/** The plugin that configures Vite for this package: `plugins: [wasmAio()]`. */
import { readFileSync } from 'node:fs';
import { isOneOf, optionsOf } from './check.js';
import { ISOLATION_HEADERS, POLICY_HEADERS } from './hosts/isolation.js';

/** Options of the plugin. */
export interface WasmAioOptions {
  /**
   * What makes the pages cross-origin isolated. `headers`: the two headers, which the server of the built site has to send,
   * too. `document-policy`: the header Document-Isolation-Policy alone, for Chromium 137 and later. `service-worker`: the
   * built site gets a service worker that adds the headers, for a host that cannot send them, as the preview; the dev server sends them.
   * Default `headers`.
   */
  isolation?: 'headers' | 'document-policy' | 'service-worker';
}

/** The plugin, as far as its members are those of Vite's type Plugin. */
export interface WasmAioPlugin {
  /** The plugin's name, `wasm-aio`. */
  name: string;
  /**
   * Returns the configuration that Vite merges with the project's: no pre-bundling of the package, and workers that are ES modules.
   */
  config(): {
    /** Options of pre-bundling: the packages that it leaves out. */
    optimizeDeps: { exclude: string[] };
    /** Options of bundled workers: their format. */
    worker: { format: 'es' };
  };
}

/** One of Vite's two servers, as far as it is used here. */
interface Server {
  middlewares: { use(handle: (request: unknown, response: { setHeader(name: string, value: string): void }, next: () => void) => void): void };
}

const checks = { isolation: isOneOf(['headers', 'document-policy', 'service-worker']) };

/**
 * Creates the Vite plugin. It makes Vite's two servers send what isolates pages, excludes the package from pre-bundling,
 * and has workers built as ES modules.
 * @throws AioError ERR_AIO_INVALID_ARG
 */
export default function wasmAio(options: WasmAioOptions = {}): WasmAioPlugin {
  const { isolation = 'headers' } = optionsOf(options, checks);
  const headers = isolation === 'document-policy' ? POLICY_HEADERS : ISOLATION_HEADERS;
  const byServiceWorker = isolation === 'service-worker';
  // By a middleware before all others: the pages that a framework renders do not get what server.headers has.
  const sendHeaders = {
    order: 'pre',
    handler({ middlewares }: Server): void {
      middlewares.use((_request, response, next) => {
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
        next();
      });
    },
  } as const;
  let [base, isBuilt] = ['/', false];
  const loadServiceWorker = (): object[] => (isBuilt ? [{ tag: 'script', attrs: { src: `${base}isolate.js` }, injectTo: 'head-prepend' }] : []);
  const plugin = {
    name: 'wasm-aio',
    config: (): ReturnType<WasmAioPlugin['config']> => ({
      // If Vite pre-bundled the package, that would look for its worker and its module in Vite's cache.
      optimizeDeps: { exclude: ['wasm-aio'] },
      // The package's worker is an ES module with imports.
      worker: { format: 'es' },
    }),
    configureServer: sendHeaders,
    // The server of the built page has to send the same headers, or has none to send with a service worker; the preview is such a server.
    configurePreviewServer: byServiceWorker ? undefined : sendHeaders,
    configResolved(resolved: { base: string; command: 'build' | 'serve' }): void {
      base = resolved.base;
      isBuilt = resolved.command === 'build';
    },
    // Frameworks that make their pages themselves warn of a plugin that has this.
    transformIndexHtml: byServiceWorker ? loadServiceWorker : undefined,
    generateBundle(this: { emitFile(file: { type: 'asset'; fileName: string; source: string }): void }): void {
      if (byServiceWorker) this.emitFile({ type: 'asset', fileName: 'isolate.js', source: readFileSync(new URL('./isolate.js', import.meta.url), 'utf8') });
    },
  };
  return plugin;
}
