// SPDX-License-Identifier: MIT
/** Gives back what arrives. */
import { serve } from 'wasm-aio/iothread';
import { readable, writable } from 'wasm-aio/streams';

serve({
  async echo(from, to) {
    await readable(from).pipeTo(writable(to));
    return 'closed';
  },
});
