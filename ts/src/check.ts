// SPDX-License-Identifier: MIT
/**
 * Checks of arguments. A public function checks all of its arguments before it changes anything, so that a wrong argument is
 * an error of its caller (ERR_AIO_INVALID_ARG) and affects nobody else.
 */
import { AioError } from './errors.js';
import { madeBy } from './face.js';
import type { AbortSignalLike } from './platform.js';

/** Throws AioError ERR_AIO_INVALID_ARG if the value is wrong for the argument with this name. */
export type Check = (name: string, value: unknown) => void;

/** The checks of an object's properties. */
export type Checks<T> = { readonly [K in keyof T]-?: Check };

/** Describes a value in a few words. Never throws, whatever the value is. */
function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value.toString().slice(0, 40)}n`;
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  if (typeof value !== 'object' || value === null) return String(value);
  try {
    return madeBy(value) ?? Object.prototype.toString.call(value);
  } catch {
    return 'an object';
  }
}

/** The error that refuses an argument. It says the argument's name, what was expected, and what was given. */
export function invalid(name: string, expected: string, value: unknown): AioError {
  return new AioError('ERR_AIO_INVALID_ARG', `${name} must be ${expected}, not ${shown(value)}`);
}

/**
 * Makes a check of a predicate. If the predicate throws, the check fails, too: the value may be a proxy that the
 * caller made.
 */
export const checkThat = (expected: string, suits: (value: unknown) => boolean): Check => (name, value) => {
  let fits = false;
  try {
    fits = suits(value);
  } catch {
    // Not even the predicate can be evaluated.
  }
  if (!fits) throw invalid(name, expected, value);
};

export const isFunction = /* @__PURE__ */ checkThat('a function', (value) => typeof value === 'function');
export const isBoolean = /* @__PURE__ */ checkThat('a boolean', (value) => typeof value === 'boolean');
export const isObject = /* @__PURE__ */ checkThat('an object', (value) => typeof value === 'object' && value !== null);
export const isURL = /* @__PURE__ */ checkThat("a URL (new URL('./file', import.meta.url))", (value) => value instanceof URL || Object.prototype.toString.call(value) === '[object URL]');

/** Checks a string that is passed to C, where it would end at the first NUL. */
export const isText: Check = (name, value) => {
  if (typeof value !== 'string') throw invalid(name, 'a string', value);
  if (value.includes('\0')) throw invalid(name, 'a string without NUL characters', value);
};

export const isNumber = (min: number, max: number, what = 'a number'): Check =>
  checkThat(`${what} from ${min} to ${max}`, (value) => typeof value === 'number' && value >= min && value <= max);

/** Checks a time-out in ms; Infinity is allowed. */
export const isMs = /* @__PURE__ */ isNumber(0, Infinity, 'a number of ms');

export const isInteger = (min: number, max: number): Check =>
  checkThat(`an integer from ${min} to ${max}`, (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max);

export const isOneOf = (values: readonly string[]): Check => checkThat(`one of ${values.join(', ')}`, (value) => values.includes(value as string));

/** Makes a check of an array whose elements all pass the given check. */
export const isArrayOf = (check: Check, what: string): Check => {
  const isArray = checkThat(`an array of ${what}`, Array.isArray);
  return (name, value) => {
    isArray(name, value);
    // entries() includes the array's holes.
    for (const [n, element] of [...(value as unknown[])].entries()) check(`${name}[${n}]`, element);
  };
};

const kindOfView = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)?.get as () => string | undefined;

/** Whether a value is a Uint8Array, perhaps of another realm. Throws if its buffer has been transferred. */
export function areBytes(value: unknown): boolean {
  if (kindOfView.call(value) !== 'Uint8Array') return false;
  const { length, buffer } = value as Uint8Array;
  // The constructor throws for a detached buffer. Not all engines have the property `detached`.
  return length > 0 || new Uint8Array(buffer) !== undefined;
}
export const isBytes = /* @__PURE__ */ checkThat('a Uint8Array whose buffer has not been transferred', areBytes);

/**
 * Checks that a value has the members of an AbortSignal that are used. It may be of another realm, or the user's own
 * object.
 */
export const isSignal = /* @__PURE__ */ checkThat('an AbortSignal', (value) => {
  const { aborted, addEventListener, removeEventListener, throwIfAborted } = value as AbortSignalLike;
  return typeof aborted === 'boolean' && [addEventListener, removeEventListener, throwIfAborted].every((method) => typeof method === 'function');
});

/** The edit distance of two words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (const letter of a) {
    const next = [(row[0] as number) + 1];
    row.slice(1).forEach((above, n) => next.push(Math.min(above + 1, (next[n] as number) + 1, (row[n] as number) + Number(letter !== b[n]))));
    row = next;
  }
  return row.at(-1) as number;
}

/** The known word that a misspelt word probably means; undefined if none is similar. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const far = (candidate: string): number => distance(word.slice(0, 40).toLowerCase(), candidate.toLowerCase());
  const best = known.reduce((near, candidate) => (far(candidate) < far(near) ? candidate : near), known[0] ?? '');
  return far(best) <= Math.ceil(best.length / 3) ? best : undefined;
}

function unknown(name: string, key: string, known: string[]): AioError {
  const meant = nearest(key, known);
  const advice = meant ? `did you mean '${meant}'?` : known.length > 0 ? `there are ${known.join(', ')}` : 'there are none';
  return new AioError('ERR_AIO_INVALID_ARG', `${name} has an unknown property ${shown(key)}: ${advice}`);
}

const isOptions = checkThat('an object with options', (value) => typeof value === 'object' && value !== null && !Array.isArray(value));

/**
 * Returns the properties of an options object, each read once and checked. Properties that are undefined are left
 * out.
 */
export function optionsOf<T extends object>(given: T, checks: Checks<T>, name = 'options'): T {
  isOptions(name, given);
  const read: Record<string, unknown> = {};
  const known = Object.keys(checks);
  let at = name;
  try {
    for (const key of Object.keys(given)) if (!Object.hasOwn(checks, key)) throw unknown(name, key, known);
    for (const key of known) {
      at = `${name}.${key}`;
      const value = (given as Record<string, unknown>)[key];
      if (value === undefined) continue;
      (checks as Record<string, Check>)[key]?.(at, value);
      read[key] = value;
    }
  } catch (cause) {
    if (cause instanceof AioError) throw cause;
    // A getter or a proxy that the caller made has thrown an error.
    throw new AioError('ERR_AIO_INVALID_ARG', `${at} cannot be read`, { cause });
  }
  return read as T;
}
