// SPDX-License-Identifier: MIT
/** How console.log and JSON.stringify show the package's objects. */

import { VERSION } from './version.js';

/** The property of the package's objects that says what they are and which copy of the package made them. */
const made = Symbol.for('wasm-aio.made');
const thisCopy = {};

/** The kind of an object that the package, or another copy of it, has made; undefined for all other objects. */
export const kindOf = (value: object): string | undefined => (value as { [made]?: { kind: string } })[made]?.kind;

/** Describes an object that the package, or another copy of it, has made; undefined for all other objects. */
export function madeBy(value: object): string | undefined {
  const { kind, version, copy } = (value as { [made]?: { kind: string; version: string; copy: object } })[made] ?? {};
  if (kind === undefined) return undefined;
  const what = `${/^[AEIOU]/.test(kind) ? 'an' : 'a'} ${kind}`;
  return copy === thisCopy ? what : `${what} of another copy of wasm-aio (${version}; this one is ${VERSION})`;
}

/** The method that console.log calls in Node, Deno and Bun to show an object. */
export const inspect = Symbol.for('nodejs.util.inspect.custom');

/**
 * Gives the objects of a class a short form with some of their properties: `Timer { name: "t", pending: true }` for
 * console.log, and the properties for JSON.stringify. Properties that a closed object no longer has are left out.
 */
export function showAs<T extends object>(kind: string, of: { readonly prototype: T }, properties: readonly (keyof T & string)[]): void {
  const told = (object: T): Record<string, unknown> => {
    const found: Record<string, unknown> = {};
    for (const key of properties) {
      try {
        found[key] = object[key];
      } catch {
        // The object is closed, or it is the class's prototype.
      }
    }
    return found;
  };
  Object.defineProperties(of.prototype, {
    [made]: { value: { kind, version: VERSION, copy: thisCopy } },
    toJSON: {
      value(this: T) {
        return told(this);
      },
    },
    [inspect]: {
      value(this: T) {
        return `${kind} { ${Object.entries(told(this)).map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join(', ')} }`;
      },
    },
  });
}
