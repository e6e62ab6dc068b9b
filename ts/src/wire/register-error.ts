// SPDX-License-Identifier: MIT
import { checkThat } from '../check.js';
import { classes } from './error.js';
import { registered } from './registered.js';

const isErrorClass = checkThat('a class of errors', (value) => (value as { prototype: unknown }).prototype instanceof Error);
const isName = checkThat('a name that no other class of errors has', (value) =>
  typeof value === 'string' && value !== '' && !classes.has(value) && !['AggregateError', 'DOMException', 'AioError'].includes(value));

/**
 * Registers a class of errors, so that an error of it that is sent to another thread is of that class there. Both threads have
 * to register it, under the same name; `name` is needed where a minifier renames the class. The constructor is not
 * called in the other thread: the error has the message, stack, cause and plain fields of the original.
 * @throws AioError ERR_AIO_INVALID_ARG: no class of errors, or the name belongs to another one
 */
export function registerError(type: new (...args: never[]) => Error, name: string = type.name): void {
  isErrorClass('type', type);
  isName('name', registered.get(name) === undefined || registered.get(name) === type ? name : undefined);
  registered.set(name, type);
}
