// SPDX-License-Identifier: MIT
import { AioError } from '../errors.js';
import type { Range } from '../hosts/host.js';
import type { Pointer } from '../runtime/exports.js';
import type { AioBuffer, Buffers } from './buffer.js';
import { Room } from './room.js';

/** Private memory for so many bytes. */
function reserve(length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw new AioError('ERR_AIO_NO_MEMORY', `no memory for ${length} bytes`, { cause });
  }
}

/** What a request takes of the shared memory beside its bytes, about. */
const REQUEST_BYTES = 512;

/**
 * What a request reads into or writes from: views of shared memory in place, and one piece of
 * memory that stands in for all private ones. @internal
 */
export class Staged {
  private base: Pointer<'bytes'> | 0 = 0;
  private readonly lengths: readonly number[];

  /** length: bytes of private memory. */
  constructor(
    private readonly buffers: Buffers, private views: readonly Uint8Array[], private readonly used: readonly (AioBuffer | undefined)[],
    private readonly length: number,
  ) {
    this.lengths = views.map((view) => view.length);
    for (const buffer of used) buffer?.use();
  }

  /** Throws if a buffer was transferred or resized while the request was in flight: its view has
   * another length then. */
  private assertWhole(): void {
    this.views.forEach(({ length }, n) => {
      if (length === this.lengths[n]) return;
      throw new AioError('ERR_AIO_INVALID_ARG', `the buffer of a view of ${this.lengths[n]} bytes was transferred or resized while a request used it`);
    });
  }

  /** Bytes of the shared memory that it takes, about. */
  get cost(): number {
    return this.length + REQUEST_BYTES + 8 * this.views.length;
  }

  /** The memory that stands in for private views, filled from them if they are to be written.
   * undefined: there is none. */
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

  /** A write has to wait: its private views may change meanwhile. */
  keep(): void {
    this.assertWhole();
    this.views = this.views.map((view, n) => {
      if (this.used[n]) return view;
      const copy = reserve(view.length);
      copy.set(view);
      return copy;
    });
  }

  /** Copies so many bytes that were read to where the caller wants them. */
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

  /** So many bytes that were read, in private memory of their own. */
  copy(length: number): Uint8Array<ArrayBuffer> {
    const copy = reserve(length);
    copy.set(this.buffers.view(this.base, length));
    return copy;
  }

  /** Gives back what place() got. */
  unplace(): void {
    if (this.base !== 0) this.buffers.freeBytes(this.base);
    this.base = 0;
  }

  /** The request has ended, or never began. */
  free(): void {
    this.unplace();
    for (const buffer of this.used) buffer?.release();
  }
}

/** The memory of the requests that are in flight. @internal */
export class RequestMemory {
  /** For all of them: half of the memory. */
  readonly room: Room;

  constructor(private readonly buffers: Buffers, maximumMemory: number) {
    this.room = new Room(maximumMemory / 2);
  }

  /** What a request on these views needs. */
  stage(views: readonly Uint8Array[]): Staged {
    const used = views.map((view) => this.buffers.bufferOf(view));
    return new Staged(this.buffers, [...views], used, views.reduce((sum, view, n) => sum + (used[n] ? 0 : view.length), 0));
  }

  /** What a request needs that reads so many bytes (a flush: none) into memory of its own. */
  stageBytes(length: number): Staged {
    return new Staged(this.buffers, [], [], length);
  }
}
