// SPDX-License-Identifier: MIT
import { AioError } from '../errors.js';
import { classes, complete, putTogether, type ErrorParts } from './error.js';
import { registered } from './registered.js';

/** Whether a value is an error, perhaps of another realm. */
export function isError(value: object): value is Error {
  const tag = Object.prototype.toString.call(value);
  return value instanceof Error || tag === '[object Error]' || tag === '[object DOMException]';
}

function baseOf(error: Error): string {
  if (error instanceof AioError) return 'AioError';
  for (let proto: unknown = Object.getPrototypeOf(error); proto; proto = Object.getPrototypeOf(proto)) {
    const name = (proto as { constructor?: { name?: unknown } }).constructor?.name;
    if (classes.has(name) || name === 'AggregateError' || name === 'DOMException') return name as string;
  }
  return 'Error';
}

/** The name of the nearest class that was registered. */
function registeredOf(error: Error): string | undefined {
  const names = new Map([...registered].map(([name, type]) => [type.prototype as unknown, name]));
  let proto: unknown = Object.getPrototypeOf(error);
  while (proto && !names.has(proto)) proto = Object.getPrototypeOf(proto);
  return names.get(proto);
}

/** What JavaScriptCore and SpiderMonkey define on each error, so that a field of this name of the user's is not enumerable there. */
const PLACES = ['line', 'column', 'lineNumber', 'columnNumber'];

export function takeApart(error: Error): ErrorParts {
  const { name, message, stack } = error;
  const base = baseOf(error);
  const places = PLACES.filter((key) => Object.hasOwn(error, key)).map((key) => [key, (error as unknown as Record<string, unknown>)[key]] as const);
  const plain = [...places, ...Object.entries(error)].filter(([, value]) => value === null || !['object', 'function', 'symbol'].includes(typeof value));
  const parts: ErrorParts = {
    base, name: String(name), message: String(message), stack: typeof stack === 'string' ? stack : undefined, fields: Object.fromEntries(plain),
  };
  const own = registered.size > 0 ? registeredOf(error) : undefined;
  if (own !== undefined) parts.registered = own;
  if ('cause' in error) parts.cause = error.cause;
  if (base === 'AggregateError') parts.errors = (error as AggregateError).errors;
  return parts;
}

/** A copy of an error with this cause, in place of what cannot be sent with it; of anything else, the cause alone. */
export function withCause(error: unknown, cause: unknown): unknown {
  if (typeof error !== 'object' || error === null || !isError(error)) return cause;
  const parts = takeApart(error);
  const copy = Object.setPrototypeOf(putTogether(parts), Object.getPrototypeOf(error) as object) as Error;
  complete(copy, { ...parts, cause, ...('errors' in parts && { errors: [] }) });
  return copy;
}
