// SPDX-License-Identifier: MIT
import { isInteger } from '../check.js';
import { AioError, closedError, noMemory } from '../errors.js';
import { showAs } from '../face.js';
import type { Core } from '../runtime/core.js';
import type { Pointer } from '../runtime/exports.js';
import type { Instance } from '../runtime/instance.js';

/**
 * Bytes in the shared memory, which files read and write in place, without a copy:
 * pass {@link bytes} or a part of it.
 */
export class AioBuffer {
  #uses = 0;
  #closed = false;

  readonly #owner: Buffers;
  /** @internal */ readonly pointer: Pointer<'bytes'>;
  readonly length: number;

  private constructor(owner: Buffers, pointer: Pointer<'bytes'>, length: number) {
    this.#owner = owner;
    this.pointer = pointer;
    this.length = length;
  }

  /** @internal */
  static at(owner: Buffers, pointer: Pointer<'bytes'>, length: number): AioBuffer {
    return new AioBuffer(owner, pointer, length);
  }

  /** A view that stays good when the memory grows.
   * @throws AioError ERR_AIO_CLOSED */
  get bytes(): Uint8Array {
    if (this.#closed) throw closedError(`buffer of ${this.length} bytes`);
    return this.#owner.view(this.pointer, this.length);
  }

  /** Until it is released its memory is not given to anybody else. @internal */
  use(): void {
    this.#uses++;
  }

  /** @internal */
  release(): void {
    this.#uses--;
    this.#freeIfUnused();
  }

  /** Gives the memory back, as soon as no request uses it. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#freeIfUnused();
  }

  #freeIfUnused(): void {
    if (this.#closed && this.#uses === 0) this.#owner.free(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
showAs('AioBuffer', AioBuffer, ['length']);

/** How many bytes one request or buffer may have. @internal */
export const isLength = isInteger(0, 0x7fffffff);

/** The runtime's buffers, and all else that is allocated in its memory for its requests. @internal */
export class Buffers {
  private readonly all = new Set<AioBuffer>();

  constructor(private readonly core: Pick<Core, 'instance' | 'run' | 'maximumMemory'>) {}

  private get instance(): Instance {
    return this.core.instance;
  }

  view(pointer: number, length: number): Uint8Array {
    return this.instance.memory.bytes.subarray(pointer, pointer + length);
  }

  /** 0: there is no room. */
  malloc(length: number): Pointer<'bytes'> {
    return this.core.run(() => this.instance.exports.rt_malloc(Math.max(length, 1)));
  }

  freeBytes(pointer: Pointer<'bytes'>): void {
    this.instance.exports.rt_free(pointer);
  }

  allocate(length: number): AioBuffer {
    isLength('length', length);
    const pointer = this.malloc(length);
    if (pointer === 0) throw noMemory(`${length} bytes`);
    const buffer = AioBuffer.at(this, pointer, length);
    this.view(buffer.pointer, length).fill(0);
    this.all.add(buffer);
    return buffer;
  }

  free(buffer: AioBuffer): void {
    if (this.all.delete(buffer)) this.instance.exports.rt_free(buffer.pointer);
  }

  /** The buffer that a view is of; undefined: it is of private memory. @throws AioError ERR_AIO_INVALID_ARG */
  bufferOf(view: Uint8Array): AioBuffer | undefined {
    if (!this.instance.memory.has(view)) return undefined;
    for (const buffer of this.all) {
      const start = view.byteOffset - buffer.pointer;
      if (start >= 0 && start + view.length <= buffer.length) return buffer;
    }
    throw new AioError('ERR_AIO_INVALID_ARG', 'the view is of shared memory that allocate() did not give, or that is closed');
  }
}
