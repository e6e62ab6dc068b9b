// SPDX-License-Identifier: MIT
import type { Instead } from './substitute.js';

/** Posts a message, announcing first what its receiver is to take if it cannot read it. */
export function postDoubtful<T>(post: (message: T | Instead<T>, transfer?: Transferable[]) => void, message: T, instead: T | undefined, transfer?: Transferable[]): void {
  if (instead !== undefined) post({ type: 'instead', message: instead });
  try {
    post(message, transfer);
  } catch (error) {
    if (instead !== undefined) post({ type: 'instead', message: undefined });
    throw error;
  }
}
