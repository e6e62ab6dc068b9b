// SPDX-License-Identifier: MIT
/** Errors on their way to another thread: structured clone keeps no class but the built-in
 * ones, and neither `code` nor `cause`. */
import type { AioErrorCode } from '../error-codes.js';
import { AioError } from '../errors.js';

/** An error taken apart. cause and errors are values like all others. */
export interface ErrorParts {
  /** Its nearest class that both sides have. */
  base: string;
  name: string;
  message: string;
  stack: string | undefined;
  /** Its own fields that are plain values: `code`, `errno`, `syscall`… */
  fields: Record<string, unknown>;
  cause?: unknown;
  /** An AggregateError's. */
  errors?: unknown;
}

const classes: Record<string, ErrorConstructor> = {
  Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError,
};

/** Also those of other realms. */
export function isError(value: object): value is Error {
  const tag = Object.prototype.toString.call(value);
  return value instanceof Error || tag === '[object Error]' || tag === '[object DOMException]';
}

function baseOf(error: Error): string {
  if (error instanceof AioError) return 'AioError';
  for (let proto: unknown = Object.getPrototypeOf(error); proto; proto = Object.getPrototypeOf(proto)) {
    const { name } = (proto as object).constructor;
    if (name in classes || name === 'AggregateError' || name === 'DOMException') return name;
  }
  return 'Error';
}

export function takeApart(error: Error): ErrorParts {
  const { name, message, stack } = error;
  const base = baseOf(error);
  const plain = Object.entries(error).filter(([, value]) => value === null || !['object', 'function', 'symbol'].includes(typeof value));
  const parts: ErrorParts = { base, name, message, stack, fields: Object.fromEntries(plain) };
  if ('cause' in error) parts.cause = error.cause;
  if (base === 'AggregateError') parts.errors = (error as AggregateError).errors;
  return parts;
}

function make({ base, name, message, fields, errors }: ErrorParts, options: ErrorOptions): Error {
  if (base === 'AioError') {
    const { code, errno } = fields as { code: AioErrorCode; errno?: string };
    return new AioError(code, message, { ...options, ...(errno === undefined ? {} : { errno }) });
  }
  if (base === 'AggregateError') return new AggregateError(errors as Iterable<unknown>, message, options);
  if (base === 'DOMException') return new DOMException(message, name);
  return new (classes[base] ?? Error)(message, options);
}

export function putTogether(parts: ErrorParts): Error {
  const { base, name, stack, fields } = parts;
  const hasCause = 'cause' in parts;
  const error = make(parts, hasCause ? { cause: parts.cause } : {});
  const set = (key: string, value: unknown, enumerable = false): void =>
    void Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
  // A DOMException takes its name and its cause otherwise.
  if (base !== 'DOMException' && error.name !== name) set('name', name);
  if (base === 'DOMException' && hasCause) set('cause', parts.cause);
  for (const [key, value] of Object.entries(fields)) set(key, value, true);
  set('stack', stack ?? `${name}: ${error.message}`);
  return error;
}
