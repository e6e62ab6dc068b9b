// Links objects, archives and the library to a module.
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Failure, fail } from './command-line.mjs';
import { MARKED, functionNames, markFunctions, origins, plainName, unmarkFunctions } from './function-names.mjs';
import { addSections, readExports } from './function-types.mjs';
import { imports, instructions } from './instructions.mjs';
import { describeMissing, readLinker, readTraces, shortFile } from './link-messages.mjs';
import { findCatches } from './setjmp.mjs';
import { sourceMapUrl, writeSourceMap } from './source-map.mjs';
import { writeStartShapes } from './start-functions.mjs';
import { REMEDY, run, toolchain, top, wasmDir } from './tools.mjs';

/** The names in a file of this folder, one per line. */
function names(file) {
  return readFileSync(join(wasmDir, file), 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((name) => name !== '');
}

/** The names in exports.txt: `name`, or `?name` for one that may be missing. */
function exportFlags() {
  return names('exports.txt')
    .map((name) => (name.startsWith('?') ? `--export-if-defined=${name.slice(1)}` : `--export=${name}`));
}

// wasm-opt reads the features from the module. These are the ones that it needs and that an unchanged
// object does not mention.
const FEATURES = ['threads', 'bulk-memory', 'mutable-globals', 'sign-ext', 'nontrapping-float-to-int', 'reference-types', 'multivalue', 'exception-handling'];

// Functions that must not be inlined: Node 20's baseline compiler miscompiles a loop that contains both a
// wait and a notify instruction (see wasm/port); and the C frames of functions that report a failure would
// slow down the hot paths of coroutines.
const NO_INLINE = ['port_wait32', 'port_notify32', 'ended_too_early', 'coroutine_refuse*', 'frames_overflowed', 'cannot_unwind'];

// What Asyncify does not instrument: the loop, whose frames stay on the stack while a coroutine yields
// (wasm/port/coroutine.c refuses a yield across them), and the functions that call those of a stdio stream,
// which are libc's own. Everything else may yield: what the program calls, and what calls it, such as qsort.
const OURS = /libaio(loop|libc)\.a\(/;
const STDIO = /libc-ww\.a\((__fclose_ca|__overflow|__stdio_exit|__toread|__uflow|fclose|fflush|fread|fseek|ftell|fwrite|vfprintf)\.o\)/;
const neverYields = (file) => OURS.test(file) || file === '<internal>' || STDIO.test(file);

export function link(o, inputs, sources, output, scratch) {
  const { EM_LD, EM_OPT, EM_MERGE, EM_SYSROOT, EM_LIBRARIES } = toolchain();
  const libs = join(EM_SYSROOT, 'lib', 'wasm32-emscripten');
  // A test may use a core of its own.
  const [loop, coroutine, libc] = ['loop', 'coroutine', 'libc'].map((name) =>
    join(process.env.AIOCC_CORE ?? join(top, 'build', 'wasm'), `libaio${name}.a`));
  if (![loop, coroutine, libc].every(existsSync)) fail(`the loop has not been built yet: ${REMEDY}`);
  // wasm-ld writes this name into the module; stack traces show it.
  const linked = join(scratch, basename(output).replace(/\.new$/, ''));
  const map = join(scratch, 'map');
  const checked = join(scratch, 'stack-check');
  const joined = join(scratch, 'joined');
  const withLines = o.debug !== null && o.debug !== '-g0' && !o.strip;
  const keepNames = !o.strip && o.debug !== '-g0';

  const flags = [
    // The whole loop, because nothing refers to what TypeScript calls, which is exported by attribute. What is
    // neither exported nor called is left out again. Of libc, only what is needed and not defined by the program.
    ...inputs, '--whole-archive', loop, coroutine, '--no-whole-archive', libc, join(libs, 'crt1_reactor.o'),
    ...(o.libcxx ? [`-L${libs}`, '-lc++-ww-noexcept', '-lc++abi-ww-noexcept'] : []),
    // Some of them replace parts of others that follow.
    `-L${libs}`, ...EM_LIBRARIES.split(' '),
    '--entry=_initialize', '--error-limit=0',
    // The maximum is an upper bound; the runtime sets the actual one.
    '--shared-memory', '--import-memory', `--max-memory=${16384 * 65536}`,
    ...(o.reactor ? [] : ['-u', 'aio_priv_stdout_begin']),
    '--export-table', '--growable-table',
    // The first thread's stack is below all data, so that an overflow traps.
    '--stack-first', '-z', `stack-size=${o.reactor ? 65536 : 1048576}`,
    ...exportFlags(),
    // The names are needed until wasm-opt has run.
    ...(withLines ? [] : ['--strip-debug']),
    ...o.link, `-Map=${map}`, '-o', linked,
  ];
  let read = { errors: [], missing: [] };
  const listen = (written) => {
    read = readLinker(written, sources);
    return read.text;
  };
  // wasm/libc does what this libc does not do for threads. The linker tells by the way which of these functions the program defines
  // itself: those are not replaced, in a second link.
  const replaced = names('libc/wrapped.txt');
  let own = [];
  const wrap = () => replaced.filter((name) => !own.includes(name)).map((name) => `--wrap=${name}`);
  const listenOut = (written) => {
    const traces = readTraces(written, replaced);
    own = traces.own;
    return traces.rest;
  };
  try {
    try {
      run(o, EM_LD, [...flags, ...wrap(), ...replaced.map((name) => `--trace-symbol=${name}`)], (written) => (own.length > 0 ? '' : listen(written)), listenOut);
    } catch (error) {
      if (own.length === 0) throw error;
    }
    if (own.length > 0) run(o, EM_LD, [...flags, ...wrap()], listen);
  } catch (error) {
    // What the linker reports has no functions; a second link, which accepts what is missing, shows them.
    if (!(error instanceof Failure) || read.missing.length + read.errors.length === 0) throw error;
    const plusplus = o.libcxx ? undefined : read.missing.find(({ name }) => /^(std::|operator (new|delete)|vtable for __cxxabi|__cxa_)/.test(name));
    if (plusplus) fail(`${plusplus.file} is C++ (it refers to ${plusplus.name.slice(0, 60)}): link with aiocc++, or with -lstdc++`);
    if (read.missing.length > 0) read.errors.push(...describeMissing(read.missing, findCallers(o, [...flags, ...wrap(), '--allow-undefined'], linked, map, sources)));
  }
  if (read.errors.length > 0) fail(read.errors.join('\naiocc: '));
  const { taken, internal } = readExports(linked);
  if (taken.length > 0) fail(`the program exports ${taken.join(', ')}, as the library does: export it under another name`);
  if (!o.reactor) checkMain(linked);
  const yielding = importsFrom(linked, 'asyncify', 'start_unwind');
  const shapes = importsFrom(linked, 'functions', 'start_shape') ? [join(scratch, 'shapes.wat'), 'functions'] : [];
  if (shapes.length > 0) writeStartShapes(linked, shapes[0]);
  const catching = checkSetjmp(linked, map);
  markFunctions(linked, map, (file, index) => neverYields(file) || catching.has(index));

  // --stack-check instruments every change of __stack_pointer and adds
  //     __set_stack_limits(highest, lowest)    [exported; two globals per instance]
  //     env.stack_overflow(sp)                 [imported; called before sp is set]
  // Both limits start at 0, so they must be set (stack_own) in every instance before
  // its first call, including that of _initialize. Binaryen (120) gives the call of the
  // handler a result type that its own validator rejects, although its output is correct.
  // So this is a separate run, whose output the next run validates.
  // The source map after each step, if there is one: Binaryen's tools read and write it beside the module.
  const maps = withLines ? [linked, checked, joined, output].map((_file, n) => join(scratch, `${n}.map`)) : null;
  const mapped = (from, to) => (maps ? ['-ism', maps[from], '-osm', maps[to]] : []);
  if (maps) writeSourceMap(linked, maps[0]);
  const features = [...FEATURES, ...(o.simd ? ['simd'] : [])].map((name) => `--enable-${name}`);
  run(o, EM_OPT, [linked, ...features, '--no-validation', '--stack-check',
    '--pass-arg=stack-check-handler@stack_overflow', ...(maps ? ['--strip-dwarf'] : []), '-g', ...mapped(0, 1), '-o', checked]);
  // Switching coroutines sets the pointer and the limits; this joins the functions that do so to the module.
  run(o, EM_MERGE, [checked, 'env', ...(maps ? ['-ism', maps[1]] : []), join(wasmDir, 'port', 'stack-switch.wat'), 'stack',
    ...(yielding ? [] : [join(wasmDir, 'port', 'no-coroutine.wat'), 'asyncify']), ...shapes, ...features,
    '--no-validation', '-g', ...(maps ? ['-osm', maps[2]] : []), '-o', joined]);
  run(o, EM_OPT, [joined, ...features, ...NO_INLINE.map((name) => `--no-inline=*${name}`),
    // Asyncify runs before all other passes. After an optimisation, a yield may have been inlined into the
    // only function that calls it. That function would be taken for a part of the switching, would not be
    // instrumented, and would never yield.
    ...(yielding ? ['--asyncify', '--pass-arg=asyncify-ignore-imports', `--pass-arg=asyncify-removelist@${MARKED}`] : []),
    // With -g the code stays as clang made it; otherwise breakpoints would move.
    ...(o.optimise === '-O0' || withLines ? [] : [o.optimise === '-O1' ? '-O1' : '-O3']),
    ...(keepNames ? ['-g'] : []), ...mapped(2, 3), '-o', output]);
  unmarkFunctions(output);
  addSections(output, internal, maps && sourceMapUrl(output, maps[3]));
}

/** Links with FLAGS to the file LINKED, and returns which functions call each function: {name, file} by its name. */
function findCallers(o, flags, linked, map, sources) {
  const callers = new Map();
  try {
    run(o, toolchain().EM_LD, flags, () => '');
  } catch {
    return callers;
  }
  const bytes = readFileSync(linked);
  const imported = imports(bytes);
  const names = functionNames(bytes);
  const files = origins(readFileSync(map, 'utf8'));
  const nameOf = (index) => imported[index] ?? plainName(names.get(index) ?? '?');
  for (const [index, { calls }] of instructions(bytes)) {
    const file = files[index - imported.length] ?? '';
    const caller = { name: nameOf(index), file: sources.get(file) ?? file };
    for (const to of calls) callers.set(nameOf(to), [...(callers.get(nameOf(to)) ?? []), caller]);
  }
  return callers;
}

function importsFrom(linked, from, wanted) {
  return WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(linked)))
    .some(({ module, name }) => module === from && name === wanted);
}

/**
 * Returns the indices of the functions that contain a catch, that is, that call setjmp(). Asyncify cannot
 * instrument them (Binaryen aborts). wasm/port/setjmp.c relies on what aiocc adds to them.
 */
function checkSetjmp(linked, map) {
  const bytes = readFileSync(linked);
  const names = functionNames(bytes);
  const { catching, foreign } = findCatches(bytes, names);
  if (foreign.length > 0) {
    const files = origins(readFileSync(map, 'utf8'));
    const first = imports(bytes).length;
    fail(foreign.map((index) => `${shortFile(files[index - first] ?? '')}: ${plainName(names.get(index) ?? '?')}() calls setjmp() or catches ` +
      'exceptions, and was not compiled by aiocc: compile the file with it').join('\naiocc: '));
  }
  return catching;
}

/**
 * Checks that a program has a main() that the runtime can call. wasm/libc/main.c refers to it
 * weakly, so the linker does not report that it is missing, but writes a function of
 * this name for each reference without a definition.
 */
function checkMain(linked) {
  const [section] = WebAssembly.Module.customSections(new WebAssembly.Module(readFileSync(linked)), 'name');
  const names = Buffer.from(section ?? []).toString('latin1');
  const missing = (name) => names.includes(`undefined_weak:${name}`);
  if (missing('__main_void') && (missing('main') || missing('__main_argc_argv'))) {
    fail('the program has no main(): define `int main(void)` or `int main(int argc, char **argv)`');
  }
}
