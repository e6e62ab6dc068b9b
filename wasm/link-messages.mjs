// The messages of the linker: which of its warnings are errors, and which source files they concern.

const MISMATCH = /^.*warning: function signature mismatch: (\S+)\n>>> defined as (.*) in (.*)\n>>> defined as (.*) in (.*)\n\n?/gm;
const LIBRARY = /libaio(loop|coroutine)\.a\(/;
const LIBC = /libaiolibc\.a\(|\/wasm32-emscripten\//;

/** What other ways of compiling setjmp() and longjmp() refer to. */
const FOREIGN_JUMP = /^(_?setjmp|_?longjmp|emscripten_longjmp|saveSetjmp|testSetjmp|invoke_\w+)$/;
const UNDEFINED = /^.*error: (.*): undefined symbol: (.*)\n/gm;

/** What the linker says of a symbol that it was told to trace. */
const TRACE = /^(.*): (?:(definition)|reference|lazy definition|common definition|shared definition) (?:of|to) (\S+)\n/gm;

/**
 * Takes what the linker says of the symbols that it traces out of its messages.
 * @param {string} written by the linker
 * @param {string[]} names the symbols
 * @returns {{rest: string, own: string[]}} the other messages; and those of these symbols that the program defines itself
 */
export function readTraces(written, names) {
  const own = [];
  const rest = written.replace(TRACE, (line, file, definition, name) => {
    if (!names.includes(name)) return line;
    if (definition && !LIBRARY.test(file) && !LIBC.test(file)) own.push(name);
    return '';
  });
  return { rest, own };
}

/** Shortens the name of an archive's member: without the path of the archive. */
export const shortFile = (file) => file.replace(/^.*\/(?=[^/]+\.a\()/, '');

/**
 * @param {string} written by the linker
 * @param {Map<string, string>} sources the source file of each temporary object
 * @returns {{text: string, errors: string[], missing: {file: string, name: string}[]}} the text for the user; the errors
 *   in it; and the symbols that are not defined, with the files that refer to them
 */
export function readLinker(written, sources) {
  let named = written;
  for (const [object, source] of sources) named = named.replaceAll(object, source);
  const errors = new Set();
  const missing = [];
  const text = named.replace(MISMATCH, (warning, name, typeA, fileA, typeB, fileB) => {
    const sides = [{ type: typeA, file: fileA }, { type: typeB, file: fileB }];
    const library = sides.find(({ file }) => LIBRARY.test(file));
    const program = sides.find(({ file }) => !LIBRARY.test(file) && !LIBC.test(file));
    // A mismatch with libc is no error: the probes of configure declare its functions without their
    // types and are linked, but never run. A call of a function of the loop would trap.
    if (!library || !program) return warning;
    errors.add(`${name} is ${program.type} in ${shortFile(program.file)}, but ${library.type} in ${shortFile(library.file)}: ` +
      'include the header that declares it, or give your own function another name');
    return '';
  }).replace(UNDEFINED, (_error, file, name) => {
    if (FOREIGN_JUMP.test(name)) {
      errors.add(`${shortFile(file)} calls setjmp() or longjmp(), and was compiled for another way to do so: compile it with aiocc`);
    } else {
      missing.push({ file: shortFile(file), name });
    }
    return '';
  });
  return { text, errors: [...errors], missing };
}

/**
 * Describes symbols that are not defined. A function of libc that needs one of them does not exist here, so it is the
 * one that is named, with the functions of the program that call it.
 * @param {{file: string, name: string}[]} missing
 * @param {Map<string, {name: string, file: string}[]>} callers the functions that call each function
 * @returns {string[]} a line for each symbol
 */
export function describeMissing(missing, callers) {
  const found = new Map();                 // by name: descriptions of its callers
  const note = (name, text) => found.set(name, (found.get(name) ?? new Set()).add(text));
  const follow = (name, seen) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const caller of callers.get(name) ?? []) {
      if (LIBC.test(caller.file)) follow(caller.name, seen);
      else note(name, `called by ${caller.name}() in ${shortFile(caller.file)}`);
    }
  };
  for (const { file, name } of missing) {
    const before = found.size;
    follow(name, new Set());
    if (found.size === before && !found.has(name)) note(name, `used in ${file}`);
  }
  return [...found].map(([name, from]) => `undefined symbol: ${name}, ${[...from].slice(0, 3).join(', ')}${from.size > 3 ? ', ...' : ''}`);
}
