// SPDX-License-Identifier: MIT
/** The storage of directories in memory: inodes and blocks in shared memory, which all threads of a guest use. */
import type { Shared } from './shared.js';

const BLOCK = 4096;
const BLOCK_WORDS = BLOCK / 4;
/** A block of block numbers has 2 ** FAN_BITS of them. */
const FAN_BITS = 10;
const FAN = BLOCK_WORDS;
/**
 * The first NEAR_BLOCKS blocks of an inode are found through blocks of block numbers on two levels, the following ones on three. Holes take
 * nothing.
 */
const NEAR_BLOCKS = FAN ** 2;
const MAX_SIZE = (NEAR_BLOCKS + FAN ** 3) * BLOCK;
const BLOCKS = 65536;
const INODES = 16384;
const INODE_WORDS = 16;
export const MAX_OPEN = 8192;
const OPEN_WORDS = 2;

const NEXT_BLOCK = 1;      // all blocks from this one on have never been used; 0 is none
const FREE_BLOCK = 2;      // the first of the blocks that were freed; its first word is the next one
const USED_BLOCKS = 3;
const OPEN = 16;
const INODE = OPEN + MAX_OPEN * OPEN_WORDS;
/** In words; a whole number of blocks. */
const DATA = Math.ceil((INODE + INODES * INODE_WORDS) / BLOCK_WORDS) * BLOCK_WORDS;

// The words of an inode, which is used if it has a mode. Its times are 64 bits each, in ns.
const MODE = 0;
const LINKS = 1;
const OPENS = 2;
const SIZE = 3;            // two words
const ROOT = 5;
const PARENT = 6;          // of a directory
const COUNT = 7;           // the number of its blocks
const FAR_ROOT = 8;
const ATIME = 10, MTIME = 12, CTIME = 14;

export const Mode = { type: 0o170000, file: 0o100000, directory: 0o040000, link: 0o120000 } as const;

/** Makes the error of a call of Node's fs. */
export const diskError = (code: string): Error => Object.assign(new Error(code), { code });

export const TOP = 1;

export class Disk {
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly times: BigInt64Array;

  constructor(readonly buffer: SharedArrayBuffer, private readonly shared: Shared) {
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.times = new BigInt64Array(buffer);
  }

  /** Makes an empty disk. Pages of its memory that are not touched cost nothing. */
  static create(shared: Shared): Disk {
    const disk = new Disk(new SharedArrayBuffer((DATA + BLOCKS * BLOCK_WORDS) * 4), shared);
    disk.words[NEXT_BLOCK] = 1;
    disk.words[USED_BLOCKS] = 1;
    return disk;
  }

  /** Calls work() while no other thread uses the disk. */
  locked<T>(work: () => T): T {
    return this.shared.withDisk(work);
  }

  // ---- Inodes

  private word(ino: number, word: number): number {
    return this.words[INODE + ino * INODE_WORDS + word] ?? 0;
  }

  private setWord(ino: number, word: number, value: number): void {
    this.words[INODE + ino * INODE_WORDS + word] = value;
  }

  /** Makes an inode without a name. parent: for a directory. */
  make(mode: number, parent: number): number {
    for (let ino = TOP; ino < INODES; ino++) {
      if (this.word(ino, MODE) !== 0) continue;
      this.words.fill(0, INODE + ino * INODE_WORDS, INODE + (ino + 1) * INODE_WORDS);
      this.setWord(ino, MODE, mode);
      this.setWord(ino, PARENT, parent);
      this.touch(ino, true, true);
      return ino;
    }
    throw diskError('ENOSPC');
  }

  mode(ino: number): number {
    return this.word(ino, MODE);
  }

  setMode(ino: number, permissions: number): void {
    this.setWord(ino, MODE, (this.mode(ino) & Mode.type) | (permissions & 0o7777));
    this.touch(ino, false, false);
  }

  is(ino: number, type: number): boolean {
    return (this.mode(ino) & Mode.type) === type;
  }

  parent(ino: number): number {
    return this.word(ino, PARENT);
  }

  setParent(ino: number, parent: number): void {
    this.setWord(ino, PARENT, parent);
  }

  links(ino: number): number {
    return this.word(ino, LINKS);
  }

  /** One name more, or fewer. An inode without names that nobody has open is freed. */
  addLinks(ino: number, more: number): void {
    this.setWord(ino, LINKS, this.links(ino) + more);
    this.touch(ino, false, false);
    this.freeUnused(ino);
  }

  private freeUnused(ino: number): void {
    if (this.links(ino) > 0 || this.word(ino, OPENS) > 0 || ino === TOP) return;
    this.resize(ino, 0);
    this.setWord(ino, MODE, 0);
  }

  size(ino: number): number {
    return (this.word(ino, SIZE) >>> 0) + this.word(ino, SIZE + 1) * 2 ** 32;
  }

  private setSize(ino: number, size: number): void {
    this.setWord(ino, SIZE, size | 0);
    this.setWord(ino, SIZE + 1, Math.floor(size / 2 ** 32));
  }

  blocks(ino: number): number {
    return this.word(ino, COUNT);
  }

  get free(): number {
    return BLOCKS - (this.words[USED_BLOCKS] ?? 0);
  }

  time(ino: number, which: 'access' | 'modify' | 'change'): bigint {
    return this.times[this.timeAt(ino, which)] ?? 0n;
  }

  private timeAt(ino: number, which: 'access' | 'modify' | 'change'): number {
    return (INODE + ino * INODE_WORDS + (which === 'access' ? ATIME : which === 'modify' ? MTIME : CTIME)) / 2;
  }

  setTimes(ino: number, access: bigint | undefined, modify: bigint | undefined): void {
    if (access !== undefined) this.times[this.timeAt(ino, 'access')] = access;
    if (modify !== undefined) this.times[this.timeAt(ino, 'modify')] = modify;
    this.times[this.timeAt(ino, 'change')] = BigInt(Date.now()) * 1_000_000n;
  }

  private touch(ino: number, accessed: boolean, modified: boolean): void {
    const now = BigInt(Date.now()) * 1_000_000n;
    this.setTimes(ino, accessed ? now : undefined, modified ? now : undefined);
  }

  // ---- Blocks

  private allocate(): number {
    const { words } = this;
    let block = words[FREE_BLOCK] ?? 0;
    if (block !== 0) {
      words[FREE_BLOCK] = words[DATA + block * BLOCK_WORDS] ?? 0;
      words.fill(0, DATA + block * BLOCK_WORDS, DATA + (block + 1) * BLOCK_WORDS);
    } else {
      block = words[NEXT_BLOCK] ?? 0;
      if (block >= BLOCKS) throw diskError('ENOSPC');
      words[NEXT_BLOCK] = block + 1;
    }
    words[USED_BLOCKS] = (words[USED_BLOCKS] ?? 0) + 1;
    return block;
  }

  private release(block: number): void {
    const { words } = this;
    words[DATA + block * BLOCK_WORDS] = words[FREE_BLOCK] ?? 0;
    words[FREE_BLOCK] = block;
    words[USED_BLOCKS] = (words[USED_BLOCKS] ?? 0) - 1;
  }

  /** The block number at a place of a block of block numbers, or in an inode; allocated if it is missing and wanted. */
  private at(word: number, make: boolean): number {
    const found = this.words[word] ?? 0;
    return found !== 0 || !make ? found : (this.words[word] = this.allocate());
  }

  /** The block that has the n-th part of a file; 0 where there is a hole. */
  private block(ino: number, n: number, make: boolean): number {
    if (n >= NEAR_BLOCKS + FAN ** 3) throw diskError('EFBIG');
    const isFar = n >= NEAR_BLOCKS;
    if (isFar) n -= NEAR_BLOCKS;
    let place = INODE + ino * INODE_WORDS + (isFar ? FAR_ROOT : ROOT);
    for (let level = isFar ? 3 : 2; level > 0; level--) {
      const numbers = this.at(place, make);
      if (numbers === 0) return 0;
      place = DATA + numbers * BLOCK_WORDS + ((n >>> (FAN_BITS * (level - 1))) & (FAN - 1));
    }
    if (!make || this.words[place] !== 0) return this.words[place] ?? 0;
    const block = this.at(place, true);
    this.setWord(ino, COUNT, this.blocks(ino) + 1);
    return block;
  }

  /** Calls work() with the bytes of each block of a range, or undefined for a hole, and where it begins in the range. */
  private each(ino: number, start: number, end: number, make: boolean, work: (bytes: Uint8Array | undefined, done: number, length: number) => void): void {
    for (let at = start; at < end;) {
      const length = Math.min(end - at, BLOCK - (at % BLOCK));
      const block = this.block(ino, Math.floor(at / BLOCK), make);
      const from = (DATA + block * BLOCK_WORDS) * 4 + (at % BLOCK);
      work(block === 0 ? undefined : this.bytes.subarray(from, from + length), at - start, length);
      at += length;
    }
  }

  read(ino: number, into: Uint8Array, position: number): number {
    const end = Math.min(position + into.length, this.size(ino));
    if (end <= position) return 0;
    this.each(ino, position, end, false, (bytes, done, length) => {
      if (bytes) into.set(bytes, done);
      else into.fill(0, done, done + length);
    });
    return end - position;
  }

  /** Writes as much as there is room for. */
  write(ino: number, from: Uint8Array, position: number): number {
    let written = 0;
    try {
      this.each(ino, position, position + from.length, true, (bytes, done, length) => {
        bytes?.set(from.subarray(done, done + length));
        written = done + length;
      });
    } catch (error) {
      if (written === 0) throw error;
    }
    if (written > 0) {
      this.setSize(ino, Math.max(this.size(ino), position + written));
      this.touch(ino, false, true);
    }
    return written;
  }

  resize(ino: number, size: number): void {
    if (size > MAX_SIZE) throw diskError('EFBIG');
    const old = this.size(ino);
    if (size < old) this.cut(ino, size, old);
    this.setSize(ino, size);
    this.touch(ino, false, true);
  }

  /** Frees the blocks beyond a size, and zeroes the rest of the last one. */
  private cut(ino: number, size: number, old: number): void {
    const rest = size % BLOCK;
    if (rest !== 0) this.each(ino, size, Math.min(old, size + BLOCK - rest), false, (bytes) => bytes?.fill(0));
    const first = Math.ceil(size / BLOCK);
    this.prune(ino, INODE + ino * INODE_WORDS + ROOT, 2, first);
    this.prune(ino, INODE + ino * INODE_WORDS + FAR_ROOT, 3, Math.max(0, first - NEAR_BLOCKS));
  }

  /** Frees the blocks of a file from the first-th one on that the block named by a word leads to; also that block if nothing is left. */
  private prune(ino: number, word: number, level: number, first: number): void {
    const { words } = this;
    const block = words[word] ?? 0;
    if (block === 0) return;
    if (level === 0) this.setWord(ino, COUNT, this.blocks(ino) - 1);
    const span = FAN ** (level - 1);
    for (let i = level === 0 ? FAN : Math.floor(first / span); i < FAN; i++) {
      this.prune(ino, DATA + block * BLOCK_WORDS + i, level - 1, Math.max(0, first - i * span));
    }
    if (first > 0) return;
    this.release(block);
    words[word] = 0;
  }

  // ---- Open files

  /** Opens an inode. Returns the number of the open file. */
  open(ino: number, flags: number): number {
    for (let n = 0; n < MAX_OPEN; n++) {
      if (this.words[OPEN + n * OPEN_WORDS] !== 0) continue;
      this.words[OPEN + n * OPEN_WORDS] = ino;
      this.words[OPEN + n * OPEN_WORDS + 1] = flags;
      this.setWord(ino, OPENS, this.word(ino, OPENS) + 1);
      return n;
    }
    throw diskError('ENFILE');
  }

  opened(n: number): { ino: number; flags: number } {
    const ino = this.words[OPEN + n * OPEN_WORDS] ?? 0;
    if (ino === 0) throw diskError('EBADF');
    return { ino, flags: this.words[OPEN + n * OPEN_WORDS + 1] ?? 0 };
  }

  close(n: number): void {
    const { ino } = this.opened(n);
    this.words[OPEN + n * OPEN_WORDS] = 0;
    this.setWord(ino, OPENS, this.word(ino, OPENS) - 1);
    this.freeUnused(ino);
  }
}
