// SPDX-License-Identifier: MIT
/** Where the WebAssembly module is. Bundlers know an asset by exactly this expression. */
const wasm: URL = new URL('./aio.wasm', import.meta.url);
export default wasm;
