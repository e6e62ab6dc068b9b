// SPDX-License-Identifier: MIT
/**
 * Checks of arguments. A public function checks all of its arguments before it changes anything,
 * so that a wrong one is the caller's error (ERR_AIO_INVALID_ARG) and nobody else's.
 */
import { AioError } from './errors.js';

/** Throws AioError ERR_AIO_INVALID_ARG unless the value suits the argument of that name. */
export type Check = (name: string, value: unknown) => void;

/** The checks of an object's properties. */
export type Checks<T> = { readonly [K in keyof T]-?: Check };

/** A value in a few words. Never throws, whatever the value is. */
function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value.toString().slice(0, 40)}n`;
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  if (typeof value !== 'object' || value === null) return String(value);
  try {
    return Object.prototype.toString.call(value);
  } catch {
    return 'an object';
  }
}

/** The error that refuses an argument: its name, what was expected, and what it was. */
export function invalid(name: string, expected: string, value: unknown): AioError {
  return new AioError('ERR_AIO_INVALID_ARG', `${name} must be ${expected}, not ${shown(value)}`);
}

const typeCheck = (type: string): Check => (name, value) => {
  if (typeof value !== type) throw invalid(name, `a ${type}`, value);
};
export const isFunction = typeCheck('function');
export const isBoolean = typeCheck('boolean');

export const isURL: Check = (name, value) => {
  if (!(value instanceof URL) && Object.prototype.toString.call(value) !== '[object URL]') throw invalid(name, "a URL (new URL('./file', import.meta.url))", value);
};

/** A string that C can take: it ends at the first NUL. */
export const isText: Check = (name, value) => {
  if (typeof value !== 'string') throw invalid(name, 'a string', value);
  if (value.includes('\0')) throw invalid(name, 'a string without NUL characters', value);
};

export const isObject: Check = (name, value) => {
  if (typeof value !== 'object' || value === null) throw invalid(name, 'an object', value);
};

export const isInteger = (min: number, max: number): Check => (name, value) => {
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) throw invalid(name, `an integer from ${min} to ${max}`, value);
};

export const isOneOf = (values: readonly string[]): Check => (name, value) => {
  if (!values.includes(value as string)) throw invalid(name, `one of ${values.join(', ')}`, value);
};

/** An array, each element of which passes the check. */
export const isArrayOf = (check: Check, what: string): Check => (name, value) => {
  if (!Array.isArray(value)) throw invalid(name, `an array of ${what}`, value);
  // Not forEach, which skips holes.
  for (let n = 0; n < value.length; n++) check(`${name}[${n}]`, value[n]);
};

const kindOfView = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)?.get as () => string | undefined;

/** A Uint8Array of any realm whose buffer has not been transferred. */
export const isBytes: Check = (name, value) => {
  if (kindOfView.call(value) !== 'Uint8Array') throw invalid(name, 'a Uint8Array', value);
  const view = value as Uint8Array;
  if (view.length > 0) return;
  try {
    // Throws if the buffer is detached: `detached` is not known everywhere.
    new Uint8Array(view.buffer);
  } catch {
    throw invalid(name, 'a Uint8Array whose buffer has not been transferred', value);
  }
};

/** By what is used of it: an AbortSignal may be of another realm, or one of the user's own making. */
export const isSignal: Check = (name, value) => {
  const { aborted, addEventListener, removeEventListener, throwIfAborted } = Object(value) as Partial<AbortSignal>;
  if (typeof aborted !== 'boolean' || [addEventListener, removeEventListener, throwIfAborted].some((method) => typeof method !== 'function')) {
    throw invalid(name, 'an AbortSignal', value);
  }
};

/** How many letters differ. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (const letter of a) {
    const next = [(row[0] as number) + 1];
    row.slice(1).forEach((above, n) => next.push(Math.min(above + 1, (next[n] as number) + 1, (row[n] as number) + Number(letter !== b[n]))));
    row = next;
  }
  return row.at(-1) as number;
}

function unknown(name: string, key: string, known: string[]): AioError {
  const far = (candidate: string): number => distance(key.slice(0, 40).toLowerCase(), candidate.toLowerCase());
  const nearest = known.find((candidate) => far(candidate) === Math.min(...known.map(far))) ?? '';
  const advice = far(nearest) <= Math.ceil(nearest.length / 3) ? `did you mean '${nearest}'?` : `there are ${known.join(', ')}`;
  return new AioError('ERR_AIO_INVALID_ARG', `${name} has an unknown property ${shown(key)}: ${advice}`);
}

/**
 * The options that an object has, each read once and checked. Those that are undefined are
 * left out.
 */
export function optionsOf<T extends object>(given: T, checks: Checks<T>, name = 'options'): T {
  isObject(name, given);
  const read: Record<string, unknown> = {};
  const known = Object.keys(checks);
  try {
    for (const key of Object.keys(given)) if (!Object.hasOwn(checks, key)) throw unknown(name, key, known);
    for (const key of known) {
      const value = (given as Record<string, unknown>)[key];
      if (value === undefined) continue;
      (checks as Record<string, Check>)[key]?.(`${name}.${key}`, value);
      read[key] = value;
    }
  } catch (cause) {
    if (cause instanceof AioError) throw cause;
    // A getter or a proxy of the caller's threw.
    throw new AioError('ERR_AIO_INVALID_ARG', `${name} cannot be read`, { cause });
  }
  return read as T;
}
