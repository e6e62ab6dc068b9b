// SPDX-License-Identifier: MIT

/** Sets an own property, whatever its name: an assignment to `__proto__` would change the prototype. */
export function define(object: object, key: string, value: unknown, enumerable = true): void {
  Object.defineProperty(object, key, { value, enumerable, writable: true, configurable: true });
}
