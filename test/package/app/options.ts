// All that a page may bring, as TypeScript sees it.
import { Runtime, describeFindings, doctor, type Finding, type RuntimeOptions } from 'wasm-aio';
import wasm from 'wasm-aio/wasm';

const options: RuntimeOptions = {
  module: await WebAssembly.compileStreaming(fetch(wasm)),
  maximumMemory: 64 * 1024 ** 2,
  worker: () => new Worker(new URL('wasm-aio/worker', import.meta.url), { type: 'module' }),
};
const findings: Finding[] = await doctor(options);
document.body.textContent = describeFindings(findings);
await (await Runtime.create({ ...options, module: wasm })).close();
