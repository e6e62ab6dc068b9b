// SPDX-License-Identifier: MIT
/**
 * The memories of a guest's module, as its bytes declare them (WebAssembly core specification, 5.5.5 and 5.5.8). JavaScript cannot
 * ask a WebAssembly.Module for them.
 */
import { AioError } from '../errors.js';
import { PAGE } from '../runtime/module.js';

/** A memory that a module declares or imports. */
export interface DeclaredMemory {
  /** The names of the import; undefined for a memory of its own. */
  readonly from: { module: string; name: string } | undefined;
  readonly shared: boolean;
  /** In pages of 64 KiB; maximum is undefined if none is declared. */
  readonly initial: number;
  readonly maximum: number | undefined;
  /** Where the limits are in the bytes of the module. */
  readonly start: number;
  readonly end: number;
}

/** The magic number, the version, and the layer: 0 is a module, 1 a component. */
const COMPONENT = [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0];
const CUSTOM = 0, IMPORTS = 2, MEMORIES = 5;
const HAS_MAXIMUM = 1, SHARED = 2, IS_64 = 4;

const refuse = (why: string): never => {
  throw new AioError('ERR_AIO_MODULE', `the WebAssembly module ${why}`);
};

/** Throws an error that says what a component is, if the bytes are one. */
export function assertNoComponent(binary: Uint8Array, from: string): void {
  if (COMPONENT.every((byte, i) => binary[i] === byte)) {
    throw new AioError('ERR_AIO_MODULE', `${from} is a component of the component model (WASI preview2), not a module for WASI preview1: build it for wasm32-wasip1, or run the module that is in it`);
  }
}

/** Reads the sections of a module up to the one of its memories. */
class Bytes {
  at = 8;

  constructor(readonly binary: Uint8Array) {}

  get ended(): boolean {
    return this.at >= this.binary.length;
  }

  byte(): number {
    return this.binary[this.at++] ?? refuse('is cut short');
  }

  /** An unsigned number in LEB128. */
  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  text(): string {
    const length = this.number();
    this.at += length;
    return new TextDecoder().decode(this.binary.slice(this.at - length, this.at));
  }

  memory(from: DeclaredMemory['from']): DeclaredMemory {
    const start = this.at;
    const flags = this.number();
    if (flags & IS_64) refuse('has a memory with 64-bit addresses (memory64), which the pointers of WASI preview1 cannot express: build it for wasm32');
    if (flags & ~(HAS_MAXIMUM | SHARED)) refuse('has a memory of an unknown kind');
    const initial = this.number();
    const maximum = flags & HAS_MAXIMUM ? this.number() : undefined;
    return { from, shared: (flags & SHARED) !== 0, initial, maximum, start, end: this.at };
  }

  /** The memory that an import is; undefined if it is something else. */
  import(): DeclaredMemory | undefined {
    const from = { module: this.text(), name: this.text() };
    const kind = this.byte();
    if (kind === 2) return this.memory(from);
    if (kind === 0) {
      this.number();                         // a function's type
    } else if (kind === 1) {
      this.at++;                             // a table
      if (this.number() & HAS_MAXIMUM) this.number();
      this.number();
    } else if (kind === 3) {
      this.at += 2;                          // a global
    } else if (kind === 4) {
      this.at++;                             // a tag: its attribute, its type
      this.number();
    } else {
      refuse('imports something unknown');
    }
    return undefined;
  }
}

/** All memories of a module, imported ones first. @throws AioError ERR_AIO_MODULE: cut short, or with 64-bit addresses */
export function memoriesOf(binary: Uint8Array): DeclaredMemory[] {
  const bytes = new Bytes(binary);
  const found: DeclaredMemory[] = [];
  while (!bytes.ended) {
    const id = bytes.byte();
    const size = bytes.number();
    const end = bytes.at + size;
    if (id === IMPORTS || id === MEMORIES) {
      for (let left = bytes.number(); left > 0; left--) {
        const memory = id === IMPORTS ? bytes.import() : bytes.memory(undefined);
        if (memory) found.push(memory);
      }
    }
    bytes.at = end;
  }
  return found;
}

/**
 * The most pages that each memory may have, so that all of them together have no more than maximumMemory allows: what is left after
 * their initial pages is divided equally. @throws AioError ERR_AIO_NO_MEMORY: it allows less than they begin with
 */
export function shareOf(memories: readonly DeclaredMemory[], maximumMemory: number): number[] {
  const pages = Math.floor(maximumMemory / PAGE);
  const initial = memories.reduce((sum, memory) => sum + memory.initial, 0);
  if (initial > pages) {
    const what = memories.length > 1 ? `its ${memories.length} memories begin` : 'its memory begins';
    throw new AioError('ERR_AIO_NO_MEMORY', `the limit for the guest's memory is ${pages * PAGE} bytes, but ${what} with ${initial * PAGE}`);
  }
  const more = Math.floor((pages - initial) / Math.max(1, memories.length));
  return memories.map((memory) => Math.min(memory.maximum ?? Infinity, memory.initial + more));
}

/** A number in LEB128. */
function leb(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  bytes.push(value);
  return bytes;
}

/** The module's bytes, with these maxima declared for its own memories. */
export function withMaxima(binary: Uint8Array<ArrayBuffer>, memories: readonly DeclaredMemory[], maxima: readonly number[]): Uint8Array<ArrayBuffer> {
  const own = memories.flatMap((memory, i) => (memory.from ? [] : [{ ...memory, maximum: maxima[i] ?? 0 }]));
  const section = own.length === 0 ? undefined : sectionAt(binary, (id) => id === MEMORIES);
  if (!section) return binary;
  const limits = own.flatMap(({ shared, initial, maximum }) => [HAS_MAXIMUM | (shared ? SHARED : 0), ...leb(initial), ...leb(maximum)]);
  const contents = [...leb(own.length), ...limits];
  const made = [MEMORIES, ...leb(contents.length), ...contents];
  const result = new Uint8Array(section.start + made.length + binary.length - section.end);
  result.set(binary.subarray(0, section.start));
  result.set(made, section.start);
  result.set(binary.subarray(section.end), section.start + made.length);
  return result;
}

/** Whether a module has a custom section with this name. */
export const hasSection = (binary: Uint8Array, name: string): boolean =>
  sectionAt(binary, (id, bytes) => id === CUSTOM && bytes.text() === name) !== undefined;

/** Where the first section is that is looked for. */
function sectionAt(binary: Uint8Array, isIt: (id: number, contents: Bytes) => boolean): { start: number; end: number } | undefined {
  const bytes = new Bytes(binary);
  while (!bytes.ended) {
    const start = bytes.at;
    const id = bytes.byte();
    const size = bytes.number();
    const end = bytes.at + size;
    if (isIt(id, bytes)) return { start, end };
    bytes.at = end;
  }
  return undefined;
}
