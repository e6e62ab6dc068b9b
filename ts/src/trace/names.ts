// SPDX-License-Identifier: MIT
/** Names of C functions by their places in the function table, from the section "name" of a module. */

/** Reads a number of LEB128 and moves on. */
function leb(bytes: Uint8Array, at: { offset: number }): number {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at.offset++] ?? 0;
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return value;
  }
}

/** The names of a module's functions by their indices; empty if it was stripped. */
function functionNames(module: WebAssembly.Module): Map<number, string> {
  const names = new Map<number, string>();
  const [section] = WebAssembly.Module.customSections(module, 'name');
  if (!section) return names;
  const bytes = new Uint8Array(section);
  const at = { offset: 0 };
  while (at.offset < bytes.length) {
    const id = bytes[at.offset++];
    const size = leb(bytes, at);
    const end = at.offset + size;
    if (id === 1) {
      for (let left = leb(bytes, at); left > 0; left--) {
        const index = leb(bytes, at);
        const length = leb(bytes, at);
        names.set(index, new TextDecoder().decode(bytes.subarray(at.offset, at.offset + length)));
        at.offset += length;
      }
    }
    at.offset = end;
  }
  return names;
}

/** The index in the module of the function at a place of the function table; undefined if there is none. */
export function indexAt(table: WebAssembly.Table | undefined, place: number): number | undefined {
  if (!table || !(place > 0 && place < table.length)) return undefined;
  // The name of an exported function is its index.
  const name = (table.get(place) as { name?: string } | null)?.name;
  return name === undefined ? undefined : Number(name);
}

/**
 * Returns what tells the name of the C function at a place of the function table, or undefined where the module has
 * no names. The module is read when it is first asked.
 */
export function namesOf(module: WebAssembly.Module, table: WebAssembly.Table | undefined): (place: number) => string | undefined {
  let names: Map<number, string> | undefined;
  return (place) => {
    names ??= functionNames(module);
    const index = names.size === 0 ? undefined : indexAt(table, place);
    return index === undefined ? undefined : names.get(index);
  };
}
