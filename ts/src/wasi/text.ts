// SPDX-License-Identifier: MIT
import { fail } from '../runtime/abi.js';
import type { GuestMemory } from '../runtime/guest-memory.js';
import * as E from '../runtime/wasi-errno.js';

/** As Linux has it. */
const LONGEST_PATH = 4096;

/** A path or a name: UTF-8, or EILSEQ; ENAMETOOLONG if it is longer than any. */
export function textAt(memory: GuestMemory, pointer: number, length: number): string {
  const bytes = memory.bytes(pointer, length);
  if (bytes.length > LONGEST_PATH) fail(E.NAMETOOLONG);
  // In private memory: browsers decode nothing that is shared.
  return utf8(bytes.slice()) ?? fail(E.ILSEQ);
}

/** Undefined if the bytes are no UTF-8. */
export function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
