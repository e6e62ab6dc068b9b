// SPDX-License-Identifier: MIT
/**
 * A WASI command that has no event loop of ours inside is ended by its time limit while it spins in
 * WebAssembly, and while it waits there for what never comes. Not every runtime can end such a thread,
 * so the process leaves by exit().
 */
import { WasiHost } from 'wasm-aio/wasi';

const bytes = (hex) => Uint8Array.from(hex.match(/[0-9a-f]{2}/g), (byte) => parseInt(byte, 16));

/** (module … (func (export "_start") …)), by what _start does. */
export const commands = {
  // (loop br 0), with a memory of its own
  spins: bytes(`0061736d 01000000 0104 01600000 0302 0100 0503 010001
    0713 02 066d656d6f7279 0200 065f7374617274 0000 0a09 01 0700 03400c000b 0b`),
  // (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))), with a shared memory
  waits: bytes(`0061736d 01000000 0104 01600000 0210 01 03656e76 066d656d6f7279 02030101 0302 0100
    070a 01 065f7374617274 0000 0a0f 01 0d00 41004100427ffe0102001a 0b`),
};

export default async function ({ check, exit }) {
  exit();
  for (const [what, module] of Object.entries(commands)) {
    const host = await WasiHost.create({ module, stdin: '', timeout: 300 });
    const ended = await host.run().then((code) => `exit code ${code}`, (error) => error.code);
    check(ended === 'ERR_AIO_TIMEOUT', `${what}: ${ended}`);
    await host.close();
  }
}
