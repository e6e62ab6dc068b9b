// SPDX-License-Identifier: MIT
/** The disk image: a file in the origin's private file system. */
import { content, SECTOR, seedOf } from '../../bench/data.js';
import type { Runtime } from '../../browser.js';

export const NAME = 'wasm-aio-disk.img';
const SEED = 1;

const directory = (): Promise<FileSystemDirectoryHandle> => {
  if (typeof navigator.storage?.getDirectory !== 'function') {
    throw new Error('This browser gives pages no files of their own (the origin private file system). Those that do: Chrome 102, Firefox 111, Safari 15.2 and later.');
  }
  return navigator.storage.getDirectory();
};

/** The image that is there; undefined: none. */
export async function find(): Promise<File | undefined> {
  const folder = await directory();
  try {
    return await (await folder.getFileHandle(NAME)).getFile();
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotFoundError') return undefined;
    throw error;
  }
}

async function write(chunks: Iterable<Uint8Array<ArrayBuffer> | Blob>): Promise<void> {
  const writable = await (await (await directory()).getFileHandle(NAME, { create: true })).createWritable();
  try {
    for (const chunk of chunks) await writable.write(chunk);
  } catch (error) {
    await writable.abort();
    throw error;
  }
  await writable.close();
}

/** Makes an image whose blocks can be checked. */
export const make = (runtime: Runtime, size: number): Promise<void> => write(content(runtime, size, SEED));

/** Makes an image of a file; what is beyond its last whole block is left out. */
export const copy = (file: File, blockSize: number): Promise<void> => write([file.slice(0, file.size - (file.size % blockSize))]);

export async function remove(): Promise<void> {
  if (await find()) await (await directory()).removeEntry(NAME);
}

/** The seed of the image's content; undefined: make() has not made it. */
export async function seed(runtime: Runtime, image: File): Promise<number | undefined> {
  return seedOf(runtime, new Uint8Array(await image.slice(0, SECTOR).arrayBuffer()), image.size);
}
