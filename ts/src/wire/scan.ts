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
    const keys: readonly (string | number)[] = Object.keys(value);
    const { length } = kind === 'array' ? (value as unknown[]) : '';
    // If an array has no holes, its indices are the first keys; numbers are faster than these strings.
    const dense = length > 0 && keys[length - 1] === String(length - 1) ? length : 0;
    for (let n = 0; n < keys.length; n++) {
      const key = n < dense ? n : (keys[n] as string);
      visit((value as Record<string, unknown>)[key], key);
    }
  }
}

/** A value with more objects than this may be nested too deeply for its receiver. */
const MANY = 100;
/** For a buffer of more bytes than this the receiver may have no memory. */
const LARGE = 1 << 16;

/** The ArrayBuffer that a value is, or is a view of. */
const bufferOf = (value: object): ArrayBuffer | undefined => {
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
  return tagOf(buffer) === 'ArrayBuffer' ? (buffer as ArrayBuffer) : undefined;
};

export const isDoubtful = (value: object): boolean => !((bufferOf(value)?.byteLength ?? Infinity) <= LARGE);

/** Returns a value's buffer if that is large and could be copied and transferred. */
export function largeBuffer(value: object): ArrayBuffer | undefined {
  const buffer = bufferOf(value);
  return buffer && buffer.byteLength > LARGE && !(buffer as { resizable?: boolean }).resizable ? buffer : undefined;
}

/** Visits a value and everything in it. Returns where the first member is for which stop() returns true. place: where the value itself is. */
function walk(value: unknown, place: Place, stop: (member: unknown) => boolean): Place | undefined {
  const seen = new Set<object>();
  const places: Place[] = [];
  let found: Place | undefined;
  let inside: Place | undefined;
  const visit = (member: unknown, key: unknown, as?: Place['as']): void => {
    const isObject = typeof member === 'object' && member !== null;
    if (found || (isObject && seen.has(member))) return;
    const stops = stop(member);
    if (!stops && !isObject) return;
    const at = inside ? { inside, key, as } : place;
    if (stops) found = at;
    else places[seen.add(member as object).size - 1] = at;
  };
  visit(value, undefined);
  let n = 0;
  for (const object of seen) {
    if (found) break;
    inside = places[n++];
    const kind = kindOf(object);
    // The structured clone algorithm copies none of an error's own fields.
    if (kind !== 'other' || !isError(object)) eachMember(object, kind, visit);
  }
  return found;
}

/** So many members of a plain object or an array are looked at before it is remembered. */
const FLAT = 16;

/** Whether a plain object has few members, and none that has to be examined: then it need not be remembered. */
function isFlat(object: object): boolean {
  let left = FLAT;
  for (const key in object) {
    const member = (object as Record<string, unknown>)[key];
    if (left-- === 0 || typeof member === 'function' || (typeof member === 'object' && member !== null)) return false;
  }
  return true;
}

/** What pack() has to know of a value. */
interface Scan {
  /**
   * Whether it has in it something that the structured clone algorithm refuses or spoils: a function, an error, a handle, a live
   * value, an object of a class, or what proxy() or transfer() has marked. If not, the value can be sent as it is.
   */
  found: boolean;
  /** Whether its receiver may be unable to read it. */
  doubtful: boolean;
  /** Whether it has large buffers, and not many objects besides. */
  large: boolean;
}

/** Examines a value. It may have very many objects, nearly all of them plain: these are asked the least. */
export function scan(value: unknown): Scan {
  const seen = new Set<object>();
  const todo: object[] = [];
  let objects = 0;
  let doubtful = false;
  let large = false;
  const isFound = (member: unknown): boolean => {
    if (typeof member !== 'object' || member === null) return typeof member === 'function';
    if (isHandle(member) || isAsyncIterable(member) || (marks.any && (isProxied(member) || isTransferred(member)))) return true;
    objects++;
    if ((getPrototypeOf(member) === Object.prototype && isFlat(member)) || seen.has(member)) return false;
    seen.add(member);
    const kind = kindOf(member);
    if (kind !== 'plain' && ((kind === 'other' && (isError(member) || isLive(member))) || isOfOwnClass(member, kind))) return true;
    if (kind !== 'other') todo.push(member);
    else {
      doubtful ||= isDoubtful(member);
      large ||= largeBuffer(member) !== undefined;
    }
    return false;
  };
  let found = isFound(value);
  // The array grows during this loop.
  for (const object of todo) {
    if (found) break;
    eachMember(object, kindOf(object), (member) => (found ||= isFound(member)));
  }
  return { found, doubtful: doubtful || isMany(objects), large: large && !isMany(objects) };
}

/**
 * The error of structured clone for a value without functions, with the name of the part that it has refused: a
 * symbol, a Promise, a WeakMap…
 */
export function explain(error: unknown, value: unknown, root: string): unknown {
  if (error instanceof RangeError && /stack|recursion/i.test(error.message)) {
    return new DOMException(`${root} cannot be sent to another thread: nested too deeply`, 'DataCloneError');
  }
  const found = walk(value, { key: root }, (member) => {
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
