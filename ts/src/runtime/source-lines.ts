// SPDX-License-Identifier: MIT
/** The source lines of a module's instructions, from the source map that `aiocc -g` puts into the module. */

import type { Locate } from './death.js';

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

interface Entry {
  offset: number;
  source: number;
  line: number;
}

/** Decodes the mappings of a source map of WebAssembly, which has one line of segments. */
function decode(mappings: string): Entry[] {
  const entries: Entry[] = [];
  let [offset, source, line] = [0, 0, 0];
  for (const segment of mappings.split(',')) {
    const numbers: number[] = [];
    let [value, shift] = [0, 0];
    for (const letter of segment) {
      const digit = DIGITS.indexOf(letter);
      value += (digit & 31) << shift;
      shift += 5;
      if (digit & 32) continue;
      numbers.push(value & 1 ? -(value >> 1) : value >> 1);
      [value, shift] = [0, 0];
    }
    offset += numbers[0] ?? 0;
    source += numbers[1] ?? 0;
    line += numbers[2] ?? 0;
    entries.push({ offset, source: numbers.length > 1 ? source : -1, line });
  }
  return entries;
}

interface SourceMap {
  readonly entries: readonly Entry[];
  readonly names: readonly string[];
  /** Where the functions begin, by their indices; those that are imported begin at -1. */
  readonly functions: readonly number[];
}

function readMap(module: WebAssembly.Module): SourceMap {
  const none = { entries: [], names: [], functions: [] };
  const [section] = WebAssembly.Module.customSections(module, 'sourceMappingURL');
  if (!section) return none;
  // The section is a string with its length before it, of at most 5 bytes.
  const url = new TextDecoder().decode(section).replace(/^[^]{0,5}?(?=data:)/, '');
  if (!url.startsWith('data:application/json;base64,')) return none;
  const bytes = Uint8Array.from(atob(url.slice(url.indexOf(',') + 1)), (letter) => letter.charCodeAt(0));
  const map = JSON.parse(new TextDecoder().decode(bytes)) as { sources: string[]; mappings: string; x_root?: string; x_functions?: number[] };
  const root = map.x_root ?? '';
  const [imported = 0, ...distances] = map.x_functions ?? [];
  let offset = 0;
  return {
    entries: decode(map.mappings),
    names: map.sources.map((source) => decodeURIComponent(source.startsWith(root) ? source.slice(root.length) : source.replace('file://', ''))),
    functions: [...Array<number>(imported).fill(-1), ...distances.map((distance) => (offset += distance))],
  };
}

/** The place of the first entry behind an offset. */
function behind({ entries }: SourceMap, offset: number): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle] as Entry).offset <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function text({ names }: SourceMap, entry: Entry | undefined): string {
  const name = entry && names[entry.source];
  return name === undefined ? '' : ` (${name}:${entry!.line + 1})`;
}

/** Reads a module's source map, when it is first asked for a line. */
export function sourceLines(module: WebAssembly.Module): Locate {
  let map: SourceMap | undefined;
  return (offset) => {
    map ??= readMap(module);
    return text(map, map.entries[behind(map, offset) - 1]);
  };
}

/** The same for the first instruction of a function that has a line, by the function's index in the module. */
export function functionLines(module: WebAssembly.Module): (index: number) => string {
  let map: SourceMap | undefined;
  return (index) => {
    map ??= readMap(module);
    const { entries, functions } = map;
    const begin = functions[index] ?? -1;
    if (begin < 0) return '';
    const end = functions[index + 1] ?? Infinity;
    for (let at = behind(map, begin - 1); at < entries.length && (entries[at] as Entry).offset < end; at++) {
      const line = text(map, entries[at]);
      if (line !== '') return line;
    }
    return '';
  };
}
