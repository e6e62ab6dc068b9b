// SPDX-License-Identifier: MIT
/** A program that spins in WebAssembly is ended by its time limit. */
import { WasiHost } from 'wasm-aio/wasi';

export default async function ({ module, check, exit }) {
  exit();
  const host = await WasiHost.create({ module: module('spin.module'), timeout: 300 });
  const ended = await host.run().then((code) => `exit code ${code}`, (error) => error.code);
  check(ended === 'ERR_AIO_TIMEOUT', ended);
  await host.close();
}
