// SPDX-License-Identifier: MIT
/** The image as a file of the origin's private file system. */
import { firstSectorOf, NAME, type Place } from './image.js';

const directory = (): Promise<FileSystemDirectoryHandle> => {
  if (typeof (navigator.storage as StorageManager | undefined)?.getDirectory !== 'function') {
    throw new Error('This browser gives pages no files of their own (the origin private file system). Those that do: Chrome 102, Firefox 111, Safari 15.2 and later.');
  }
  return navigator.storage.getDirectory();
};

async function find(): Promise<File | undefined> {
  const folder = await directory();
  try {
    return await (await folder.getFileHandle(NAME)).getFile();
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotFoundError') return undefined;
    throw error;
  }
}

export const origin: Place = {
  where: 'is kept in this browser',

  async find() {
    const file = await find();
    return file && { size: file.size, made: file.lastModified, firstSector: await firstSectorOf(file) };
  },

  async write(_size, pieces) {
    const writable = await (await (await directory()).getFileHandle(NAME, { create: true })).createWritable();
    try {
      for (const piece of pieces) await writable.write(piece);
    } catch (error) {
      await writable.abort();
      throw error;
    }
    await writable.close();
  },

  async remove() {
    if (await find()) await (await directory()).removeEntry(NAME);
  },
};
