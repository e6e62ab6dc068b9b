// SPDX-License-Identifier: MIT
/**
 * Values on their way to another thread. What structured clone refuses or spoils (functions,
 * errors, handles) is taken out of plain objects, arrays, Maps and Sets, and put in again there.
 */
import { AioError } from '../errors.js';
import type { Handle } from '../api/handle.js';
import { define } from './define.js';
import { eachMember, isDoubtful, isHandle, isMany, isProxied, kindOf, nameOf, scan, transferOf, type Kind, type Place } from './scan.js';
import { complete, isError, putTogether, takeApart, type ErrorParts } from './wire-error.js';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any function at all
export type AnyFunction = (...args: any[]) => unknown;

/** What is made there: an error, or a Map or Set with something in it that is no plain data. items:
 * what it has in it, a Map's keys and values in turn. */
type Parts = ErrorParts | { base: 'Map' | 'Set'; items: unknown[] };

type Filling =
  /** A function of the sender's. */
  | { readonly as: 'function'; readonly id: number }
  /** One of the receiver's that comes back. */
  | { readonly as: 'own'; readonly id: number }
  | { readonly as: 'handle'; readonly handle: Handle }
  /** One of Packet.made. */
  | { readonly as: 'made'; readonly of: Parts };

/** A property that is missing in an object of the packet's (which structured clone keeps to be the same), and what belongs there. */
type Hole = Filling & { readonly in: object; readonly key: string };

export interface Packet {
  value: unknown;
  holes?: Hole[];
  made?: Parts[];
}

/** A packet, and how it is sent. */
export interface Packed {
  readonly packet: Packet;
  readonly transfer: Transferable[];
  /** The numbers of the functions in it, as often as each was sent. */
  readonly sent: number[];
  /** Whether its receiver may be unable to read it. */
  doubtful: boolean;
}

/** Who sends and receives. */
export interface Correspondent {
  /** The number under which the other side can call it, which is sent once more. */
  hold(work: AnyFunction, self: unknown): number;
  /** They were not sent. */
  unsent(ids: number[]): void;
  /** If it is the other side's, its number there. */
  numberOf(work: AnyFunction): number | undefined;
  /** The other side's function of that number. */
  stub(id: number): AnyFunction;
  /** Our own function of that number. */
  own(id: number): AnyFunction;
  fromHandle(handle: Handle): unknown;
}

/** For errors that go where no call can follow. */
export const dataOnly: Correspondent = {
  hold: () => 0,
  unsent() {},
  numberOf: () => undefined,
  stub: () => () => undefined,
  own: () => () => undefined,
  fromHandle: ({ name }) => {
    throw new AioError('ERR_AIO_UNSUPPORTED', `'${name}' cannot be used here`);
  },
};

/** The methods and handles of an object of a class, own and inherited. */
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

/** root: the value's name in error messages. @throws DataCloneError, naming what cannot be sent */
export function pack(value: unknown, by: Correspondent, root = 'value'): Packed {
  const top: Place = { key: root };
  const { found, doubtful } = scan(value, top);
  const packet: Packet = { value };
  const packed: Packed = { packet, transfer: [], sent: [], doubtful };
  if (!found) return packed;
  const holes: Hole[] = (packet.holes = []);
  const made: Parts[] = (packet.made = []);
  /** What stands for an object in the packet: its copy, or the parts of which it is made there. */
  const copies = new Map<object, { copy: object } | { of: Parts }>();
  const todo: (() => void)[] = [];

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
    if (isHandle(from)) return leave({ as: 'handle', handle: from.toHandle() });
    if (isError(from)) {
      const parts = takeApart(from);
      make(parts);
      for (const field of ['cause', 'errors'] as const) {
        if (field in parts) todo.push(() => put(parts, field, parts[field], undefined, { inside: place, key: field }));
      }
      return;
    }
    const kind: Kind = isProxied(from) ? 'plain' : kindOf(from);
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
      define(into, key, from);
      copies.set(from, { copy: from });
      packed.doubtful ||= isDoubtful(from);
      if (!packed.transfer.includes(from as Transferable)) refuse(from, place);
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
    // Grows meanwhile.
    for (const work of todo) work();
  } catch (error) {
    by.unsent(packed.sent);
    throw error;
  }
  packed.doubtful ||= isMany(copies.size);
  return packed;
}

/** Throws if an object of a class has something in it that cannot be sent. */
function refuse(from: object, place: Place): void {
  const { found } = scan(from, place, true);
  if (!found) return;
  const { constructor } = from as { constructor?: { name?: unknown } };
  throw new DOMException(
    `${nameOf(found)} cannot be sent to another thread: a function or a handle within ${nameOf(place)}, which is an object of class ` +
    `${String(constructor?.name)}; send that as proxy(object), or its fields in a plain object`, 'DataCloneError');
}

function begin(parts: Parts): object {
  if ('items' in parts) return parts.base === 'Map' ? new Map() : new Set();
  return putTogether(parts);
}

function finish(object: object, parts: Parts): void {
  if (!('items' in parts)) complete(object as Error, parts);
  else for (let n = 0; n < parts.items.length; n++) {
    if (parts.base === 'Set') (object as Set<unknown>).add(parts.items[n]);
    else (object as Map<unknown, unknown>).set(parts.items[n], parts.items[++n]);
  }
}

export function unpack(packet: Packet, by: Correspondent): unknown {
  const { holes = [], made = [] } = packet;
  const objects = new Map(made.map((parts) => [parts, begin(parts)]));
  const refused: unknown[] = [];
  const fill = (hole: Hole): unknown => {
    switch (hole.as) {
      case 'function': return by.stub(hole.id);
      case 'own': return by.own(hole.id);
      case 'handle': return by.fromHandle(hole.handle);
      case 'made': return objects.get(hole.of);
    }
  };
  // All of them, even if one is refused: the sender counts each function that it has sent.
  for (const hole of holes) {
    try {
      define(hole.in, hole.key, fill(hole));
    } catch (error) {
      refused.push(error);
    }
  }
  if (refused.length > 0) throw refused[0];
  for (const [parts, object] of objects) finish(object, parts);
  return packet.value;
}
