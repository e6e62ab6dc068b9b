// The messages of the linker: which of its warnings are errors, and which source files they concern.

const MISMATCH = /^.*warning: function signature mismatch: (\S+)\n>>> defined as (.*) in (.*)\n>>> defined as (.*) in (.*)\n\n?/gm;
const LIBRARY = /libaio(loop|coroutine)\.a\(/;
const LIBC = /libaiolibc\.a\(|\/wasm32-emscripten\//;

/** What other ways of compiling setjmp() and longjmp() refer to. */
const FOREIGN_JUMP = /^(_?setjmp|_?longjmp|emscripten_longjmp|saveSetjmp|testSetjmp|invoke_\w+)$/;
const UNDEFINED = /^.*error: (.*): undefined symbol: (.*)\n/gm;

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
 * Describes symbols that are not defined, by the functions that call them.
 * @param {{file: string, name: string}[]} missing
 * @param {Map<string, Set<string>>} callers the functions that call each of them
 * @returns {string[]} a line for each symbol
 */
export function describeMissing(missing, callers) {
  const files = new Map();
  for (const { file, name } of missing) files.set(name, (files.get(name) ?? new Set()).add(file));
  const list = (set) => [...set].slice(0, 3).join(', ') + (set.size > 3 ? ', ...' : '');
  return [...files].map(([name, from]) => {
    const calling = callers.get(name);
    return `undefined symbol: ${name}, ${calling ? `called by ${list(calling)}` : 'used'} in ${list(from)}`;
  });
}
