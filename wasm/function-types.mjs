// The custom section `aio.types`: JSON, with the types of the parameters of each function that the
// program exports, by its name: one letter for each parameter. The runtime's call() converts and checks
// its arguments by them.
import { readFileSync, writeFileSync } from 'node:fs';
import { Reader, sized, text } from './binary.mjs';

const LETTERS = new Map([[0x7f, 'i'], [0x7e, 'l'], [0x7d, 'f'], [0x7c, 'd']]);
const OTHER = '?'; // a vector or a reference

/** What TypeScript alone calls, at the right moment and with pointers that are its own. */
const INTERNAL = /^(rt_|asyncify_|stack_(own|switch|back)$|_initialize$|__wasm_init_tls$|__set_stack_limits$|coroutine:)/;

/** The sections by their number, custom ones left out. */
function sections(bytes) {
  const found = new Map();
  for (const r = new Reader(bytes, 8); !r.ended;) {
    const id = r.byte();
    found.set(id, new Reader(r.take(r.u32())));
  }
  return found;
}

/** {name: letters} */
function exportedTypes(bytes) {
  const [types, imports, functions, exports] = [1, 2, 3, 7].map((id) => sections(bytes).get(id));
  const parameters = types.vector((r) => {
    if (r.byte() !== 0x60) throw new Error('aio.types: a type that is no function');
    const letters = r.vector(() => LETTERS.get(r.byte()) ?? OTHER).join('');
    r.vector(() => r.byte());
    return letters;
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
  const all = [...imported, ...functions.vector((r) => r.u32())];
  const found = exports.vector((r) => {
    const name = r.take(r.u32()).toString();
    const isFunction = r.byte() === 0;
    const index = r.u32();
    return isFunction && !INTERNAL.test(name) ? [[name, parameters[all[index]]]] : [];
  }).flat();
  return Object.fromEntries(found);
}

/** Adds the section to FILE, a module that is otherwise done. */
export function addFunctionTypes(file) {
  const bytes = readFileSync(file);
  const section = Buffer.concat([text('aio.types'), Buffer.from(JSON.stringify(exportedTypes(bytes)))]);
  writeFileSync(file, Buffer.concat([bytes, Buffer.from([0]), sized(section)]));
}
