// Which functions of a linked module came from which file, and their names.
//
// Asyncify takes the names of the functions that it must not instrument. Names are not
// unique: a static function of a program may have the name of one of the loop's. So the
// loop's functions, found by their place in the linker's map, get a mark that no C name
// can contain, and lose it again at the end.
import { readFileSync, writeFileSync } from 'node:fs';
import { Reader, sized, text, u32 } from './binary.mjs';

const MARK = 'loop!';
/** Matches the marked functions, in wasm-opt's lists. */
export const MARKED = `${MARK}*`;

/** Finds the custom section `name` and, in it, subsection 1 (function names). */
function findNames(bytes) {
  for (const r = new Reader(bytes, 8); !r.ended;) {
    const start = r.offset;
    const id = r.byte();
    const size = r.u32();
    const end = r.offset + size;
    if (id === 0 && r.take(r.u32()).toString('latin1') === 'name') {
      const body = r.offset;
      while (r.offset < end) {
        const from = r.offset;
        const kind = r.byte();
        const length = r.u32();
        const content = r.offset;
        if (kind === 1) return { start, end, body, from, content, to: content + length };
        r.take(length);
      }
    }
    r.offset = end;
  }
  return null;
}

/** Returns the names of a module's functions, by their index. */
export function functionNames(bytes) {
  const found = findNames(bytes);
  return new Map(found ? new Reader(bytes, found.content).vector((r) => [r.u32(), r.take(r.u32()).toString()]) : []);
}

/** Rewrites FILE, with the name that rename(index, name) returns for each function. */
function rename(file, rename) {
  const bytes = readFileSync(file);
  const found = findNames(bytes);
  if (!found) return;
  const names = new Reader(bytes, found.content).vector((r) => {
    const index = r.u32();
    return Buffer.concat([u32(index), text(rename(index, r.take(r.u32()).toString()))]);
  });
  const section = Buffer.concat([
    text('name'),
    bytes.subarray(found.body, found.from),
    Buffer.from([1]), sized(Buffer.concat([u32(names.length), ...names])),
    bytes.subarray(found.to, found.end),
  ]);
  writeFileSync(file, Buffer.concat([
    bytes.subarray(0, found.start), Buffer.from([0]), sized(section), bytes.subarray(found.end),
  ]));
}

/** Returns the files that the module's own functions came from, in the order of their indices, from the linker's map. */
export function origins(map) {
  const lines = map.split('\n');
  const files = [];
  const begin = lines.findIndex((line) => / CODE$/.test(line));
  for (const line of lines.slice(begin + 1)) {
    if (/^ *\S+ +[0-9a-f]+ +[0-9a-f]+ [A-Z]+/.test(line)) break;     // the next section
    const [, file] = /^ *\S+ +[0-9a-f]+ +[0-9a-f]+ {9}(\S.*):\([^()]*\)$/.exec(line) ?? [];
    if (file !== undefined) files.push(file);
  }
  return files;
}

/**
 * Marks the functions of FILE, a module that the linker wrote with its MAP, for which
 * isMarked(the file that it came from, its index) is true.
 */
export function markFunctions(file, map, isMarked) {
  const imported = WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(file)))
    .filter(({ kind }) => kind === 'function').length;
  const from = origins(readFileSync(map, 'utf8'));
  let count = 0;
  rename(file, (index, name) => {
    count = index + 1;
    return index >= imported && isMarked(from[index - imported] ?? '', index) ? MARK + name : name;
  });
  // If a line of the map were missed, all marks after it would be on other functions.
  if (count !== imported + from.length) {
    throw new Error(`the linker's map lists ${from.length} functions and the module has ${count - imported}: is Emscripten of the version that emsdk.config names?`);
  }
}

/** The name that a function has in the sources: without the mark, and without the prefix of private-names.h. */
export const plainName = (name) => name.replace(MARK, '').replace(/^aio_priv_/, '').replace(/^__original_main$|^__main_argc_argv$|^__main_void$/, 'main');

/** Gives functions back the names that the sources have. */
export function unmarkFunctions(file) {
  rename(file, (_index, name) => name.replace(MARK, '').replace(/^aio_priv_/, '').replace(/^__original_main$/, 'main'));
}
