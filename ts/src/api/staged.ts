// SPDX-License-Identifier: MIT
import { AioError } from '../errors.js';
import type { Range } from '../hosts/host.js';
import type { Pointer } from '../runtime/exports.js';
import type { AioBuffer, Buffers } from './buffer.js';
import { Room } from './room.js';

/** Allocates private memory of `length` bytes. */
function reserve(length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw new AioError('ERR_AIO_NO_MEMORY', `no memory for ${length} bytes`, { cause });
  }
}

/** The shared memory that a request takes in addition to its data, in bytes (estimated). */
const REQUEST_BYTES = 512;

/**
 * The memory that one request reads into or writes from: views of shared memory are used in place, and one allocation
 * in the shared memory stands in for all views of private memory. @internal
 */
export class Staged {
  private base: Pointer<'bytes'> | 0 = 0;
  private readonly lengths: readonly number[];

  /** length: the bytes of all private views together. */
  constructor(
    private readonly buffers: Buffers, private views: readonly Uint8Array[], private readonly used: readonly (AioBuffer | undefined)[],
    private readonly length: number,
  ) {
    this.lengths = views.map((view) => view.length);
    for (const buffer of used) buffer?.use();
  }

  /**
   * Throws if a buffer was transferred or resized while the request was in flight: its view's length has changed
   * then.
   */
  private assertWhole(): void {
    this.views.forEach(({ length }, n) => {
      if (length === this.lengths[n]) return;
      throw new AioError('ERR_AIO_INVALID_ARG', `the buffer of a view of ${this.lengths[n]} bytes was transferred or resized while a request used it`);
    });
  }

  /** The shared memory that the request takes, in bytes (estimated). */
  get cost(): number {
    return this.length + REQUEST_BYTES + 8 * this.views.length;
  }

  /**
   * Allocates the memory that stands in for private views and, for a write, fills it from them. Returns undefined if
   * there is no memory.
   */
  place(write: boolean): Range[] | undefined {
    if (this.length > 0) {
      this.base = this.buffers.malloc(this.length);
      if (this.base === 0) return undefined;
    }
    this.assertWhole();
    if (this.views.length === 0) return [{ start: this.base, length: this.length }];
    let at: number = this.base;
    return this.views.map((view, n): Range => {
      if (this.used[n]) return { start: view.byteOffset, length: view.length };
      const range = { start: at, length: view.length };
      if (write) this.buffers.view(at, view.length).set(view);
      at += view.length;
      return range;
    });
  }

  /** Copies the private views of a write that has to wait, because the caller may change them meanwhile. */
  keep(): void {
    this.assertWhole();
    this.views = this.views.map((view, n) => {
      if (this.used[n]) return view;
      const copy = reserve(view.length);
      copy.set(view);
      return copy;
    });
  }

  /** Copies the first `length` bytes that were read to the caller's private views. */
  copyOut(length: number): number {
    this.assertWhole();
    let left = length;
    let at: number = this.base;
    this.views.forEach((view, n) => {
      const here = Math.min(left, view.length);
      if (!this.used[n]) {
        if (here > 0) view.set(this.buffers.view(at, here));
        at += view.length;
      }
      left -= here;
    });
    return length;
  }

  /** Returns the first `length` bytes that were read in private memory of their own. */
  copy(length: number): Uint8Array<ArrayBuffer> {
    const copy = reserve(length);
    copy.set(this.buffers.view(this.base, length));
    return copy;
  }

  /** Frees what place() allocated. */
  unplace(): void {
    if (this.base !== 0) this.buffers.freeBytes(this.base);
    this.base = 0;
  }

  /** Frees everything, when the request has ended or was never started. */
  free(): void {
    this.unplace();
    for (const buffer of this.used) buffer?.release();
  }
}

/** The memory of all requests that are in flight. @internal */
export class RequestMemory {
  /** All requests together may take half of the shared memory. */
  readonly room: Room;

  constructor(private readonly buffers: Buffers, maximumMemory: number) {
    this.room = new Room(maximumMemory / 2);
  }

  /** Prepares the memory of a request on these views. */
  stage(views: readonly Uint8Array[]): Staged {
    const used = views.map((view) => this.buffers.bufferOf(view));
    return new Staged(this.buffers, [...views], used, views.reduce((sum, view, n) => sum + (used[n] ? 0 : view.length), 0));
  }

  /** Prepares the memory of a request that reads `length` bytes into memory of its own (0 for a flush). */
  stageBytes(length: number): Staged {
    return new Staged(this.buffers, [], [], length);
  }
}
