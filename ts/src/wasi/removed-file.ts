// SPDX-License-Identifier: MIT

/** The content of a file that was removed while it was open, in memory. */
export class RemovedFile {
  /** Has room for more than the file's size. */
  private bytes: Uint8Array;

  constructor(content: Uint8Array, public size = content.length) {
    this.bytes = content;
  }

  read(into: Uint8Array, position: number): number {
    const found = this.bytes.subarray(position, Math.min(this.size, position + into.length));
    into.set(found);
    return found.length;
  }

  write(from: Uint8Array, position: number): number {
    if (position + from.length > this.size) this.resize(position + from.length);
    this.bytes.set(from, position);
    return from.length;
  }

  resize(size: number): void {
    if (size > this.bytes.length) {
      const larger = new Uint8Array(Math.max(size, 2 * this.bytes.length));
      larger.set(this.bytes);
      this.bytes = larger;
    }
    if (size < this.size) this.bytes.fill(0, size, this.size);
    this.size = size;
  }
}
