// SPDX-License-Identifier: MIT
/** Decodes the values that encoder.ts has encoded. */
import { define } from './define.js';
import { Scratch, Tag, VIEWS } from './encoding.js';
import { complete, putTogether, type ErrorParts } from './error.js';
import type { Handle } from './handle.js';
import { Live, type LiveParts, type LiveValues } from './live.js';
import { dataOnly, type Correspondent } from './unpack.js';

/** Strings up to this length are looked up among those seen lately: most are names that come again. */
const NAME = 24;
const NAMES = 256;
const latin1 = new TextDecoder('latin1');
const utf16 = new TextDecoder('utf-16le', { ignoreBOM: true });

/** Names that were decoded lately, by a hash of their bytes. */
const names: string[] = Array<string>(NAMES).fill('');

export class Decoder extends Scratch {
  private at = 0;
  /** Only while it is needed: see Encoder. */
  private by: Correspondent = dataOnly;
  /** The objects so far, in their order. */
  private objects: unknown[] = [];
  private refused: unknown[] = [];

  /** Decodes the value that begins at `from`. Throws if a function or a handle in it cannot be had any more. */
  decode(from: number, by: Correspondent): unknown {
    this.at = from;
    this.by = by;
    try {
      const value = this.value();
      if (this.refused.length === 0) return value;
      throw this.refused[0];
    } finally {
      // Also after a record that was cut off: the next one is decoded by the same object.
      this.by = dataOnly;
      if (this.objects.length > 0) this.objects = [];
      if (this.refused.length > 0) this.refused = [];
    }
  }

  private byte(): number {
    return this.bytes[this.at++] as number;
  }

  private uint(): number {
    const value = this.view.getUint32(this.at, true);
    this.at += 4;
    return value;
  }

  private double(): number {
    const value = this.view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  private text(): string {
    return this.byte() === Tag.short ? this.short() : this.long();
  }

  private short(): string {
    const { bytes } = this;
    const length = this.byte();
    const { at } = this;
    const end = (this.at += length);
    if (length > NAME) return latin1OrWindows(bytes, at, end);
    let hash = length;
    for (let n = at; n < end; n++) hash = (Math.imul(hash, 31) + (bytes[n] as number)) | 0;
    const place = (hash ^ (hash >>> 8)) & (NAMES - 1);
    const known = names[place] as string;
    if (known.length === length) {
      let n = 0;
      while (n < length && known.charCodeAt(n) === bytes[at + n]) n++;
      if (n === length) return known;
    }
    return (names[place] = String.fromCharCode(...bytes.subarray(at, end)));
  }

  private long(): string {
    const length = this.uint();
    const from = this.at;
    this.at += 2 * length;
    const bytes = this.bytes.subarray(from, this.at);
    const text = utf16.decode(bytes);
    // A surrogate without its other half has become U+FFFD.
    return text.includes('\ufffd') ? exact(bytes) : text;
  }

  private value(): unknown {
    switch (this.byte()) {
      case Tag.undefined: return undefined;
      case Tag.null: return null;
      case Tag.true: return true;
      case Tag.false: return false;
      case Tag.int: return this.uint() | 0;
      case Tag.double: return this.double();
      case Tag.bigint: return BigInt(this.text());
      case Tag.short: return this.short();
      case Tag.string: return this.long();
      case Tag.date: return this.known(new Date(this.double()));
      case Tag.object: return this.plain();
      case Tag.array: return this.array();
      case Tag.map: return this.map();
      case Tag.set: return this.set();
      case Tag.again: return this.objects[this.uint()];
      case Tag.buffer: return this.buffer();
      case Tag.view: return this.bufferView();
      case Tag.theirs: return this.by.stub(this.uint());
      case Tag.ours: return this.attempt(() => this.by.own(this.uint()));
      case Tag.handle: {
        // Its object has a number of its own.
        const handle = this.value() as Handle;
        return this.attempt(() => this.by.fromHandle(handle));
      }
      case Tag.error: return this.error();
      case Tag.live: return this.live();
      default: throw new TypeError('a record that the encoder has not written');
    }
  }

  /** All is decoded even if a part is refused, because the sender counts each function that it has sent. */
  private attempt(work: () => unknown): unknown {
    try {
      return work();
    } catch (error) {
      this.refused.push(error);
      return undefined;
    }
  }

  private known<T>(object: T): T {
    this.objects.push(object);
    return object;
  }

  private plain(): object {
    const object = this.known<Record<string, unknown>>({});
    for (let left = this.uint(); left > 0; left--) {
      const name = this.text();
      const value = this.value();
      if (name === '__proto__') define(object, name, value);
      else object[name] = value;
    }
    return object;
  }

  private array(): unknown[] {
    const length = this.uint();
    const array = this.known<unknown[]>([]);
    for (let n = 0; n < length; n++) array.push(this.value());
    return array;
  }

  private map(): Map<unknown, unknown> {
    const map = this.known(new Map<unknown, unknown>());
    for (let left = this.uint(); left > 0; left -= 2) {
      const key = this.value();
      map.set(key, this.value());
    }
    return map;
  }

  private set(): Set<unknown> {
    const set = this.known(new Set<unknown>());
    for (let left = this.uint(); left > 0; left--) set.add(this.value());
    return set;
  }

  private buffer(): ArrayBuffer {
    const length = this.uint();
    const from = this.at;
    this.at += length;
    return this.known(this.bytes.buffer.slice(from, this.at));
  }

  private bufferView(): ArrayBufferView {
    const number = this.objects.push(undefined) - 1;
    const type = VIEWS[this.byte()] as new (buffer: ArrayBuffer, offset: number, length: number) => ArrayBufferView;
    const offset = this.uint();
    const length = this.uint();
    return (this.objects[number] = new type(this.value() as ArrayBuffer, offset, length));
  }

  private live(): object {
    const live = this.by.live as LiveValues;
    const parts: LiveParts = { live: this.byte(), id: this.uint() };
    const object = this.known(live.receive(parts));
    if (parts.live === Live.aborted) live.complete(object, { ...parts, reason: this.value() });
    return object;
  }

  private error(): Error {
    const number = this.objects.push(undefined) - 1;
    const parts = {} as ErrorParts;
    for (const part of ['base', 'name', 'message', 'stack', 'fields'] as const) parts[part] = this.value() as never;
    const error = (this.objects[number] = putTogether(parts));
    for (let left = this.byte(); left > 0; left--) {
      const part = this.text() as 'cause' | 'errors';
      parts[part] = this.value();
    }
    complete(error, parts);
    this.by.live?.complete(error, parts);
    return error;
  }
}

/** A string with these character codes. */
function latin1OrWindows(bytes: Uint8Array, from: number, to: number): string {
  let all = 0;
  for (let n = from; n < to; n++) all |= bytes[n] as number;
  // The decoder named latin1 is that of windows-1252, which has other characters at 0x80 to 0x9f.
  return all < 0x80 ? latin1.decode(bytes.subarray(from, to)) : String.fromCharCode(...bytes.subarray(from, to));
}

function exact(bytes: Uint8Array): string {
  let text = '';
  for (let n = 0; n < bytes.length; n += 2) text += String.fromCharCode((bytes[n] as number) | ((bytes[n + 1] as number) << 8));
  return text;
}
