// SPDX-License-Identifier: MIT
/**
 * Encodes values for a ring (record-ring.ts): plain data with functions, errors and handles in it. It keeps what structured
 * clone keeps, such as objects that occur twice and cycles. Other values are left to packet.ts.
 */
import { MOST, Scratch, Tag, VIEWS } from './encoding.js';
import { isAsyncIterable, isLive, isStream, Live } from './live.js';
import { isProxied, isTransferred, marks } from './marks.js';
import { methods } from './packet.js';
import { handleFor, isHandle, isOfOwnClass, kindOf } from './scan.js';
import { isError, takeApart } from './take-apart.js';
import { dataOnly, type AnyFunction, type Correspondent } from './unpack.js';

/** Thrown for a value that cannot be encoded. It is no error, which would keep alive what its stack refers to. */
const OTHER = {} as Error;
/** Values that are nested more deeply than this are left to structured clone, which does not recurse. */
const DEPTH = 100;
/** Among so few objects looking through the list is faster than a Map. */
const FEW = 12;

const { getPrototypeOf, keys } = Object;
const tagOf = (value: object): string => Object.prototype.toString.call(value);

export class Encoder extends Scratch {
  private at = 0;
  private depth = 0;
  /** Only while it is needed, since this object outlives connections and would keep their runtimes' memory. */
  private by: Correspondent = dataOnly;
  /** The objects so far, in their order. */
  private seen: object[] = [];
  private numbers: Map<object, number> | undefined;
  /** The functions that are held for the value that is being encoded, and for the last one until it is sent or not. */
  private sent: number[] = [];
  private held: number[] = [];
  /** A getter of the value may send something itself. */
  private busy = false;

  /**
   * Encodes a value after the words that the caller has put in front of it, which take `from` bytes. Returns the length
   * of all, or -1 if the value has to be sent otherwise; nothing is held then. Throws what a getter of the value throws.
   */
  encode(value: unknown, by: Correspondent, from: number): number {
    this.at = from;
    this.depth = 0;
    this.by = by;
    this.busy = true;
    try {
      this.put(value, undefined);
      if (this.at <= MOST) return this.at;
    } catch (error) {
      by.unsent(this.sent);
      this.sent = [];
      this.by = dataOnly;
      if (error !== OTHER) throw error;
      return -1;
    } finally {
      this.busy = false;
      if (this.seen.length > 0) this.seen = [];
      this.numbers = undefined;
      if (this.sent.length > 0) this.held = this.sent;
      this.sent = [];
    }
    this.takeBack();
    return -1;
  }

  /** The last value is not sent after all. */
  takeBack(): void {
    this.by.unsent(this.held);
    this.isSent();
  }

  /** Forgets which functions the last value has in it, and returns their numbers: it is sent. */
  isSent(): number[] {
    const { held } = this;
    this.by = dataOnly;
    if (held.length > 0) this.held = [];
    return held;
  }

  get inUse(): boolean {
    return this.busy;
  }

  // ---- Numbers and text

  private byte(value: number): void {
    this.bytes[this.at++] = value;
  }

  private uint(value: number): void {
    this.view.setUint32(this.at, value, true);
    this.at += 4;
  }

  private double(value: number): void {
    this.view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  private text(value: string): void {
    const { bytes } = this;
    const { length } = value;
    if (length < 256) {
      let at = this.at + 2;
      let all = 0;
      for (let n = 0; n < length; n++) all |= bytes[at++] = value.charCodeAt(n);
      if (all < 256) {
        bytes[this.at] = Tag.short;
        bytes[this.at + 1] = length;
        this.at = at;
        return;
      }
    }
    this.room(2 * length);
    this.byte(Tag.string);
    this.uint(length);
    const { view } = this;
    for (let n = 0; n < length; n++, this.at += 2) view.setUint16(this.at, value.charCodeAt(n), true);
  }

  /** Refuses what does not fit. Less than 512 bytes may be written without asking. */
  private room(length: number): void {
    if (this.at + length > MOST) throw OTHER;
  }

  // ---- Values

  private put(value: unknown, self: unknown): void {
    if (this.at > MOST) throw OTHER;
    switch (typeof value) {
      case 'number':
        if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
          this.byte(Tag.int);
          this.uint(value);
        } else {
          this.byte(Tag.double);
          this.double(value);
        }
        return;
      case 'string': return this.text(value);
      case 'boolean': return this.byte(value ? Tag.true : Tag.false);
      case 'undefined': return this.byte(Tag.undefined);
      case 'bigint':
        this.byte(Tag.bigint);
        return this.text(String(value));
      case 'function': return this.work(value as AnyFunction, self);
      case 'object':
        if (value === null) return this.byte(Tag.null);
        return this.object(value);
      default: throw OTHER;
    }
  }

  private work(work: AnyFunction, self: unknown): void {
    const ours = this.by.numberOf(work);
    if (ours !== undefined) {
      this.byte(Tag.ours);
      return this.uint(ours);
    }
    const id = this.by.hold(work, self);
    this.sent.push(id);
    this.byte(Tag.theirs);
    this.uint(id);
  }

  /** Whether the object came before; if not, it has the next number from now on. */
  private again(value: object): boolean {
    const { seen } = this;
    let number = -1;
    if (this.numbers) number = this.numbers.get(value) ?? -1;
    else if (seen.length > 0) number = seen.indexOf(value);
    if (number >= 0) {
      this.byte(Tag.again);
      this.uint(number);
      return true;
    }
    this.numbers?.set(value, seen.length);
    seen.push(value);
    if (seen.length === FEW) this.numbers = new Map(seen.map((object, at) => [object, at]));
    return false;
  }

  private object(value: object): void {
    if (marks.any && isTransferred(value)) throw OTHER;
    if (isHandle(value)) {
      this.byte(Tag.handle);
      return this.put(handleFor(value, this.by), undefined);
    }
    if (++this.depth > DEPTH) throw OTHER;
    const proto: unknown = getPrototypeOf(value);
    if (Array.isArray(value)) {
      if (proto !== Array.prototype && isOfOwnClass(value, 'array')) throw OTHER;
      this.array(value);
    } else if (marks.any && isProxied(value)) this.fields(value, methods(value));
    else if (isAsyncIterable(value)) this.live(value);
    else if (proto === Object.prototype || proto === null) this.plain(value);
    else this.special(value);
    this.depth--;
  }

  private plain(value: object): void {
    if (this.again(value)) return;
    const names = keys(value);
    this.byte(Tag.object);
    this.uint(names.length);
    for (const name of names) {
      this.text(name);
      this.put((value as Record<string, unknown>)[name], value);
    }
  }

  private fields(value: object, fields: [string, unknown][]): void {
    if (this.again(value)) return;
    this.byte(Tag.object);
    this.uint(fields.length);
    for (const [name, field] of fields) {
      this.text(name);
      this.put(field, value);
    }
  }

  private array(value: unknown[]): void {
    const { length } = value;
    // One with holes, or with properties that have names, is left to structured clone.
    if (length > MOST || keys(value).length !== length) throw OTHER;
    if (this.again(value)) return;
    this.byte(Tag.array);
    this.uint(length);
    for (let n = 0; n < length; n++) this.put(value[n], undefined);
  }

  private special(value: object): void {
    if (ArrayBuffer.isView(value)) return this.bufferView(value);
    const tag = tagOf(value);
    if (isError(value)) return this.error(value);
    if (tag === '[object Date]' && getPrototypeOf(value) === Date.prototype) {
      if (this.again(value)) return;
      this.byte(Tag.date);
      return this.double(Date.prototype.getTime.call(value));
    }
    if (tag === '[object ArrayBuffer]' && getPrototypeOf(value) === ArrayBuffer.prototype) return this.buffer(value as ArrayBuffer);
    if (isLive(value)) return this.live(value);
    const kind = kindOf(value);
    if (isOfOwnClass(value, kind)) throw OTHER;
    switch (kind) {
      case 'plain': return this.plain(value);
      case 'Map': return this.members(value, Tag.map, 2 * (value as Map<unknown, unknown>).size);
      case 'Set': return this.members(value, Tag.set, (value as Set<unknown>).size);
      default: throw OTHER;
    }
  }

  private live(value: object): void {
    const { live } = this.by;
    if (!live || (isStream(value) && value.locked)) throw OTHER;
    if (this.again(value)) return;
    const parts = live.send(value);
    this.sent.push(parts.id);
    this.byte(Tag.live);
    this.byte(parts.live);
    this.uint(parts.id);
    if (parts.live === Live.aborted) this.put(parts.reason, undefined);
  }

  private members(value: object, tag: number, count: number): void {
    if (this.again(value)) return;
    this.byte(tag);
    this.uint(count);
    if (tag === Tag.map) {
      for (const [key, member] of Map.prototype.entries.call(value) as Iterable<[unknown, unknown]>) {
        this.put(key, undefined);
        this.put(member, undefined);
      }
    } else for (const member of Set.prototype.values.call(value) as Iterable<unknown>) this.put(member, undefined);
  }

  private buffer(value: ArrayBuffer): void {
    // One that can be resized, or was transferred, is left to structured clone.
    if ((value as { resizable?: boolean }).resizable === true || (value as { detached?: boolean }).detached === true) throw OTHER;
    if (this.again(value)) return;
    const { byteLength } = value;
    this.room(byteLength);
    this.byte(Tag.buffer);
    this.uint(byteLength);
    this.bytes.set(new Uint8Array(value), this.at);
    this.at += byteLength;
  }

  private bufferView(value: ArrayBufferView): void {
    const kind = VIEWS.findIndex((type) => value instanceof type);
    const { buffer, byteOffset } = value;
    if (kind < 0 || tagOf(buffer) !== '[object ArrayBuffer]') throw OTHER;
    if (this.again(value)) return;
    this.byte(Tag.view);
    this.byte(kind);
    this.uint(byteOffset);
    this.uint((value as Partial<Uint8Array>).length ?? value.byteLength);
    this.buffer(buffer as ArrayBuffer);
  }

  private error(value: Error): void {
    if (this.again(value)) return;
    const { base, name, message, stack, fields, ...rest } = takeApart(value);
    this.byte(Tag.error);
    for (const part of [base, name, message, stack, fields]) this.put(part, undefined);
    // Not undefined: a cause that is undefined is there, too.
    const parts = keys(rest);
    this.byte(parts.length);
    for (const part of parts) {
      this.text(part);
      this.put(rest[part as keyof typeof rest], undefined);
    }
  }
}
