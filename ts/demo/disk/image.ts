// SPDX-License-Identifier: MIT
/** The disk image, in one of two places. */
import { content, SECTOR, seedOf } from '../../bench/data.js';
import type { Runtime } from '../../browser.js';

export const NAME = 'wasm-aio-disk.img';
const SEED = 1;
const MIB = 1024 ** 2;

export interface Image {
  readonly size: number;
  /** When it was made, in ms since 1970. */
  readonly made: number;
  readonly firstSector: Uint8Array;
}

export interface Place {
  /** Where an image is, as the end of a sentence. */
  readonly where: string;
  /** The image that is there; undefined: none. */
  find(): Promise<Image | undefined>;
  /** Makes an image of pieces, which have `size` bytes together. */
  write(size: number, pieces: Iterable<Uint8Array<ArrayBuffer> | Blob>): Promise<void>;
  remove(): Promise<void>;
  /** Makes a worker of the library that finds the image there. Default: the library's own. */
  worker?(): Worker;
}

/** Makes an image whose blocks can be checked. */
export const make = (place: Place, runtime: Runtime, size: number): Promise<void> => place.write(size, content(runtime, size, SEED));

/** Makes an image of a file; what is beyond its last whole block is left out. */
export function copy(place: Place, file: File, blockSize: number): Promise<void> {
  const size = file.size - (file.size % blockSize);
  return place.write(size, (function* () {
    for (let at = 0; at < size; at += MIB) yield file.slice(at, Math.min(size, at + MIB));
  })());
}

/** The seed of the image's content; undefined: make() has not made it. */
export const seed = (runtime: Runtime, image: Image): number | undefined => seedOf(runtime, image.firstSector, image.size);

export const firstSectorOf = async (file: Blob): Promise<Uint8Array> => new Uint8Array(await file.slice(0, SECTOR).arrayBuffer());
