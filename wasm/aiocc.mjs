// aiocc: builds C programs for the loop, with cc's options.
//
// This file is the one place that knows how a module is compiled and linked:
// the Makefile compiles the core with `aiocc -c` and links dist/aio.wasm with
// `aiocc --aio-reactor`.
//
// Emscripten's clang, wasm-ld and wasm-opt are called directly (emcc costs 0.15 s of
// Python), with the flags that `emcc -v` shows, and nothing of its JavaScript is linked.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure, HELP, fail, parse } from './command-line.mjs';
import { MARKED, markFunctions, unmarkFunctions } from './function-names.mjs';
import { addSections, readExports } from './function-types.mjs';
import { readLinker } from './link-messages.mjs';
import { relocateThreadLocals } from './thread-locals.mjs';

const wasmDir = dirname(fileURLToPath(import.meta.url));
const top = dirname(wasmDir);
// The npm package contains no sources to build the library from.
const installed = !existsSync(join(top, 'Makefile'));
const REMEDY = installed ? 'install the package wasm-aio again' : `run \`make wasm\` in ${top} once`;

// --- the tools ----------------------------------------------------------------

/** The settings that find-toolchain.sh wrote, by name, or null if there is no such file. */
function readToolchain(file) {
  if (!existsSync(file)) return null;
  const lines = readFileSync(file, 'utf8').split('\n').map((line) => /^(\w+) = (.*)$/.exec(line));
  return Object.fromEntries(lines.filter((match) => match).map(([, name, value]) => [name, value]));
}

/** Finds the toolchain as make does. The result is kept if the package's folder is writable. */
function findToolchain(kept) {
  const emcc = (process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, 'emcc')).find((file) => existsSync(file)) ?? '';
  const key = [top, process.env.EMSDK ?? '', process.env.AIO_TOOLCHAIN ?? '', emcc].join('|');
  const last = readToolchain(kept);
  if (last?.TOOLCHAIN_KEY === key && existsSync(last.EM_CLANG)) return last;
  const scratch = mkdtempSync(join(tmpdir(), 'aiocc-'));
  try {
    const found = join(scratch, 'toolchain.mk');
    const { status, error } = spawnSync(join(wasmDir, 'toolchain', 'find-toolchain.sh'), [found, key], {
      stdio: ['ignore', 2, 2], env: { ...process.env, FETCH: 'no' },
    });
    if (error) fail(`Emscripten cannot be looked for: ${error.message}`);
    // The script has reported the reason.
    if (status !== 0) throw new Failure('');
    try {
      writeFileSync(kept, readFileSync(found));
    } catch {
      // The folder is not writable: the next call searches again.
    }
    return readToolchain(found);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

let known = null;
function toolchain() {
  const file = join(top, 'build', 'toolchain.mk');
  known ??= installed ? findToolchain(file) : readToolchain(file);
  return known ?? fail(`Emscripten has not been looked for yet: ${REMEDY}`);
}

/** Runs a tool. read(text) returns what the user sees of its standard error. */
function run(o, tool, args, read = null) {
  if (o.verbose) process.stderr.write(`${[tool, ...args].join(' ')}\n`);
  const { status, signal, error, stderr } = spawnSync(tool, args, {
    stdio: [o.sources.some(({ file }) => file === '-') ? 'inherit' : 'ignore', 'inherit', read ? 'pipe' : 'inherit'], encoding: 'utf8', maxBuffer: 2 ** 30,
  });
  if (read) process.stderr.write(read(stderr ?? ''));
  if (error?.code === 'ENOENT') fail(`${tool} is gone: ${installed ? 'is Emscripten where it was?' : `run \`make wasm\` in ${top} again`}`);
  if (error) fail(`${tool}: ${error.message}`);
  if (signal) fail(`${basename(tool)} was ended by ${signal}`);
  // The tool has reported the reason.
  if (status !== 0) throw new Failure('');
}

// --- compiling ----------------------------------------------------------------

const DEFAULT_OUTPUT = 'a.out';
/** By suffix. */
const CLANG_LANGUAGE = { '.c': 'c', '.i': 'cpp-output', '.s': 'assembler', '.S': 'assembler-with-cpp' };

const TARGET = ['-target', 'wasm32-unknown-emscripten'];
const MACHINE = [
  '-matomics', '-mbulk-memory', '-mnontrapping-fptoint', '-fignore-exceptions',
  // Loop strength reduction makes WebAssembly code larger and slower.
  '-mllvm', '-disable-lsr',
];

function compile(o, { file, suffix }, output, scratch) {
  const { EM_CLANG, EM_SYSROOT } = toolchain();
  const deps = [...o.deps];
  if (!o.stop && deps.some((d) => d === '-MD' || d === '-MMD')) {
    // Otherwise clang names the rule after a temporary object.
    const target = o.output ?? DEFAULT_OUTPUT;
    if (!deps.includes('-MF')) deps.push('-MF', target.replace(/\.wasm$/, '') + '.d');
    if (!deps.includes('-MT') && !deps.includes('-MQ')) deps.push('-MT', target);
  }
  const level = [...(o.optimise ? [o.optimise] : []), ...(o.debug ? [o.debug] : [])];
  const front = [
    ...TARGET, `--sysroot=${EM_SYSROOT}`, `-DAIO_MACHINE_H="${join(wasmDir, 'port', 'machine.h')}"`,
    '-D__EMSCRIPTEN_SHARED_MEMORY__=1', '-DEMSCRIPTEN', '-Xclang', '-iwithsysroot/include/compat',
    ...MACHINE, '-Werror=implicit-function-declaration', ...level,
    ...o.compile, '-I', join(top, 'core-c', 'include'), ...deps,
  ];
  const source = ['-x', CLANG_LANGUAGE[suffix], file];
  if (o.stop === '-E' || o.stop === '-fsyntax-only' || /^\.[sS]$/.test(suffix)) {
    run(o, EM_CLANG, [...front, o.stop ?? '-c', ...source, ...(output ? ['-o', output] : [])]);
    return;
  }
  // Compiles to unoptimised intermediate code, which is changed, and then compiles that.
  const code = join(scratch, `${basename(file)}.ll`);
  if (deps.some((d) => d === '-MD' || d === '-MMD')) {
    if (!deps.includes('-MF')) front.push('-MF', output.replace(/\.\w+$/, '') + '.d');
    if (!deps.includes('-MT') && !deps.includes('-MQ')) front.push('-MT', output);
  }
  run(o, EM_CLANG, [...front, '-S', '-emit-llvm', '-Xclang', '-disable-llvm-passes', ...source, '-o', code]);
  writeFileSync(code, relocateThreadLocals(readFileSync(code, 'utf8')));
  run(o, EM_CLANG, [
    ...TARGET, ...MACHINE, ...level, ...o.compile.filter((option) => /^-[fm]/.test(option)), '-w', '-Wno-unused-command-line-argument',
    o.stop ?? '-c', code, '-o', output,
  ]);
}

// --- linking ------------------------------------------------------------------

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
const FEATURES = ['threads', 'bulk-memory', 'mutable-globals', 'sign-ext', 'nontrapping-float-to-int', 'reference-types', 'multivalue'];

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

function link(o, inputs, sources, output, scratch) {
  const { EM_LD, EM_OPT, EM_MERGE, EM_SYSROOT } = toolchain();
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
  const keepDwarf = o.debug !== null && o.debug !== '-g0';
  const keepNames = !o.strip && o.debug !== '-g0';

  const refused = [];
  run(o, EM_LD, [
    // The whole loop, because nothing refers to what TypeScript calls, which is exported by attribute. What is
    // neither exported nor called is left out again. Of libc, only what is needed and not defined by the program.
    ...inputs, '--whole-archive', loop, coroutine, '--no-whole-archive', libc, join(libs, 'crt1_reactor.o'),
    // The order matters: bulkmemory and standalonewasm replace parts of libc.
    `-L${libs}`, '-lbulkmemory', '-lstandalonewasm-nocatch-memgrow', '-lstubs',
    '-ldlmalloc-ww', '-lc-ww', '-lcompiler_rt-ww',
    // wasm/libc does what this libc does not do for threads.
    ...names('libc/wrapped.txt').map((name) => `--wrap=${name}`),
    '--entry=_initialize',
    // The maximum is an upper bound; the runtime sets the actual one.
    '--shared-memory', '--import-memory', `--max-memory=${16384 * 65536}`,
    '--export-table', '--growable-table',
    // The first thread's stack is below all data, so that an overflow traps.
    '--stack-first', '-z', `stack-size=${o.reactor ? 65536 : 1048576}`,
    ...exportFlags(),
    // The names are needed until wasm-opt has run.
    ...(keepDwarf ? [] : ['--strip-debug']),
    ...o.link, `-Map=${map}`, '-o', linked,
  ], (written) => {
    const { text, errors } = readLinker(written, sources);
    refused.push(...errors);
    return text;
  });
  if (refused.length > 0) fail(refused.join('\naiocc: '));
  const { taken, internal } = readExports(linked);
  if (taken.length > 0) fail(`the program exports ${taken.join(', ')}, as the library does: export it under another name`);
  if (!o.reactor) checkMain(linked);
  markFunctions(linked, map, neverYields);

  // --stack-check instruments every change of __stack_pointer and adds
  //     __set_stack_limits(highest, lowest)    [exported; two globals per instance]
  //     env.stack_overflow(sp)                 [imported; called before sp is set]
  // Both limits start at 0, so they must be set (stack_own) in every instance before
  // its first call, including that of _initialize. Binaryen (120) gives the call of the
  // handler a result type that its own validator rejects, although its output is correct.
  // So this is a separate run, whose output the next run validates.
  const features = [...FEATURES, ...(o.simd ? ['simd'] : [])].map((name) => `--enable-${name}`);
  run(o, EM_OPT, [linked, ...features, '--no-validation', '--stack-check',
    '--pass-arg=stack-check-handler@stack_overflow', '-g', '-o', checked]);
  // Switching coroutines sets the pointer and the limits; this joins the functions that do so to the module.
  run(o, EM_MERGE, [checked, 'env', join(wasmDir, 'port', 'stack-switch.wat'), 'stack', ...features,
    '--no-validation', '-g', '-o', joined]);
  run(o, EM_OPT, [joined, ...features, ...NO_INLINE.map((name) => `--no-inline=*${name}`),
    // Asyncify runs before all other passes. After an optimisation, a yield may have been inlined into the
    // only function that calls it. That function would be taken for a part of the switching, would not be
    // instrumented, and would never yield.
    '--asyncify', '--pass-arg=asyncify-ignore-imports', `--pass-arg=asyncify-removelist@${MARKED}`,
    // If nothing yields, nothing is instrumented.
    ...(yields(linked) ? [] : ['--pass-arg=asyncify-ignore-indirect']),
    // With DWARF the code stays as clang made it; otherwise breakpoints would move.
    ...(o.optimise === '-O0' || keepDwarf ? [] : ['-O3']),
    ...(keepNames ? ['-g'] : []), '-o', output]);
  unmarkFunctions(output);
  addSections(output, internal);
}

function yields(linked) {
  return WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(linked)))
    .some(({ module, name }) => module === 'asyncify' && name === 'start_unwind');
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

// --- all together -------------------------------------------------------------

/** A question about the compiler, by build systems for the most part. */
function answer(o) {
  if (o.ask === 'help') return void process.stdout.write(HELP);
  const { EM_VERSION, EM_CLANG, EM_SYSROOT, EM_LD, EM_AR, EM_NM } = toolchain();
  const programs = { ld: EM_LD, ar: EM_AR, nm: EM_NM, ranlib: join(wasmDir, 'aioranlib') };
  const program = programs[/^--?print-prog-name=(.*)$/.exec(o.ask)?.[1]];
  if (program) return void process.stdout.write(`${program}\n`);
  if (o.ask === 'version') return void process.stdout.write(`aiocc, with Emscripten ${EM_VERSION}\n`);
  run({ ...o, verbose: false }, EM_CLANG, [...TARGET, `--sysroot=${EM_SYSROOT}`, o.ask]);
}

function main(argv) {
  const o = parse(argv);
  if (o.ask) return answer(o);
  const scratch = mkdtempSync(join(tmpdir(), 'aiocc-'));
  try {
    if (o.stop) {
      const suffix = { '-c': '.o', '-S': '.s' }[o.stop];
      for (const source of o.sources) {
        const name = source.file === '-' ? '-' : basename(source.file, extname(source.file));
        compile(o, source, o.output ?? (suffix && name + suffix), scratch);
      }
      return;
    }
    const output = o.output ?? DEFAULT_OUTPUT;
    const sources = new Map();
    const inputs = o.linked.map((item, n) => {
      if (typeof item === 'string') return item;
      const object = join(scratch, `${n}.o`);
      sources.set(object, item.source.file);
      compile(o, item.source, object, scratch);
      return object;
    });
    // Written under another name, then renamed, so that no incomplete file is left.
    const made = `${output}.new`;
    try {
      link(o, inputs, sources, made, scratch);
      renameSync(made, output);
    } finally {
      rmSync(made, { force: true });
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

try {
  main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  if (error.message) process.stderr.write(`aiocc: ${error.message}\n`);
  process.exitCode = 1;
}
