// SPDX-License-Identifier: MIT
/** A page that reads a file of the origin all the time. */
import { Runtime } from 'wasm-aio';

const tell = (what) => parent.postMessage(what, location.origin);
try {
  const aio = await Runtime.create();
  const io = await aio.iothread('io');
  let refused = 0;
  let file;
  while (!file) {
    file = await io.open('life-reload', { write: true, create: true }).catch((error) => {
      if (error.errno !== 'EBUSY') throw error;
      refused++;
    });
  }
  await file.write(0, Uint8Array.from({ length: 4096 }, (_, n) => n % 251));
  const reads = () => Promise.all(Array.from({ length: 8 }, (_, n) => file.read(n * 512, 512)));
  await reads();
  tell({ refused });
  for (;;) await reads();
} catch (error) {
  tell({ error: `${error.stack ?? error}` });
}
