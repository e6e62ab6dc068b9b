// SPDX-License-Identifier: MIT
/**
 * Packs values that are sent to another thread. Functions, errors and handles, which the structured clone algorithm refuses
 * or spoils, are taken out of plain objects, arrays, Maps and Sets, and put in again on the other side.
 */
import { define } from './define.js';
import { VIEWS } from './encoding.js';
import { isLive, isStream } from './live.js';
import { isProxied, transferOf } from './marks.js';
import { classNameOf, eachMember, handleFor, isDoubtful, isHandle, isMany, isOfOwnClass, kindOf, largeBuffer, nameOf, scan, type Kind, type Place } from './scan.js';
import { isError, takeApart } from './take-apart.js';
import type { AnyFunction, Correspondent, Filling, Hole, Packet, Parts } from './unpack.js';

/** A packet, and what is needed to send it. */
export interface Packed {
  readonly packet: Packet;
  transfer: Transferable[];
  /** The numbers of the functions in it, each as often as the function was sent. */
  readonly sent: number[];
  /** Whether its receiver may be unable to read it. */
  doubtful: boolean;
}

/** The methods and handles of an object of a class, both own and inherited. */
export function methods(object: object): [string, unknown][] {
  const found = new Map<string, unknown>();
  for (let at: object | null = object; at; at = Object.getPrototypeOf(at) as object | null) {
    if (at !== object && Object.getPrototypeOf(at) === null) break;
    for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      const wanted = typeof value === 'function' ? key !== 'constructor' : typeof value === 'object' && value !== null && isHandle(value as object);
      if (wanted && !found.has(key)) found.set(key, value);
    }
  }
  return [...found];
}

/**
 * Packs a value. root: its name in error messages. copied: plain objects, which may be
 * Proxies that structured clone refuses, are all copied.
 * @throws DataCloneError, which names the part that cannot be sent
 */
export function pack(value: unknown, by: Correspondent, root = 'value', copied = false): Packed {
  const top: Place = { key: root };
  const { found, doubtful, large } = scan(value);
  /** Large buffers are copied and transferred: structured clone would copy them twice. */
  const moves = large && !found;
  const packet: Packet = { value };
  const packed: Packed = { packet, transfer: [], sent: [], doubtful: doubtful && !moves };
  if (!found && !copied && !moves) return packed;
  const holes: Hole[] = (packet.holes = []);
  const made: Parts[] = (packet.made = []);
  /** What stands for each object in the packet: its copy, or the parts from which the receiver makes it. */
  const copies = new Map<object, { copy: object } | { of: Parts }>();
  const moved = new Map<ArrayBuffer, ArrayBuffer>();
  const todo: (() => void)[] = [];

  /** Returns a copy of a large buffer, or a view of one. */
  const move = (from: object): object | undefined => {
    const buffer = largeBuffer(from);
    const type = ArrayBuffer.isView(from) ? VIEWS.find((type) => from instanceof type) : undefined;
    if (!buffer || (buffer !== from && !type)) return undefined;
    let copy = moved.get(buffer);
    if (!copy) {
      // Its memory is not zeroed first, as that of slice() is.
      copy = new Uint8Array(new Uint8Array(buffer)).buffer;
      moved.set(buffer, copy);
      packed.transfer.push(copy);
    }
    const { byteOffset, byteLength, length = byteLength } = from as Uint8Array;
    return type ? new (type as Uint8ArrayConstructor)(copy, byteOffset, length) : copy;
  };

  const put = (into: object, key: string, from: unknown, self: unknown, place: Place): void => {
    const leave = (filling: Filling): void => {
      define(into, key, undefined);
      holes.push({ in: into, key, ...filling });
    };
    const make = (of: Parts): void => {
      copies.set(from as object, { of });
      made.push(of);
      leave({ as: 'made', of });
    };
    if (typeof from === 'function') {
      const theirs = by.numberOf(from as AnyFunction);
      if (theirs !== undefined) return leave({ as: 'own', id: theirs });
      const id = by.hold(from as AnyFunction, self);
      packed.sent.push(id);
      return leave({ as: 'function', id });
    }
    if (typeof from !== 'object' || from === null) return define(into, key, from);
    const known = copies.get(from);
    if (known) return 'of' in known ? leave({ as: 'made', of: known.of }) : define(into, key, known.copy);
    packed.transfer.push(...transferOf(from));
    if (isHandle(from)) return leave({ as: 'handle', handle: handleFor(from, by) });
    if (isError(from)) {
      const parts = takeApart(from);
      make(parts);
      for (const field of ['cause', 'errors'] as const) {
        if (field in parts) todo.push(() => put(parts, field, parts[field], undefined, { inside: place, key: field }));
      }
      return;
    }
    if (isLive(from) && !isProxied(from)) {
      const why = !by.live ? 'nothing can follow this value' : isStream(from) && from.locked ? 'the stream is locked' : undefined;
      if (!by.live || why) throw new DOMException(`${nameOf(place)} cannot be sent to another thread: ${why}`, 'DataCloneError');
      // A stream that was transferred by the platform would not wake up a loop that sleeps in WebAssembly.
      packed.transfer = packed.transfer.filter((item) => item !== from);
      const parts = by.live.send(from);
      packed.sent.push(parts.id);
      make(parts);
      if ('reason' in parts) todo.push(() => put(parts, 'reason', parts.reason, undefined, { inside: place, key: 'reason' }));
      return;
    }
    const kind: Kind = isProxied(from) ? 'plain' : kindOf(from);
    if (isOfOwnClass(from, kind) && !packed.transfer.includes(from as Transferable)) refuse(from, place);
    if (kind === 'Map' || kind === 'Set') {
      const items: unknown[] = [];
      make({ base: kind, items });
      todo.push(() => {
        let n = 0;
        eachMember(from, kind, (member, of, as) => put(items, String(n++), member, undefined, { inside: place, key: of, as }));
      });
      return;
    }
    if (kind === 'other') {
      const copy = (moves && move(from)) || from;
      define(into, key, copy);
      copies.set(from, { copy });
      packed.doubtful ||= copy === from && isDoubtful(from);
      return;
    }
    const copy = kind === 'array' ? Array<unknown>((from as unknown[]).length) : {};
    copies.set(from, { copy });
    define(into, key, copy);
    todo.push(() => {
      const visit = (member: unknown, name: unknown): void =>
        put(copy, name as string, member, kind === 'array' ? undefined : from, { inside: place, key: name });
      if (isProxied(from)) for (const [name, member] of methods(from)) visit(member, name);
      else eachMember(from, kind, visit);
    });
  };
  try {
    put(packet, 'value', value, undefined, top);
    // The array grows during this loop.
    for (const work of todo) work();
  } catch (error) {
    by.unsent(packed.sent);
    throw error;
  }
  packed.doubtful ||= isMany(copies.size);
  return packed;
}

/** Refuses an object that would arrive without its class. */
function refuse(from: object, place: Place): never {
  throw new DOMException(
    `${nameOf(place)} cannot be sent to another thread: an object of class ${classNameOf(from)} would arrive without its class; send it as ` +
    'proxy(object), for its methods, or its fields in a plain object', 'DataCloneError');
}
