// SPDX-License-Identifier: MIT
import { isInteger } from '../check.js';
import { AioError, closedError } from '../errors.js';
import type { Range } from '../hosts/host.js';
import type { Pointer } from '../runtime/exports.js';
import type { Instance } from '../runtime/instance.js';

/**
 * Bytes in the shared memory, which files read and write in place, without a copy:
 * pass {@link bytes} or a part of it.
 */
export class AioBuffer {
  private uses = 0;
  private closed = false;

  private constructor(
    private readonly owner: Buffers, /** @internal */ readonly pointer: Pointer<'bytes'>, readonly length: number,
  ) {}

  /** @internal */
  static at(owner: Buffers, pointer: Pointer<'bytes'>, length: number): AioBuffer {
    return new AioBuffer(owner, pointer, length);
  }

  /** A view that stays good when the memory grows.
   * @throws AioError ERR_AIO_CLOSED */
  get bytes(): Uint8Array {
    if (this.closed) throw closedError(`buffer of ${this.length} bytes`);
    return this.owner.view(this.pointer, this.length);
  }

  /** Until it is released its memory is not given to anybody else. @internal */
  use(): void {
    this.uses++;
  }

  /** @internal */
  release(): void {
    this.uses--;
    this.freeIfUnused();
  }

  /** Gives the memory back, as soon as no request uses it. Idempotent. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.freeIfUnused();
  }

  private freeIfUnused(): void {
    if (this.closed && this.uses === 0) this.owner.free(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** How many bytes one request or buffer may have. @internal */
export const isLength = isInteger(0, 0x7fffffff);

/** What a request reads into or writes from. @internal */
export interface Staged {
  ranges: Range[];
  /** Copies so many bytes that were read to where the caller wants them. */
  copyOut(length: number): void;
  free(): void;
}

/** The runtime's buffers, and the memory that stands in for private ones. @internal */
export class Buffers {
  private readonly all = new Set<AioBuffer>();

  constructor(private readonly instance: Instance, private readonly run: <T>(work: () => T) => T) {}

  view(pointer: number, length: number): Uint8Array {
    return this.instance.memory.bytes.subarray(pointer, pointer + length);
  }

  private malloc(length: number): Pointer<'bytes'> {
    const pointer = this.run(() => this.instance.exports.malloc(Math.max(length, 1)));
    if (pointer === 0) {
      throw new AioError('ERR_AIO_NO_MEMORY', `no room for ${length} bytes in the shared memory (maximumMemory)`);
    }
    return pointer;
  }

  allocate(length: number): AioBuffer {
    isLength('length', length);
    const buffer = AioBuffer.at(this, this.malloc(length), length);
    this.view(buffer.pointer, length).fill(0);
    this.all.add(buffer);
    return buffer;
  }

  free(buffer: AioBuffer): void {
    if (this.all.delete(buffer)) this.instance.exports.free(buffer.pointer);
  }

  private bufferOf(view: Uint8Array): AioBuffer {
    for (const buffer of this.all) {
      const start = view.byteOffset - buffer.pointer;
      if (start >= 0 && start + view.length <= buffer.length) return buffer;
    }
    throw new AioError('ERR_AIO_INVALID_ARG', 'the view is of shared memory that allocate() did not give, or that is closed');
  }

  /**
   * Shared views in place, one piece of memory for all private ones, which is
   * filled from them if they are to be written.
   */
  stage(views: readonly Uint8Array[], write: boolean): Staged {
    const { memory, exports } = this.instance;
    const used = views.map((view) => (memory.has(view) ? this.bufferOf(view) : undefined));
    const staging = views.reduce((sum, view, n) => sum + (used[n] ? 0 : view.length), 0);
    const base = staging > 0 ? this.malloc(staging) : undefined;
    let at = base ?? 0;
    const ranges = views.map((view, n): Range => {
      if (used[n]) return { start: view.byteOffset, length: view.length };
      const range = { start: at, length: view.length };
      if (write) this.view(at, view.length).set(view);
      at += view.length;
      return range;
    });
    for (const buffer of used) buffer?.use();
    return {
      ranges,
      copyOut: (length) => {
        let left = length;
        views.forEach((view, n) => {
          const here = Math.min(left, view.length);
          if (!used[n] && here > 0) view.set(this.view(ranges[n]?.start ?? 0, here));
          left -= here;
        });
      },
      free: () => {
        if (base !== undefined) exports.free(base);
        for (const buffer of used) buffer?.release();
      },
    };
  }
}
