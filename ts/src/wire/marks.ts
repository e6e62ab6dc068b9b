// SPDX-License-Identifier: MIT
/** How users mark values for their way to another thread. */
import { isArrayOf, isObject } from '../check.js';
import { onlyOne } from './only-one.js';

const areObjects = isArrayOf(isObject, 'transferable objects');

/** Objects that are sent as their methods. */
const proxied = onlyOne('proxied', () => new WeakSet<object>());
const transfers = onlyOne('transfers', () => new WeakMap<object, Transferable[]>());

/**
 * Marks an object of a class, so that as an argument or result of a call to another thread it
 * arrives as an object with its methods, which are called here. (Functions need no mark.)
 * `release(object)` ends that.
 */
export function proxy<T extends object>(object: T): T {
  if (typeof object !== 'function') isObject('object', object);
  proxied.add(object);
  return object;
}

/** Marks a value, so that as an argument or result of a call to another thread the listed parts
 * of it change hands instead of being copied (`transfer(bytes, [bytes.buffer])`). */
export function transfer<T extends object>(value: T, list: object[]): T {
  if (typeof value !== 'function') isObject('value', value);
  areObjects('list', list);
  transfers.set(value, list as Transferable[]);
  return value;
}

export const isProxied = (value: object): boolean => proxied.has(value);
export const transferOf = (value: object): Transferable[] => transfers.get(value) ?? [];
export const isTransferred = (value: object): boolean => transfers.has(value);
