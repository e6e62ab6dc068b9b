// SPDX-License-Identifier: MIT
/** What console.log and JSON.stringify show of the package's objects. */

import { VERSION } from './version.js';

/** Of an object of the package: what it is, and which copy of the package made it. */
const made = Symbol.for('wasm-aio.made');
const thisCopy = {};

/** An object of the package in words, also one of another copy of it; undefined: it is none. */
export function madeBy(value: object): string | undefined {
  const { kind, version, copy } = (value as { [made]?: { kind: string; version: string; copy: object } })[made] ?? {};
  if (kind === undefined) return undefined;
  const what = `${/^[AEIOU]/.test(kind) ? 'an' : 'a'} ${kind}`;
  return copy === thisCopy ? what : `${what} of another copy of wasm-aio (${version}; this one is ${VERSION})`;
}

/** Of an object: how console.log shows it in Node, Deno and Bun. */
export const inspect = Symbol.for('nodejs.util.inspect.custom');

/**
 * Gives the objects of a class a short form of some of their properties: `Timer { name: "t",
 * pending: true }` for console.log, the properties for JSON.stringify. What a closed object does not
 * tell any more is left out.
 */
export function showAs<T extends object>(kind: string, of: { readonly prototype: T }, properties: readonly (keyof T & string)[]): void {
  const told = (object: T): Record<string, unknown> => {
    const found: Record<string, unknown> = {};
    for (const key of properties) {
      try {
        found[key] = object[key];
      } catch {
        // It is closed, or the prototype itself.
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
