// SPDX-License-Identifier: MIT
/** The functions by which users mark values that they send to another thread. */
import { isArrayOf, isObject } from '../check.js';
import { onlyOne } from './only-one.js';

const areObjects = isArrayOf(isObject, 'transferable objects');

/** Whether anything was ever marked: if not, nobody has to look. */
export const marks = /* @__PURE__ */ onlyOne('marks', () => ({ any: false }));
/** Objects that were marked by proxy(). */
const proxied = /* @__PURE__ */ onlyOne('proxied', () => new WeakSet<object>());
const transfers = /* @__PURE__ */ onlyOne('transfers', () => new WeakMap<object, Transferable[]>());

/**
 * Marks an object, for example an instance of a class, so that it is not copied when it is an argument or a result of
 * a call to another thread: the other thread gets an object with the same methods, which run in this thread.
 * Functions need no mark. `release(object)` ends this. Returns the object.
 * @throws AioError ERR_AIO_INVALID_ARG
 */
export function proxy<T extends object>(object: T): T {
  if (typeof object !== 'function') isObject('object', object);
  marks.any = true;
  proxied.add(object);
  return object;
}

/**
 * Marks a value, so that the objects in `list` are moved instead of copied when the value is an argument or a result
 * of a call to another thread: `transfer(bytes, [bytes.buffer])`. Returns the value.
 * @throws AioError ERR_AIO_INVALID_ARG
 */
export function transfer<T extends object>(value: T, list: object[]): T {
  if (typeof value !== 'function') isObject('value', value);
  areObjects('list', list);
  marks.any = true;
  transfers.set(value, list as Transferable[]);
  return value;
}

export const isProxied = (value: object): boolean => proxied.has(value);
export const transferOf = (value: object): Transferable[] => transfers.get(value) ?? [];
export const isTransferred = (value: object): boolean => transfers.has(value);
