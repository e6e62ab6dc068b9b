// SPDX-License-Identifier: MIT
/** A worker of the library for which the image in memory is the only file of the origin. */
import '../../iothread/worker-browser.js';

// The page's first message; the library passes over what it has not sent itself.
addEventListener('message', (event: MessageEvent<SharedArrayBuffer>) => {
  const image = new Uint8Array(event.data);
  const access = {
    read(into: Uint8Array, { at }: { at: number }): number {
      const from = image.subarray(at, at + into.length);
      into.set(from);
      return from.length;
    },
    write(from: Uint8Array, { at }: { at: number }): number {
      const fits = from.subarray(0, Math.max(0, image.length - at));
      image.set(fits, at);
      return fits.length;
    },
    flush(): void {},
    getSize: () => image.length,
    close(): void {},
  };
  const directory = { getFileHandle: async () => ({ createSyncAccessHandle: async () => access }) };
  Object.defineProperty(navigator, 'storage', { value: { getDirectory: async () => directory } });
}, { once: true });
