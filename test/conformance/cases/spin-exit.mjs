// SPDX-License-Identifier: MIT
/** exit() ends a program although one of its threads spins in WebAssembly. */
import { WasiHost } from 'wasm-aio/wasi';

export default async function ({ module, check, exit }) {
  exit();
  const host = await WasiHost.create({ module: module('spin.module'), args: ['spin', 'thread'] });
  const code = await host.run();
  check(code === 3, `exit code ${code}`);
  await host.close();
}
