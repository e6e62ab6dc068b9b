// SPDX-License-Identifier: MIT
import { isInteger } from '../check.js';
import { AioError, closedError, noMemory } from '../errors.js';
import { showAs } from '../face.js';
import type { Core } from '../runtime/core.js';
import type { Pointer } from '../runtime/exports.js';
import type { Instance } from '../runtime/instance.js';

/**
 * Bytes in the runtime's shared memory, which {@link Runtime.allocate} allocates. File requests read into and write
 * from them without a copy: pass {@link bytes}, or a part of it, to the methods of {@link AioFile}. Only the owner's
 * thread uses it.
 */
export class AioBuffer {
  #uses = 0;
  #closed = false;

  readonly #owner: Buffers;
  /** @internal */ readonly pointer: Pointer<'bytes'>;
  /** The buffer's length in bytes. */
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

  /**
   * The address of the first byte in the shared memory: the pointer to pass to C functions, as in `runtime.call('sum',
   * buffer.address, buffer.length)`. It stays the same until close(), and is not to be used after that.
   * @throws AioError ERR_AIO_CLOSED
   */
  get address(): number {
    return this.bytes.byteOffset;
  }

  /**
   * A view of the buffer's bytes. It remains valid when the shared memory grows, but must not be used after close().
   * @throws AioError ERR_AIO_CLOSED
   */
  get bytes(): Uint8Array {
    if (this.#closed) throw closedError(`buffer of ${this.length} bytes`);
    return this.#owner.view(this.pointer, this.length);
  }

  /** Keeps the memory from being freed until release() is called. @internal */
  use(): void {
    this.#uses++;
  }

  /** Ends one use(), and frees the memory if the buffer is closed and this was the last use. @internal */
  release(): void {
    this.#uses--;
    this.#freeIfUnused();
  }

  /** Frees the memory once no request in flight uses it. Closing it twice does nothing. */
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

/** Checks the length in bytes of one request or buffer. @internal */
export const isLength = isInteger(0, 0x7fffffff);

/** The buffers of a runtime, and the other memory that its requests allocate. @internal */
export class Buffers {
  private readonly all = new Set<AioBuffer>();

  constructor(private readonly core: Pick<Core, 'instance' | 'run' | 'maximumMemory'>) {}

  private get instance(): Instance {
    return this.core.instance;
  }

  view(pointer: number, length: number): Uint8Array {
    return this.instance.memory.bytes.subarray(pointer, pointer + length);
  }

  /** Returns 0 if there is no room. */
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

  /**
   * Returns the buffer that contains a view; undefined if the view is of private memory. @throws AioError
   * ERR_AIO_INVALID_ARG
   */
  bufferOf(view: Uint8Array): AioBuffer | undefined {
    if (!this.instance.memory.has(view)) return undefined;
    for (const buffer of this.all) {
      const start = view.byteOffset - buffer.pointer;
      if (start >= 0 && start + view.length <= buffer.length) return buffer;
    }
    throw new AioError('ERR_AIO_INVALID_ARG', 'the view is of shared memory that allocate() did not return, or whose buffer is closed');
  }
}
