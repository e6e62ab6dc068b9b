// SPDX-License-Identifier: MIT
/** The first file of a fresh runtime is opened, whether its worker is ready or still starting. */
import { Runtime } from 'wasm-aio';

export default async function ({ path, check }) {
  const file = await path('open-fresh');
  for (let n = 0; n < 24; n++) {
    const aio = await Runtime.create({ reserve: n % 3 });
    const io = await aio.iothread('io');
    const opened = await io.open(file, { create: true });
    await opened.write(0, new Uint8Array(512).fill(n));
    const read = await opened.read(0, 512);
    check(read.length === 512 && read.every((byte) => byte === n), `round ${n}: ${read.length} bytes, the first is ${read[0]}`);
    await opened.close();
    await aio.close();
  }
}
