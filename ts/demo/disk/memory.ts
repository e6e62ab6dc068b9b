// SPDX-License-Identifier: MIT
/** The image as shared memory, which the page has until it is left. */
import { SECTOR } from '../../bench/data.js';
import type { Place } from './image.js';

let bytes: SharedArrayBuffer | undefined;
let made = 0;

function reserve(size: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(size);
  } catch {
    throw new Error('There is not enough memory for an image of this size: use a smaller one, or one that is kept in this browser.');
  }
}

export const memory: Place = {
  where: 'is in memory until you leave this page',

  find: async () => bytes && { size: bytes.byteLength, made, firstSector: new Uint8Array(bytes).slice(0, SECTOR) },

  async write(size, pieces) {
    const image = reserve(size);
    let at = 0;
    for (const piece of pieces) {
      const copied = piece instanceof Blob ? new Uint8Array(await piece.arrayBuffer()) : piece;
      new Uint8Array(image).set(copied, at);
      at += copied.length;
    }
    [bytes, made] = [image, Date.now()];
  },

  async remove() {
    bytes = undefined;
  },

  worker() {
    const worker = new Worker(new URL('./memory.worker.js', import.meta.url), { type: 'module' });
    // It gets this before anything that the library sends it.
    worker.postMessage(bytes);
    return worker;
  },
};
