// The messages of the linker: which of its warnings are errors, and which source files they concern.

const MISMATCH = /^.*warning: function signature mismatch: (\S+)\n>>> defined as (.*) in (.*)\n>>> defined as (.*) in (.*)\n\n?/gm;
const LIBRARY = /libaio(loop|coroutine)\.a\(/;
const LIBC = /libaiolibc\.a\(|\/wasm32-emscripten\//;

/** Shortens the name of an archive's member: without the path of the archive. */
const short = (file) => file.replace(/^.*\/(?=[^/]+\.a\()/, '');

/**
 * @param {string} written by the linker
 * @param {Map<string, string>} sources the source file of each temporary object
 * @returns {{text: string, errors: string[]}} the text for the user, and the errors in it
 */
export function readLinker(written, sources) {
  let named = written;
  for (const [object, source] of sources) named = named.replaceAll(object, source);
  const errors = new Set();
  const text = named.replace(MISMATCH, (warning, name, typeA, fileA, typeB, fileB) => {
    const sides = [{ type: typeA, file: fileA }, { type: typeB, file: fileB }];
    const library = sides.find(({ file }) => LIBRARY.test(file));
    const program = sides.find(({ file }) => !LIBRARY.test(file) && !LIBC.test(file));
    // A mismatch with libc is no error: the probes of configure declare its functions without their
    // types and are linked, but never run. A call of a function of the loop would trap.
    if (!library || !program) return warning;
    errors.add(`${name} is ${program.type} in ${short(program.file)}, but ${library.type} in ${short(library.file)}: ` +
      'include the header that declares it, or give your own function another name');
    return '';
  });
  return { text, errors: [...errors] };
}
