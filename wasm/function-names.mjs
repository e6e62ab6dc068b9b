// Which functions of a linked module came from which file, and their names.
//
// Asyncify takes names: which functions it is to leave alone. Names are no
// identity: a static function of a program may be called like one of the loop's.
// So the loop's functions are given a mark that no C name can have, by their place
// in the linker's map, and lose it again at the end.
import { readFileSync, writeFileSync } from 'node:fs';

const MARK = 'loop!';
/** Matches what was marked, in wasm-opt's lists. */
export const MARKED = `${MARK}*`;

/** LEB128, as sections have it. */
function readU32(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at.offset++];
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value >>> 0;
  }
}

function u32(value) {
  const bytes = [];
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>>= 7;
  } while (value > 0);
  return Buffer.from(bytes);
}

const sized = (bytes) => Buffer.concat([u32(bytes.length), bytes]);
const text = (string) => sized(Buffer.from(string));

/** Where the custom section `name` and, in it, subsection 1 (function names) lie. */
function findNames(bytes) {
  const at = { offset: 8 };
  while (at.offset < bytes.length) {
    const start = at.offset;
    const id = bytes[at.offset++];
    const size = readU32(bytes, at);
    const end = at.offset + size;
    if (id === 0) {
      const length = readU32(bytes, at);
      const body = at.offset + length;
      if (bytes.toString('latin1', at.offset, body) === 'name') {
        at.offset = body;
        while (at.offset < end) {
          const from = at.offset;
          const kind = bytes[at.offset++];
          const length = readU32(bytes, at);
          const content = at.offset;
          if (kind === 1) return { start, end, body, from, content, to: content + length };
          at.offset = content + length;
        }
      }
    }
    at.offset = end;
  }
  return null;
}

/** Writes FILE again, with each function's name as rename(index, name) gives it. */
function rename(file, rename) {
  const bytes = readFileSync(file);
  const found = findNames(bytes);
  if (!found) return;
  const at = { offset: found.content };
  const count = readU32(bytes, at);
  const names = [u32(count)];
  for (let n = 0; n < count; n++) {
    const index = readU32(bytes, at);
    const length = readU32(bytes, at);
    const name = bytes.toString('utf8', at.offset, at.offset + length);
    at.offset += length;
    names.push(u32(index), text(rename(index, name)));
  }
  const section = Buffer.concat([
    text('name'),
    bytes.subarray(found.body, found.from),
    Buffer.from([1]), sized(Buffer.concat(names)),
    bytes.subarray(found.to, found.end),
  ]);
  writeFileSync(file, Buffer.concat([
    bytes.subarray(0, found.start), Buffer.from([0]), sized(section), bytes.subarray(found.end),
  ]));
}

/** The files that the module's own functions came from, in the order of their indices. */
function origins(map) {
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
 * Marks the functions of FILE, a module that the linker wrote with its MAP, that came
 * from a file for which isMarked(file) is true.
 */
export function markFunctions(file, map, isMarked) {
  const imported = WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(file)))
    .filter(({ kind }) => kind === 'function').length;
  const from = origins(readFileSync(map, 'utf8'));
  let count = 0;
  rename(file, (index, name) => {
    count = index + 1;
    return index >= imported && isMarked(from[index - imported] ?? '') ? MARK + name : name;
  });
  // One line of the map missed, and the marks behind it are other functions'.
  if (count !== imported + from.length) {
    throw new Error(`the linker's map lists ${from.length} functions and the module has ${count - imported}: is Emscripten of the version that emsdk.config names?`);
  }
}

export function unmarkFunctions(file) {
  rename(file, (_index, name) => (name.startsWith(MARK) ? name.slice(MARK.length) : name));
}
