// SPDX-License-Identifier: MIT

const values = globalThis as unknown as Record<symbol, unknown>;

/**
 * Returns a value that exists once in this thread, even if the runtime and the user's code were bundled with one copy
 * of the package each.
 */
export function onlyOne<T>(name: string, make: () => T): T {
  return (values[Symbol.for(`wasm-aio.${name}`)] ??= make()) as T;
}
