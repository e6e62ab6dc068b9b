// The source map of a module: which source line each instruction came from. It is made of the DWARF that the
// linker wrote; Binaryen's tools carry it along, which they do not do with DWARF when they join modules.
//
// The map is in the module, as a data: URL in the section sourceMappingURL, where browsers' debuggers look
// for it. ts/src/runtime/source-lines.ts reads it for stack traces.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Reader } from './binary.mjs';
import { fail } from './command-line.mjs';
import { functionTypes } from './function-types.mjs';
import { toolchain } from './tools.mjs';

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** A signed number in the Base64 digits of source maps. */
function vlq(value) {
  let rest = value < 0 ? (-value << 1) | 1 : value << 1;
  let text = '';
  do {
    text += DIGITS[(rest & 31) | (rest > 31 ? 32 : 0)];
    rest >>>= 5;
  } while (rest > 0);
  return text;
}

/** Where the content of the code section begins in the file, and its size. */
function codeSection(module) {
  for (const r = new Reader(module, 8); !r.ended;) {
    const id = r.byte();
    const size = r.u32();
    if (id === 10) return { start: r.offset, size };
    r.take(size);
  }
  return { start: 0, size: 0 };
}

/** Reads the text of llvm-dwarfdump --debug-line. Returns [{address, file, line, column}] without order. */
function* rows(text) {
  let directories = [];
  let files = [];
  let version = 4;
  let last = -1;
  for (const line of text.split('\n')) {
    let found;
    if (line.startsWith('0x')) {
      const [address, number, column, file] = line.trim().split(/\s+/);
      const ends = line.includes('end_sequence');
      yield { address: Number(address), file: ends ? undefined : files[file], line: Number(number), column: Number(column) };
    } else if ((found = /^ +version: (\d+)$/.exec(line))) {
      version = Number(found[1]);
      [directories, files] = [[], []];
    } else if ((found = /^include_directories\[ *(\d+)\] = "(.*)"$/.exec(line))) {
      directories[found[1]] = found[2];
    } else if ((found = /^file_names\[ *(\d+)\]:$/.exec(line))) {
      last = Number(found[1]);
    } else if ((found = /^ +name: "(.*)"$/.exec(line))) {
      files[last] = found[1];
    } else if ((found = /^ +dir_index: (\d+)$/.exec(line))) {
      files[last] = resolve(directories[version < 5 && found[1] === '0' ? -1 : found[1]] ?? '.', files[last]);
    }
  }
}

/** Writes the source map of MODULE, a file of the linker's, to FILE. */
export function writeSourceMap(module, file) {
  const dump = join(dirname(toolchain().EM_CLANG), 'llvm-dwarfdump');
  if (!existsSync(dump)) fail(`-g: ${dump} is missing: install Emscripten's LLVM completely`);
  const { stdout, error } = spawnSync(dump, ['--debug-line', '--recurse-depth=0', module], { encoding: 'utf8', maxBuffer: 2 ** 30 });
  if (error) fail(`${dump}: ${error.message}`);
  const { start, size } = codeSection(readFileSync(module));
  // The lines of functions that are not linked have addresses outside.
  const entries = [...rows(stdout)].filter(({ address }) => address > 0 && address < size).sort((a, b) => a.address - b.address);
  const sources = new Map();
  let before = { offset: 0, source: 0, line: 0, column: 0 };
  const mappings = [];
  for (const [n, { address, file: path, line, column }] of entries.entries()) {
    // Of several entries for an address the last one counts.
    if (entries[n + 1]?.address === address && (entries[n + 1].file !== undefined || path === undefined)) continue;
    const offset = start + address;
    if (path === undefined || line === 0) {
      mappings.push(vlq(offset - before.offset));
      before = { ...before, offset };
      continue;
    }
    if (!sources.has(path)) sources.set(path, sources.size);
    const next = { offset, source: sources.get(path), line: line - 1, column: Math.max(column - 1, 0) };
    mappings.push(['offset', 'source', 'line', 'column'].map((part) => vlq(next[part] - before[part])).join(''));
    before = next;
  }
  writeFileSync(file, JSON.stringify({ version: 3, sources: [...sources.keys()], names: [], mappings: mappings.join(',') }));
}

/** How many functions a module imports, and then where the body of each of its own begins in the file, from the one before. */
function functionOffsets(module) {
  const r = new Reader(module, codeSection(module).start);
  let before = 0;
  const offsets = r.vector(() => {
    const size = r.u32();
    const distance = r.offset - before;
    before = r.offset;
    r.take(size);
    return distance;
  });
  return [functionTypes(module).length - offsets.length, ...offsets];
}

/** The content of the section sourceMappingURL for MODULE, whose source map is in FILE. */
export function sourceMapUrl(module, file) {
  const map = JSON.parse(readFileSync(file, 'utf8'));
  map.sources = map.sources.map((path) => pathToFileURL(path).href);
  // Where the program was linked: traces name files from there.
  map.x_root = pathToFileURL(`${process.cwd()}/`).href;
  // Traces know the functions that they name by their indices alone.
  map.x_functions = functionOffsets(readFileSync(module));
  return `data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}`;
}
