// SPDX-License-Identifier: MIT
/** A program reads and writes the web's streams while this thread goes on. */
import { WasiHost } from 'wasm-aio/wasi';

export default async function ({ module, check }) {
  const bytes = 300_000;
  let fed = 0;
  const stdin = new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (fed >= bytes) return controller.close();
      const piece = new Uint8Array(Math.min(7000, bytes - fed)).map((_, n) => 97 + ((fed + n) % 26));
      fed += piece.length;
      controller.enqueue(piece);
    },
  });
  let written = 0;
  let wrong = 0;
  const stdout = new WritableStream({
    write(piece) {
      for (const byte of piece) if (byte !== 65 + (written++ % 26)) wrong++;
    },
  });
  let told = '';
  const stderr = new WritableStream({ write: (piece) => void (told += new TextDecoder().decode(piece.slice())) });
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const host = await WasiHost.create({ module: module('program-streams.module'), stdin, stdout, stderr });
  const code = await host.run();
  await host.close();
  clearInterval(timer);
  check(code === 0 && written === bytes && wrong === 0 && told === `${bytes}\n`, `code ${code}, ${written} bytes, ${wrong} wrong, ${told}`);
  check(ticks > 0, 'no timer ran meanwhile');
}
