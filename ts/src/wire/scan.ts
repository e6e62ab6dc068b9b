// SPDX-License-Identifier: MIT
/** Inspects a value that is about to be sent to another thread. Nothing here recurses, because values may be nested deeply. */
import { messageOf } from '../errors.js';
import type { Handle } from './handle.js';
import { isAsyncIterable, isLive } from './live.js';
import { isProxied, isTransferred, marks } from './marks.js';
import { isError } from './take-apart.js';
import type { Correspondent } from './unpack.js';

/** An object that a handle can stand for: a bottom half, a notifier or a pipe. */
export interface HasHandle {
  /** Returns plain data that stands for the object in a message to another thread of the runtime. */
  toHandle(): Handle;
}

/** The handle of an object that is sent to the other side of a connection. The object of another thread connects that first. */
export const handleFor = (value: HasHandle, by: Correspondent): Handle => (value as { toHandle(by: Correspondent): Handle }).toHandle(by);

export const isHandle = (value: object): value is HasHandle => typeof (value as Partial<HasHandle>).toHandle === 'function';

/** The kinds of objects that are inspected and copied; 'other' is left to the structured clone algorithm. */
export type Kind = 'array' | 'plain' | 'Map' | 'Set' | 'other';

const { getPrototypeOf } = Object;
const tagOf = (value: object): string => Object.prototype.toString.call(value).slice(8, -1);

/** Whether a Map or a Set is one, and not a Proxy of one, which no method of Map takes. */
function isReal(value: object, kind: 'Map' | 'Set'): boolean {
  try {
    return kind === 'Map' ? !Map.prototype.has.call(value, isReal) : !Set.prototype.has.call(value, isReal);
  } catch {
    return false;
  }
}

/** The kind of an object, which may belong to another realm. */
export function kindOf(value: object): Kind {
  if (Array.isArray(value)) return 'array';
  const proto = getPrototypeOf(value) as object | null;
  // Of another realm is what has the prototype without a prototype that has Object's methods.
  if (proto === Object.prototype || proto === null || (getPrototypeOf(proto) === null && Object.hasOwn(proto, 'isPrototypeOf'))) return 'plain';
  const tag = tagOf(value);
  return (tag === 'Map' || tag === 'Set') && isReal(value, tag) ? tag : 'other';
}

/** Whether an object's class is derived from one whose prototype has only Object's above it. */
const isDerived = (value: object): boolean => {
  const above = getPrototypeOf(getPrototypeOf(value)) as object | null;
  return above !== null && getPrototypeOf(above) !== null;
};

/** Tags of classes that structured clone knows, and whose objects it therefore makes. */
const CLONED = ['Date', 'RegExp', 'ArrayBuffer', 'SharedArrayBuffer', 'Boolean', 'Number', 'String'];

/**
 * Whether an object, which is neither an error nor a live value, has a class of the user's, and would arrive as something
 * else: a plain object, or one of the class from which its own is derived. A view arrives as the view that it is.
 */
export function isOfOwnClass(value: object, kind: Kind): boolean {
  if (kind === 'plain') return false;
  const proto = getPrototypeOf(value) as { constructor?: unknown };
  // The prototype of arrays is an array itself.
  if (kind === 'array') return proto !== Array.prototype && !Array.isArray(proto);
  if (ArrayBuffer.isView(value)) return false;
  if (kind !== 'other' || CLONED.includes(tagOf(value))) return isDerived(value);
  const { constructor } = proto;
  if (typeof constructor === 'function' && constructor.prototype === proto && Function.prototype.toString.call(constructor).includes('[native code]')) return false;
  // The platform's own classes may be written in JavaScript (KeyObject in Node).
  try {
    const copy = structuredClone(value) as object;
    return kindOf(copy) === 'plain' || classNameOf(copy) !== classNameOf(value);
  } catch {
    // It is refused by structured clone, which says why.
    return false;
  }
}

export const classNameOf = (value: object): string => String((value as { constructor?: { name?: unknown } }).constructor?.name);

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
 * handle, a live value, an object of a class, or what proxy() or transfer() has marked. If there is none, the value can be
 * sent as it is.
 */
export function scan(value: unknown, place: Place): Walk {
  // A value may have very many objects, nearly all of them plain: these are asked the least.
  return walk(value, place, (member) => {
    if (typeof member !== 'object' || member === null) return typeof member === 'function';
    if (isHandle(member) || isAsyncIterable(member) || (marks.any && (isProxied(member) || isTransferred(member)))) return true;
    const kind = kindOf(member);
    return kind !== 'plain' && ((kind === 'other' && (isError(member) || isLive(member))) || isOfOwnClass(member, kind));
  });
}

/**
 * The error of structured clone for a value without functions, with the name of the part that it has refused: a
 * symbol, a Promise, a WeakMap…
 */
export function explain(error: unknown, value: unknown, root: string): unknown {
  if (error instanceof RangeError && /stack|recursion/i.test(error.message)) {
    return new DOMException(`${root} cannot be sent to another thread: nested too deeply`, 'DataCloneError');
  }
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
