// SPDX-License-Identifier: MIT
/** A directory in memory answers as one of Linux, and is gone with its guest. */
import 'wasm-aio/wasi';
import { useDirectory } from './directories.guest.mjs';

export default async function ({ module, check }) {
  for (let run = 0; run < 2; run++) {
    const found = await useDirectory(module, 'mem');
    check(found === '0 all right\n', found);
  }
}
