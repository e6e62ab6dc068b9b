// SPDX-License-Identifier: MIT
/** What Vite must be told: `plugins: [wasmAio()]`. */
import { optionsOf } from './check.js';
import { ISOLATION_HEADERS } from './hosts/isolation.js';

/** The part of Vite's Plugin that this one has. */
export interface WasmAioPlugin {
  name: string;
  config(): {
    server: { headers: Record<string, string> };
    preview: { headers: Record<string, string> };
    optimizeDeps: { exclude: string[] };
    worker: { format: 'es' };
  };
}

/** Makes the plugin. It has no options. */
export default function wasmAio(options: Record<string, never> = {}): WasmAioPlugin {
  optionsOf(options, {});
  return {
    name: 'wasm-aio',
    config: () => ({
      // For its own two servers; what serves the built page has to send them, too.
      server: { headers: { ...ISOLATION_HEADERS } },
      preview: { headers: { ...ISOLATION_HEADERS } },
      // Bundled ahead, the package would look for its worker and its module in Vite's cache.
      optimizeDeps: { exclude: ['wasm-aio'] },
      // A worker's imports are its own files.
      worker: { format: 'es' },
    }),
  };
}
