// SPDX-License-Identifier: MIT
/** Guests on WHATWG streams; these functions are run by Node and handed to a page, so they refer to nothing else. */
import type * as library from 'wasm-aio/wasi';

export type Library = typeof library;

/** Runs plain/poll.c; what it asks for is done. Its exit code. */
export async function pollGuest({ WasiHost }: Library, module: Uint8Array<ArrayBuffer>): Promise<number> {
  let three!: ReadableStreamDefaultController<Uint8Array>;
  let four!: ReadableStreamDefaultController<Uint8Array>;
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const stdout = new WritableStream<Uint8Array>({
    write(chunk) {
      for (const digit of new TextDecoder().decode(chunk)) {
        if (digit === '1') three.enqueue(new TextEncoder().encode('abc'));
        if (digit === '2') four.close();
        if (digit === '3') open();
        if (digit === '4') three.close();
      }
    },
  });
  const host = await WasiHost.create({
    module, stdin: 'closed', stdout, stderr: 'closed',
    streams: [
      new ReadableStream<Uint8Array>({ start: (controller) => void (three = controller) }),
      new ReadableStream<Uint8Array>({ start: (controller) => void (four = controller) }),
      new WritableStream<Uint8Array>({ write: () => opened }),
    ],
  });
  try {
    return await host.run();
  } finally {
    await host.close();
  }
}

/** Sends so many MiB through the filter of docs/examples; how many bytes came back wrong, and how many in all. */
export async function filterGuest({ WasiHost }: Library, module: Uint8Array<ArrayBuffer>, mib: number): Promise<{ code: number; wrong: number; length: number; ahead: number }> {
  const letter = (i: number): number => 97 + ((i * 7 + (i >> 9)) % 26);
  const rot = (c: number): number => 97 + ((c - 97 + 13) % 26);
  let sent = 0;
  let length = 0;
  let wrong = 0;
  let ahead = 0;
  const stdin = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent === mib * 1048576) return controller.close();
      const chunk = new Uint8Array(65536);
      for (let i = 0; i < chunk.length; i++) chunk[i] = letter(sent + i);
      sent += chunk.length;
      ahead = Math.max(ahead, sent - length);
      controller.enqueue(chunk);
    },
  });
  const stdout = new WritableStream<Uint8Array>({
    write(chunk) {
      for (let i = 0; i < chunk.length; i++) if (chunk[i] !== rot(letter(length + i))) wrong++;
      length += chunk.length;
    },
  });
  const host = await WasiHost.create({ module, stdin, stdout, stderr: 'inherit' });
  try {
    return { code: await host.run(), wrong, length, ahead };
  } finally {
    await host.close();
  }
}
