// SPDX-License-Identifier: MIT
/** The memory of programs that have ended can be had again: as many run as would never fit in at once. */
import { WasiHost } from 'wasm-aio/wasi';

export default async function ({ module, check }) {
  for (let n = 0; n < 70; n++) {
    const host = await WasiHost.create({ module: module('program-streams.module'), stdin: 'x', stdout: 'closed', stderr: 'closed' });
    const code = await host.run();
    check(code === 2, `exit code ${code}`);
    await host.close();
  }
}
