// SPDX-License-Identifier: MIT
/** The descriptors of a console, standard output and standard error. Their state is in words that all threads share. */
import { fail, RIGHTS_OF_STREAM } from './abi.js';
import type { SystemCalls, SystemThread } from './process.js';
import * as E from './wasi-errno.js';
import * as Rights from './wasi-rights.js';

// Two bits for each of fd 1 and 2: the number of the host's output, 1 or 2; 0 if the fd is closed.
const OUTPUTS = 0;
// For each of the host's outputs, by its number: its flags, and the rights that it still has.
export const FLAGS = 0;
export const BASE = 2;
// Always 0: a thread sleeps on it until its clock is due.
export const SLEEP = 5;
const WORDS = 6;

const BASE_RIGHTS = RIGHTS_OF_STREAM & ~Rights.fdRead;
/** A bit in the rights: some rights were given up. */
export const NARROWED = 1 << 30;

const shiftOf = (fd: number): number => 2 * (fd - 1);

/** The descriptors of a console, as its WASI calls use them. */
export class Outputs {
  constructor(readonly words: Int32Array) {}

  /** The host's output that an fd stands for. Fails with EBADF. */
  of(fd: number, among = Atomics.load(this.words, OUTPUTS)): number {
    return (fd === 1 || fd === 2) && (among >> shiftOf(fd)) & 3 || fail(E.BADF);
  }

  /**
   * The same, for an fd that has all of these rights. Fails with ENOTCAPABLE, or with EBADF if the fd never had them.
   */
  with(rights: number, fd: number): number {
    const output = this.of(fd);
    const base = Atomics.load(this.words, BASE + output);
    const missing = rights & ~base;
    if (missing === 0) return output;
    return fail(missing & (Rights.fdRead | Rights.fdWrite) && !(base & NARROWED) ? E.BADF : E.NOTCAPABLE);
  }

  /** Closes a file descriptor. */
  close(fd: number): void {
    this.change((outputs) => this.of(fd, outputs) && without(outputs, fd));
  }

  /** Makes `to`, which must be open, what `from` is, and closes `from`. */
  renumber(from: number, to: number): void {
    this.change((outputs) => {
      const [moved, replaced] = [this.of(from, outputs), this.of(to, outputs)];
      return replaced && (from === to ? outputs : without(without(outputs, from), to) | (moved << shiftOf(to)));
    });
  }

  /** Changes atomically which descriptors are open. */
  private change(to: (outputs: number) => number): void {
    for (;;) {
      const before = Atomics.load(this.words, OUTPUTS);
      if (Atomics.compareExchange(this.words, OUTPUTS, before, to(before)) === before) return;
    }
  }
}
const without = (outputs: number, fd: number): number => outputs & ~(3 << shiftOf(fd));

/** Makes the WASI calls that only some modules import. */
export type MoreCalls = (thread: SystemThread, outputs: Outputs, sleeps: boolean) => SystemCalls;

/** The state in which both outputs are open. */
export function newOutputs(): Int32Array {
  const words = new Int32Array(new SharedArrayBuffer(4 * WORDS));
  words[OUTPUTS] = (1 << shiftOf(1)) | (2 << shiftOf(2));
  words[BASE + 1] = words[BASE + 2] = BASE_RIGHTS;
  return words;
}
