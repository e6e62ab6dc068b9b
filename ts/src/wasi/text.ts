// SPDX-License-Identifier: MIT
import { fail } from '../runtime/abi.js';
import type { GuestMemory } from '../runtime/guest-memory.js';
import * as E from '../runtime/wasi-errno.js';

/** The longest path in bytes, as on Linux. */
const LONGEST_PATH = 4096;

/** Reads a path or a name. Fails with EILSEQ if it is not UTF-8, and with ENAMETOOLONG if it is too long. */
export function textAt(memory: GuestMemory, pointer: number, length: number): string {
  const bytes = memory.bytes(pointer, length);
  if (bytes.length > LONGEST_PATH) fail(E.NAMETOOLONG);
  // Decode a private copy, because browsers do not decode shared memory.
  return utf8(bytes.slice()) ?? fail(E.ILSEQ);
}

// Making one takes longer than decoding a path.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Decodes UTF-8; undefined if the bytes are not UTF-8. */
export function utf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
