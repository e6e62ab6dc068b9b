// SPDX-License-Identifier: MIT

/** Defines an own property, whatever its name is. An assignment to `__proto__` would change the prototype instead. */
export function define(object: object, key: string, value: unknown, enumerable = true): void {
  Object.defineProperty(object, key, { value, enumerable, writable: true, configurable: true });
}
