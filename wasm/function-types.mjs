// The custom section `aio.types`: JSON, with the types of the parameters of each function that the
// program exports, by its name: one letter for each parameter. The runtime's call() converts and checks
// its arguments by them.
import { readFileSync, writeFileSync } from 'node:fs';
import { Reader, sized, text } from './binary.mjs';
import { abiSection } from './abi.mjs';
import { functionNames } from './function-names.mjs';

const LETTERS = new Map([[0x7f, 'i'], [0x7e, 'l'], [0x7d, 'f'], [0x7c, 'd']]);
const OTHER = '?'; // a vector or a reference

/** The exports that wasm-opt and wasm-merge add, for TypeScript only. */
const ADDED = /^(asyncify_|stack_(own|switch|back)$|start_rewind$|stop_unwind$|__set_stack_limits$)/;
const ADDED_BY_LINKER = ['_initialize', '__wasm_init_tls'];
/** An export of the program that is not called through call(). */
const COROUTINE = /^coroutine:/;

/** Returns the sections by their number, without the custom ones. */
function sections(bytes) {
  const found = new Map();
  for (const r = new Reader(bytes, 8); !r.ended;) {
    const id = r.byte();
    found.set(id, new Reader(r.take(r.u32())));
  }
  return found;
}

/** Returns the exports: [{name, isFunction, index}]. */
function exportsOf(bytes) {
  return sections(bytes).get(7).vector((r) => ({ name: r.take(r.u32()).toString(), isFunction: r.byte() === 0, index: r.u32() }));
}

/**
 * Examines the exports of FILE, which the linker wrote.
 * @returns {{taken: string[], internal: Set<string>}} the exports of the program that the library has, too; and
 *   the exports of the library, which only TypeScript may call
 */
export function readExports(file) {
  const bytes = readFileSync(file);
  const names = functionNames(bytes);
  const seen = new Set();
  const taken = new Set();
  const internal = new Set(ADDED_BY_LINKER);
  for (const { name, isFunction, index } of exportsOf(bytes)) {
    if (seen.has(name) || ADDED.test(name)) taken.add(name);
    seen.add(name);
    if (isFunction && name.startsWith('rt_') && names.get(index) === `aio_priv_${name}`) internal.add(name);
  }
  return { taken: [...taken], internal };
}

/** Returns the type of each function by its index: {parameters, results}, each a letter for each value. */
export function functionTypes(bytes) {
  const [types, imports, functions] = [1, 2, 3].map((id) => sections(bytes).get(id));
  const signatures = types.vector((r) => {
    if (r.byte() !== 0x60) throw new Error('aio.types: a type that is no function');
    const [parameters, results] = [0, 1].map(() => r.vector(() => LETTERS.get(r.byte()) ?? OTHER).join(''));
    return { parameters, results };
  });
  const imported = imports.vector((r) => {
    r.take(r.u32());
    r.take(r.u32());
    switch (r.byte()) {
      case 0: return [r.u32()];
      case 1: r.byte(); r.limits(); return [];
      case 2: r.limits(); return [];
      case 3: r.take(2); return [];
      default: throw new Error('aio.types: the module imports something unknown');
    }
  }).flat();
  return [...imported, ...functions.vector((r) => r.u32())].map((type) => signatures[type]);
}

/** Returns the types of the functions in the table that FILE, which the linker wrote, begins with: [{index, parameters, results}]. */
export function tableTypes(file) {
  const bytes = readFileSync(file);
  const types = functionTypes(bytes);
  return (sections(bytes).get(9)?.vector((r) => {
    // The linker writes this form alone: a constant where the functions begin, and their indices.
    if (r.byte() !== 0 || r.byte() !== 0x41) throw new Error('the table of functions has another form than expected');
    const begin = r.u32();
    r.byte();
    return r.vector(() => r.u32()).map((fn, n) => ({ index: begin + n, ...types[fn] }));
  }) ?? []).flat();
}

/** Returns {name: letters}. */
function exportedTypes(bytes, internal) {
  const types = functionTypes(bytes);
  const found = exportsOf(bytes)
    .filter(({ name, isFunction }) => isFunction && !internal.has(name) && !ADDED.test(name) && !COROUTINE.test(name))
    .map(({ name, index }) => [name, types[index].parameters]);
  return Object.fromEntries(found);
}

const customSection = (name, content) => Buffer.concat([Buffer.from([0]), sized(Buffer.concat([text(name), Buffer.from(content)]))]);

/**
 * Adds the sections to FILE, a module that is otherwise finished: the types without the exports in `internal`, and the
 * address of the source map if it is not null.
 */
export function addSections(file, internal, sourceMap) {
  const bytes = readFileSync(file);
  const types = customSection('aio.types', JSON.stringify(exportedTypes(bytes, internal)));
  const map = sourceMap ? [customSection('sourceMappingURL', text(sourceMap))] : [];
  writeFileSync(file, Buffer.concat([bytes, customSection(abiSection.name, abiSection.content), types, ...map]));
}
