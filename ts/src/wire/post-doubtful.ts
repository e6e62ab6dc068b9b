// SPDX-License-Identifier: MIT
import type { Instead } from './substitute.js';

/**
 * Posts a message. If its receiver may be unable to read it, first announces what the receiver then takes instead.
 */
export function postDoubtful<T>(post: (message: T | Instead<T>, transfer?: Transferable[]) => void, message: T, instead: T | undefined, transfer?: Transferable[]): void {
  if (instead !== undefined) post({ type: 'instead', message: instead });
  try {
    post(message, transfer);
  } catch (error) {
    if (instead !== undefined) post({ type: 'instead', message: undefined });
    throw error;
  }
}
