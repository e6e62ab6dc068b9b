// @napi-rs/image: makes the same PNG file in the first thread and in the threads of emnapi.
import { Buffer } from '@napi-rs/wasm-runtime/fs';
import { bindingOf } from './emnapi.js';
export { imports, instantiated, message } from './emnapi.js';

// It returns its bytes in Buffers, which pages do not have.
globalThis.Buffer ??= Buffer;

export async function run(guest) {
  const { Transformer } = bindingOf(guest);
  const pixels = Uint8Array.from({ length: 64 * 64 * 4 }, (_, i) => i);
  const image = () => Transformer.fromRgbaPixels(pixels, 64, 64);
  const expected = image().pngSync();
  const isPng = [0x89, 0x50, 0x4e, 0x47].every((byte, i) => expected[i] === byte);
  const others = await Promise.all([1, 2, 3].map(() => image().png()));
  return isPng && others.every((bytes) => bytes.length === expected.length && bytes.every((byte, i) => byte === expected[i])) ? 0 : 1;
}
