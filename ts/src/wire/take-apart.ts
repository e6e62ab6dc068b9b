// SPDX-License-Identifier: MIT
import { AioError } from '../errors.js';
import { classes, type ErrorParts } from './error.js';

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

export function takeApart(error: Error): ErrorParts {
  const { name, message, stack } = error;
  const base = baseOf(error);
  const plain = Object.entries(error).filter(([, value]) => value === null || !['object', 'function', 'symbol'].includes(typeof value));
  const parts: ErrorParts = {
    base, name: String(name), message: String(message), stack: typeof stack === 'string' ? stack : undefined, fields: Object.fromEntries(plain),
  };
  if ('cause' in error) parts.cause = error.cause;
  if (base === 'AggregateError') parts.errors = (error as AggregateError).errors;
  return parts;
}
