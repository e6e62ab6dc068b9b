// SPDX-License-Identifier: MIT
import type { Shared } from './shared.js';

/** The highest fd of the host that a guest can have where there is no procfs, and the longest path of one. */
const MAX_FDS = 16384;
const MAX_BYTES = 4096;
const SLOT = 4 + MAX_BYTES;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Where each file and directory was opened that a guest has open, by the host's fd: in shared memory, because any thread of the
 * guest may use an fd. It stands in for /proc/self/fd.
 */
export class Places {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(buffer: SharedArrayBuffer, private readonly shared: Shared) {
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  /** Makes an empty table. Pages of its memory that are not touched cost nothing. */
  static create(shared: Shared): Places {
    return new Places(new SharedArrayBuffer(MAX_FDS * SLOT), shared);
  }

  get buffer(): SharedArrayBuffer {
    return this.view.buffer as SharedArrayBuffer;
  }

  /** Where an fd was opened; undefined if that is not known. */
  get(fd: number): string | undefined {
    return fd < MAX_FDS ? this.shared.withPlaces(() => this.read(fd)) : undefined;
  }

  /** Notes where an fd was opened. Returns false if there is no room for it. */
  set(fd: number, place: string): boolean {
    return this.shared.withPlaces(() => this.write(fd, place));
  }

  /** Forgets an fd, before it is closed. */
  delete(fd: number): void {
    if (fd < MAX_FDS) this.shared.withPlaces(() => void this.view.setInt32(fd * SLOT, 0));
  }

  /** Something was renamed: what is open below it is at another place now. */
  moved(from: string, to: string): void {
    this.shared.withPlaces(() => {
      for (let fd = 0; fd < MAX_FDS; fd++) {
        const place = this.read(fd);
        if (place === from || place?.startsWith(`${from}/`)) this.write(fd, to + place.slice(from.length));
      }
    });
  }

  private read(fd: number): string | undefined {
    const length = this.view.getInt32(fd * SLOT);
    const start = fd * SLOT + 4;
    return length === 0 ? undefined : decoder.decode(this.bytes.slice(start, start + length));
  }

  private write(fd: number, place: string): boolean {
    const bytes = encoder.encode(place);
    if (fd >= MAX_FDS || bytes.length > MAX_BYTES) return false;
    this.bytes.set(bytes, fd * SLOT + 4);
    this.view.setInt32(fd * SLOT, bytes.length);
    return true;
  }
}
