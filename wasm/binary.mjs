// The binary format of WebAssembly modules, as far as aiocc reads and writes it.

export class Reader {
  constructor(bytes, offset = 0) {
    this.bytes = bytes;
    this.offset = offset;
  }
  get ended() {
    return this.offset >= this.bytes.length;
  }
  byte() {
    return this.bytes[this.offset++];
  }
  /** A number in LEB128, as in sections. */
  u32() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }
  /** Moves past a number in LEB128, of any size and sign. */
  skip() {
    while (this.byte() >= 0x80);
  }
  take(length) {
    this.offset += length;
    return this.bytes.subarray(this.offset - length, this.offset);
  }
  vector(element) {
    return Array.from({ length: this.u32() }, () => element(this));
  }
  /** The limits of a table or a memory. */
  limits() {
    const flags = this.byte();
    this.u32();
    if (flags & 1) this.u32();
  }
}

export function u32(value) {
  const bytes = [];
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>>= 7;
  } while (value > 0);
  return Buffer.from(bytes);
}

export const sized = (bytes) => Buffer.concat([u32(bytes.length), bytes]);
export const text = (string) => sized(Buffer.from(string));
