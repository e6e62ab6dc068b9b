// SPDX-License-Identifier: MIT
/** Inspects a value that is about to be sent to another thread. Nothing here recurses, because values may be nested deeply. */
import { messageOf } from '../errors.js';
import type { Handle } from './handle.js';
import { isAsyncIterable, isLive } from './live.js';
import { isProxied, isTransferred, marks } from './marks.js';
import { isError } from './take-apart.js';

/** An object that a handle can stand for: a bottom half, a notifier or a pipe. */
export interface HasHandle {
  /** Returns plain data that stands for the object in a message to another thread of the runtime. */
  toHandle(): Handle;
}

export const isHandle = (value: object): value is HasHandle => typeof (value as Partial<HasHandle>).toHandle === 'function';

/** The kinds of objects that are inspected and copied; 'other' is left to the structured clone algorithm. */
export type Kind = 'array' | 'plain' | 'Map' | 'Set' | 'other';

/** The kind of an object, which may belong to another realm. */
export function kindOf(value: object): Kind {
  if (Array.isArray(value)) return 'array';
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto === Object.prototype || proto === null || Object.getPrototypeOf(proto) === null) return 'plain';
  const tag = Object.prototype.toString.call(value);
  return tag === '[object Map]' ? 'Map' : tag === '[object Set]' ? 'Set' : 'other';
}

/** Where a value was found: in which object, and as which part of it. */
export interface Place {
  readonly inside?: Place | undefined;
  /** The name of a property, the index of an array, or the key of a Map. */
  readonly key: unknown;
  readonly as?: 'get' | 'keys' | 'values' | undefined;
}

function step({ key, as }: Place): string {
  const shown = typeof key === 'object' || typeof key === 'function' ? '…' : JSON.stringify(key) ?? String(key);
  if (as) return `.${as}(${shown})`;
  return typeof key === 'string' && /^[\p{L}_$][\p{L}\d_$]*$/u.test(key) ? `.${key}` : `[${/^"\d+"$/.test(shown) ? shown.slice(1, -1) : shown}]`;
}

/** The place in words, such as `arguments[0].listeners.get("end")`. The outermost place has the name of the whole. */
export function nameOf(place: Place): string {
  const steps: string[] = [];
  for (let at: Place | undefined = place; at; at = at.inside) steps.unshift(at.inside ? step(at) : String(at.key));
  return steps.join('');
}

/** Calls visit() with everything that an object contains; for a Map, with keys and values in turn. */
export function eachMember(value: object, kind: Kind, visit: (member: unknown, key: unknown, as?: Place['as']) => void): void {
  if (kind === 'Map') {
    Map.prototype.forEach.call(value, (member: unknown, key: unknown) => {
      visit(key, key, 'keys');
      visit(member, key, 'get');
    });
  } else if (kind === 'Set') {
    Set.prototype.forEach.call(value, (member: unknown) => visit(member, member, 'values'));
  } else if (!ArrayBuffer.isView(value)) {
    for (const key of Object.keys(value)) visit((value as Record<string, unknown>)[key], key);
  }
}

/** A value with more objects than this may be nested too deeply for its receiver. */
const MANY = 100;
/** For a buffer of more bytes than this the receiver may have no memory. */
const LARGE = 1 << 16;

export function isDoubtful(value: object): boolean {
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
  return !(Object.prototype.toString.call(buffer) === '[object ArrayBuffer]' && (buffer as ArrayBuffer).byteLength <= LARGE);
}

interface Walk {
  /** Where the first member was found for which stop() returned true. Nothing after it was examined. */
  found: Place | undefined;
  /** Whether the receiver of the value may be unable to read it. */
  doubtful: boolean;
}

/** Visits a value and everything in it. place: where the value itself is. */
function walk(value: unknown, place: Place, stop: (member: unknown) => boolean): Walk {
  const seen = new Set<object>();
  const places: Place[] = [];
  const result: Walk = { found: undefined, doubtful: false };
  let inside: Place | undefined;
  const visit = (member: unknown, key: unknown, as?: Place['as']): void => {
    const isObject = typeof member === 'object' && member !== null;
    if (result.found || (isObject && seen.has(member))) return;
    const stops = stop(member);
    if (!stops && !isObject) return;
    const at = inside ? { inside, key, as } : place;
    if (stops) result.found = at;
    else places[seen.add(member as object).size - 1] = at;
  };
  visit(value, undefined);
  let n = 0;
  for (const object of seen) {
    if (result.found) break;
    inside = places[n++];
    const kind = kindOf(object);
    if (kind === 'other' && isDoubtful(object)) result.doubtful = true;
    // The structured clone algorithm copies none of an error's own fields.
    if (kind !== 'other' || !isError(object)) eachMember(object, kind, visit);
  }
  result.doubtful ||= isMany(seen.size);
  return result;
}

/**
 * Finds the first part of a value that the structured clone algorithm refuses or spoils: a function, an error, a
 * handle, a live value, or what proxy() or transfer() has marked. If there is none, the value can be sent as it is. within: the
 * value is an object of a class, whose fields, including errors, are left to structured clone.
 */
export function scan(value: unknown, place: Place, within = false): Walk {
  // A value may have very many objects, nearly all of them plain: these are asked the least.
  return walk(value, place, (member) => typeof member === 'function' || (typeof member === 'object' && member !== null &&
    (isHandle(member) || isAsyncIterable(member) || (marks.any && (isProxied(member) || (!within && isTransferred(member)))) ||
    (kindOf(member) === 'other' && ((!within && isError(member)) || isLive(member))))));
}

/**
 * The error of structured clone for a value without functions, with the name of the part that it has refused: a
 * symbol, a Promise, a WeakMap…
 */
export function explain(error: unknown, value: unknown, root: string): unknown {
  const { found } = walk(value, { key: root }, (member) => {
    if (typeof member !== 'symbol' && (typeof member !== 'object' || member === null || kindOf(member) !== 'other')) return false;
    try {
      structuredClone(member);
      return false;
    } catch {
      return true;
    }
  });
  return found ? new DOMException(`${nameOf(found)} cannot be sent to another thread: ${messageOf(error)}`, 'DataCloneError') : error;
}

export const isMany = (objects: number): boolean => objects > MANY;
