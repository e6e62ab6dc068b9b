// SPDX-License-Identifier: MIT
/** The URL of the package's WebAssembly module, aio.wasm. Bundlers recognise an asset by exactly this expression. */
const wasm: URL = new URL('./aio.wasm', import.meta.url);
export default wasm;
