// SPDX-License-Identifier: MIT
/**
 * Values on their way to another thread. What structured clone refuses or spoils (functions,
 * errors, handles) is taken out of plain objects and arrays and put in again there.
 */
import { isArrayOf, isObject } from '../check.js';
import { AioError } from '../errors.js';
import type { Handle } from '../api/handle.js';
import { onlyOne } from './place.js';
import { isError, putTogether, takeApart, type ErrorParts } from './wire-error.js';

/** What has one: a bottom half, a notifier, a pipe. */
export interface HasHandle {
  toHandle(): Handle;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any function at all
export type AnyFunction = (...args: any[]) => unknown;

type Path = readonly (string | number)[];

/** A hole in the value, and what belongs there. */
type Part = { readonly at: Path } & (
  /** A function of the sender's. */
  | { readonly as: 'function'; readonly id: number }
  /** One of the receiver's that comes back. */
  | { readonly as: 'own'; readonly id: number }
  | { readonly as: 'handle'; readonly handle: Handle }
  /** Not a hole: the error's parts are there. */
  | { readonly as: 'error' }
);

export interface Packet {
  value: unknown;
  /** Inner ones first. */
  parts?: Part[];
}

/** Who sends and receives. */
export interface Correspondent {
  /** The number under which the other side can call it. */
  hold(work: AnyFunction, self: unknown): number;
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
  numberOf: () => undefined,
  stub: () => () => undefined,
  own: () => () => undefined,
  fromHandle: ({ name }) => {
    throw new AioError('ERR_AIO_UNSUPPORTED', `'${name}' cannot be used here`);
  },
};

const areObjects = isArrayOf(isObject, 'transferable objects');

/** Objects that are sent as their methods. */
const proxied = onlyOne('proxied', () => new WeakSet<object>());
const transfers = onlyOne('transfers', () => new WeakMap<object, Transferable[]>());

/**
 * An object of a class, as argument or result of a call to another thread: the other side gets
 * an object with its methods, which it calls here. (Functions need no mark.)
 */
export function proxy<T extends object>(object: T): T {
  if (typeof object !== 'function') isObject('object', object);
  proxied.add(object);
  return object;
}

/** As argument or result of a call to another thread: what of it changes hands instead of
 * being copied (`transfer(bytes, [bytes.buffer])`). */
export function transfer<T extends object>(value: T, list: Transferable[]): T {
  if (typeof value !== 'function') isObject('value', value);
  areObjects('list', list);
  transfers.set(value, list);
  return value;
}

/** Of any realm. */
function isPlain(value: object): boolean {
  const proto: unknown = Object.getPrototypeOf(value);
  return proto === null || Object.getPrototypeOf(proto) === null;
}

const isHandle = (value: object): value is HasHandle => typeof (value as Partial<HasHandle>).toHandle === 'function';

/** The methods and handles of an object of a class. */
function methods(object: object): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (let at: unknown = object; at && Object.getPrototypeOf(at) !== null; at = Object.getPrototypeOf(at)) {
    for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      const wanted = typeof value === 'function' ? key !== 'constructor' : typeof value === 'object' && value !== null && isHandle(value as object);
      if (wanted && !(key in found)) found[key] = value;
    }
  }
  return found;
}

/** Whether it can go as it is. */
function isData(value: unknown, seen: Set<object>): boolean {
  if (typeof value === 'function') return false;
  if (typeof value !== 'object' || value === null || seen.has(value)) return true;
  if (isError(value) || proxied.has(value) || transfers.has(value) || isHandle(value)) return false;
  seen.add(value);
  if (Array.isArray(value)) return value.every((element) => isData(element, seen));
  return !isPlain(value) || Object.values(value).every((element) => isData(element, seen));
}

/** A packet, and what it hands over. */
export function pack(value: unknown, by: Correspondent): { packet: Packet; transfer: Transferable[] } {
  if (isData(value, new Set())) return { packet: { value }, transfer: [] };
  const parts: Part[] = [];
  const list: Transferable[] = [];
  const copies = new Map<object, unknown>();
  /** The errors whose causes are being copied. */
  const within = new Set<object>();

  const fields = (from: object, into: object, self: unknown, at: Path): unknown => {
    copies.set(from, into);
    for (const [key, field] of Object.entries(proxied.has(from) ? methods(from) : from)) {
      (into as Record<string, unknown>)[key] = copy(field, [...at, key], self);
    }
    return into;
  };
  const copy = (from: unknown, at: Path, self: unknown): unknown => {
    if (typeof from === 'function') {
      const theirs = by.numberOf(from as AnyFunction);
      parts.push(theirs === undefined ? { at, as: 'function', id: by.hold(from as AnyFunction, self) } : { at, as: 'own', id: theirs });
      return undefined;
    }
    if (typeof from !== 'object' || from === null) return from;
    if (copies.has(from)) return copies.get(from);
    list.push(...(transfers.get(from) ?? []));
    if (isHandle(from)) {
      parts.push({ at, as: 'handle', handle: from.toHandle() });
      return undefined;
    }
    if (isError(from)) {
      // Its own cause, directly or not.
      if (within.has(from)) return String(from);
      within.add(from);
      const into = fields(takeApart(from), {}, undefined, at);
      within.delete(from);
      parts.push({ at, as: 'error' });
      return into;
    }
    if (Array.isArray(from)) return fields(from, Array<unknown>(from.length), undefined, at);
    return isPlain(from) || proxied.has(from) ? fields(from, {}, from, at) : from;
  };
  const copied = copy(value, [], undefined);
  return { packet: { value: copied, parts }, transfer: list };
}

export function unpack({ value, parts = [] }: Packet, by: Correspondent): unknown {
  const root = { value };
  for (const part of parts) {
    const path = ['value', ...part.at];
    const key = path.pop() as string;
    const parent = path.reduce<Record<string, unknown>>((at, step) => at[step] as Record<string, unknown>, root);
    if (part.as === 'function') parent[key] = by.stub(part.id);
    else if (part.as === 'own') parent[key] = by.own(part.id);
    else if (part.as === 'handle') parent[key] = by.fromHandle(part.handle);
    else parent[key] = putTogether(parent[key] as ErrorParts);
  }
  return root.value;
}
