// SPDX-License-Identifier: MIT

const values = globalThis as unknown as Record<symbol, unknown>;

/** One value for this thread, although the runtime and the user's code may have been bundled
 * with a copy of the package each. */
export function onlyOne<T>(name: string, make: () => T): T {
  return (values[Symbol.for(`wasm-aio.${name}`)] ??= make()) as T;
}
