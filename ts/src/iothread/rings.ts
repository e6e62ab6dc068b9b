// SPDX-License-Identifier: MIT
import { noMemory } from '../errors.js';
import type { Core } from '../runtime/core.js';
import type { Pointer } from '../runtime/exports.js';
import type { Instance } from '../runtime/instance.js';
import { RingReader, ringBytes, RingWriter } from '../wire/record-ring.js';

/** Bytes for the records of a ring. A value that would take more than a half of it is sent as a message. */
const SIZE = 1 << 15;
const ALIGN = 64;

/**
 * The rings of a connection: `in` leads to the IOThread, `out` to its owner. Of two IOThreads, `in` leads to the one that has
 * the object, `out` to the one that it was passed to.
 */
export type Which = 'in' | 'out';

/** Where a ring of the connection is. */
export const at = (rings: number, which: Which): number => rings + (which === 'in' ? 0 : ringBytes(SIZE));

/** Makes the side of a ring that writes. */
export const writerOf = ({ memory }: Instance, rings: number, which: Which): RingWriter => new RingWriter(memory.bytes.buffer, at(rings, which), SIZE);
/** Makes the side of a ring that reads. */
export const readerOf = ({ memory }: Instance, rings: number, which: Which): RingReader => new RingReader(memory.bytes.buffer, at(rings, which), SIZE);

/** See Wait.sleep in blocking.ts. */
export const awaitRings = (exports: Instance['exports'], ring: number, seen: number, also: number, alsoSeen: number, ms: number): void =>
  exports.rt_await(ring, seen, also, alsoSeen, ms * 1e6);

/** The memory of the rings of a connection. Owner only. */
export class Rings {
  private readonly allocated: Pointer<'bytes'>;
  readonly address: number;

  /** Allocates them. what: whose they are, for the error. @throws AioError ERR_AIO_NO_MEMORY */
  constructor(private readonly core: Core, what: string) {
    const { exports, memory } = core.instance;
    const bytes = 2 * ringBytes(SIZE);
    this.allocated = exports.rt_malloc(bytes + ALIGN);
    if (this.allocated === 0) throw noMemory(what);
    this.address = Math.ceil(this.allocated / ALIGN) * ALIGN;
    memory.reaching(this.address + bytes).fill(0, this.address, this.address + bytes);
    const key = Math.random() * 2 ** 32;
    for (const ring of [this.writer('in'), this.reader('out')]) ring.key = key;
  }

  writer(which: Which): RingWriter {
    return writerOf(this.core.instance, this.address, which);
  }

  reader(which: Which): RingReader {
    return readerOf(this.core.instance, this.address, which);
  }

  /** Frees them, when neither side uses them any more. */
  free({ instance, over }: Core): void {
    // Nothing may be called after a failure, when all memory ends with the runtime.
    if (!over) instance.exports.rt_free(this.allocated);
  }
}
