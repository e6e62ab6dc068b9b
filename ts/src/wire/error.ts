// SPDX-License-Identifier: MIT
/** Sends errors to another thread. The structured clone algorithm keeps only built-in classes, and neither `code` nor `cause`. */
import type { AioErrorCode } from '../error-codes.js';
import { AioError } from '../errors.js';
import { define } from './define.js';

/** An error taken apart. cause and errors are sent like all other values. */
export interface ErrorParts {
  /** Its nearest class that both sides have. */
  base: string;
  name: string;
  message: string;
  stack: string | undefined;
  /** Its own fields whose values are plain data: `code`, `errno`, `syscall`… */
  fields: Record<string, unknown>;
  cause?: unknown;
  /** The errors of an AggregateError. */
  errors?: unknown;
  /** The name under which its class was registered. */
  registered?: string;
}

/** The classes of errors that both sides have, by their names. */
export const classes = new Map<unknown, ErrorConstructor>(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((type) => [type.name, type as ErrorConstructor]),
);

function make({ base, name, message, fields }: ErrorParts): Error {
  if (base === 'AioError') {
    const { code, errno } = fields as { code: AioErrorCode; errno?: string };
    return new AioError(code, message, errno === undefined ? {} : { errno });
  }
  if (base === 'AggregateError') return new AggregateError([], message);
  if (base === 'DOMException') return new DOMException(message, name);
  return new (classes.get(base) ?? Error)(message);
}

/**
 * Makes the error, without its cause and errors: these may be errors that are not made yet, and an error may be its
 * own cause.
 */
export function putTogether(parts: ErrorParts): Error {
  const { base, name, stack, fields } = parts;
  const error = make(parts);
  // A DOMException has got its name from its constructor.
  if (base !== 'DOMException' && error.name !== name) define(error, 'name', name, false);
  for (const [key, value] of Object.entries(fields)) define(error, key, value, error.propertyIsEnumerable(key) || !Object.hasOwn(error, key));
  define(error, 'stack', stack ?? `${name}: ${error.message}`, false);
  return error;
}

export function complete(error: Error, parts: ErrorParts): void {
  for (const key of ['cause', 'errors'] as const) if (Object.hasOwn(parts, key)) define(error, key, parts[key], false);
}
