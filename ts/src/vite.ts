// SPDX-License-Identifier: MIT
/** The plugin that configures Vite for this package: `plugins: [wasmAio()]`. */
import { optionsOf } from './check.js';
import { ISOLATION_HEADERS } from './hosts/isolation.js';

/** The plugin, as far as its members are those of Vite's type Plugin. */
export interface WasmAioPlugin {
  /** The plugin's name, `wasm-aio`. */
  name: string;
  /**
   * Returns the configuration that Vite merges with the project's: headers for cross-origin isolation, no
   * pre-bundling of the package, and workers that are ES modules.
   */
  config(): {
    /** Options of the development server: the headers that it sends. */
    server: { headers: Record<string, string> };
    /** Options of the preview server: the headers that it sends. */
    preview: { headers: Record<string, string> };
    /** Options of pre-bundling: the packages that it leaves out. */
    optimizeDeps: { exclude: string[] };
    /** Options of bundled workers: their format. */
    worker: { format: 'es' };
  };
}

/**
 * Creates the Vite plugin, which has no options. It makes Vite's two servers send the headers for cross-origin
 * isolation, excludes the package from pre-bundling, and has workers built as ES modules.
 * @throws AioError ERR_AIO_INVALID_ARG: an option was given
 */
export default function wasmAio(options: Record<string, never> = {}): WasmAioPlugin {
  optionsOf(options, {});
  return {
    name: 'wasm-aio',
    config: () => ({
      // These are for Vite's own two servers. The server of the built page has to send the same headers.
      server: { headers: { ...ISOLATION_HEADERS } },
      preview: { headers: { ...ISOLATION_HEADERS } },
      // If Vite pre-bundled the package, that would look for its worker and its module in Vite's cache.
      optimizeDeps: { exclude: ['wasm-aio'] },
      // The package's worker is an ES module with imports.
      worker: { format: 'es' },
    }),
  };
}
