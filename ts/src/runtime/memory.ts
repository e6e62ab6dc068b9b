// SPDX-License-Identifier: MIT
import type { Range } from '../hosts/host.js';
import type { Pointer } from './exports.js';

/**
 * The shared memory of a runtime. Growth leaves old views short, so each access
 * goes through an accessor that takes a new view when the buffer has changed.
 */
export class Memory {
  private view8!: Uint8Array;
  /** Each growth makes a new one, of which the older ones are a part. */
  private readonly buffers = new WeakSet<ArrayBufferLike>();

  constructor(readonly memory: WebAssembly.Memory) {
    this.retake();
  }

  get bytes(): Uint8Array {
    if (this.view8.buffer !== this.memory.buffer) this.retake();
    return this.view8;
  }

  /** A view that reaches to `end` at least: without the engine's slow look whether
   * the memory has grown, unless it must have. */
  reaching(end: number): Uint8Array {
    return end <= this.view8.length ? this.view8 : this.bytes;
  }

  private retake(): void {
    this.view8 = new Uint8Array(this.memory.buffer);
    this.buffers.add(this.memory.buffer);
  }

  /** One 32-bit word, for Atomics; views of what exists stay good for ever. */
  word(pointer: Pointer<'word'>): Int32Array {
    return new Int32Array(this.memory.buffer, pointer, 1);
  }

  words(pointer: Pointer<'words'>, length: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, pointer, length);
  }

  /** The iovecs at pointer: base and length, 32 bits each. */
  ranges(pointer: Pointer<'words'>, count: number): Range[] {
    const words = this.words(pointer, 2 * count);
    return Array.from({ length: count }, (_, n) => ({ start: words[2 * n] ?? 0, length: words[2 * n + 1] ?? 0 }));
  }

  /** Whether a view is of this memory, as it is or as it was before it grew. */
  has(view: Uint8Array): boolean {
    return this.buffers.has(view.buffer);
  }

  view(): DataView {
    return new DataView(this.memory.buffer);
  }

  /** A copy in private memory: most of what is WHATWG-shaped refuses shared views. */
  copy(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    const copied = new Uint8Array(length);
    copied.set(this.bytes.subarray(pointer, pointer + length));
    return copied;
  }

  /** The NUL-terminated string at pointer. */
  string(pointer: number): string {
    const bytes = this.bytes;
    let end = pointer;
    while (bytes[end]) end++;
    return new TextDecoder().decode(this.copy(pointer, end - pointer));
  }
}
