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
import { MARKED, markFunctions, unmarkFunctions } from './function-names.mjs';
import { addSections, readExports } from './function-types.mjs';
import { readLinker } from './link-messages.mjs';
import { relocateThreadLocals } from './thread-locals.mjs';

const wasmDir = dirname(fileURLToPath(import.meta.url));
const top = dirname(wasmDir);
// The npm package contains no sources to build the library from.
const installed = !existsSync(join(top, 'Makefile'));
const REMEDY = installed ? 'install the package wasm-aio again' : `run \`make wasm\` in ${top} once`;

const HELP = `usage: aiocc [option...] file...
Builds a C program against the loop; \`wasm-aio run\` runs it.

  -o FILE                the output (a.out.wasm, or FILE.o with -c)
  -c -S -E -fsyntax-only stop after this step
  -I -isystem -iquote -idirafter -include -imacros -D -U
                         the preprocessor's, as cc's
  -O0..-O3 -Os -Oz       -O0 also turns off the optimiser that follows the linker
  -g -g0 -g1 -g2 -g3     -g0: not even function names; default: names only
  -std= -W... -w -f... -pedantic -M... -v
                         as cc's
  -L -l -Wl,             as cc's (-lm -lc -lpthread -lrt and -pthread need nothing)
  -s                     leave out function names
  --aio-reactor          no main(): link the module that TypeScript drives
  -h --help, --version   print this help, or the version
files: .c .S .i, .o and .a
`;

class Failure extends Error {}
const fail = (message) => {
  throw new Failure(message);
};

// --- the command line ---------------------------------------------------------

function parse(argv) {
  const o = {
    sources: [],       // files to compile
    linked: [],        // objects, archives and -l, in order, including the objects of sources
    compile: [],       // options for clang
    link: [],          // options for wasm-ld
    deps: [],          // -M options, which need care when linking in one step
    stop: null,        // '-c', '-S', '-E' or '-fsyntax-only'
    output: null,
    optimise: null,
    debug: null,
    reactor: false,
    verbose: false,
    strip: false,
    simd: false,
  };
  const withValue = ['-isystem', '-iquote', '-idirafter', '-include', '-imacros', '-I', '-D', '-U'];
  const noEffect = ['-pthread', '-lm', '-lc', '-lpthread', '-lrt', '-ldl', '-pipe', '-static', '-fPIC', '-fpic', '-fPIE', '-fpie', '-rdynamic'];
  const args = [...argv];
  const value = (option, attached) =>
    attached || args.shift() || fail(`${option} needs a value`);

  while (args.length > 0) {
    const arg = args.shift();
    const joined = withValue.find((name) => arg.startsWith(name));
    if (noEffect.includes(arg)) {
      // Part of libc here, always on, or meaningless in WebAssembly.
    } else if (arg === '--help' || arg === '-h') {
      process.stdout.write(HELP);
      process.exit(0);
    } else if (arg === '--version') {
      process.stdout.write(`aiocc, with Emscripten ${toolchain().EM_VERSION}\n`);
      process.exit(0);
    } else if (arg === '--aio-reactor') {
      o.reactor = true;
    } else if (['-c', '-S', '-E', '-fsyntax-only'].includes(arg)) {
      o.stop = arg;
    } else if (arg === '-v') {
      o.verbose = true;
    } else if (arg === '-s') {
      o.strip = true;
    } else if (arg.startsWith('-o')) {
      o.output = value('-o', arg.slice(2));
    } else if (joined !== undefined) {
      o.compile.push(joined, value(joined, arg.slice(joined.length)));
    } else if (['-MF', '-MT', '-MQ'].includes(arg)) {
      o.deps.push(arg, value(arg));
    } else if (['-M', '-MM', '-MD', '-MMD', '-MP', '-MG'].includes(arg)) {
      o.deps.push(arg);
      if (arg === '-M' || arg === '-MM') o.stop = '-E';
    } else if (/^-O([0-3sz]|fast)?$/.test(arg)) {
      o.optimise = arg;
    } else if (/^-g([0-3]|gdb|dwarf-[2-5]|line-tables-only)?$/.test(arg)) {
      o.debug = arg;
    } else if (arg === '-msimd128') {
      o.simd = true;
      o.compile.push(arg);
    } else if (arg === '-ansi' || arg === '-w' || arg === '-pedantic' || arg === '-pedantic-errors'
               || arg.startsWith('-std=')) {
      o.compile.push(arg);
    } else if (arg.startsWith('-Wl,')) {
      o.link.push(...arg.slice(4).split(','));
    } else if (/^-(W|f)./.test(arg)) {
      if (/^-fsanitize|^-fcoverage|^-fprofile/.test(arg)) fail(`${arg} does not work in WebAssembly: use the native build for that`);
      o.compile.push(arg);
    } else if (arg.startsWith('-L')) {
      o.link.push(`-L${value('-L', arg.slice(2))}`);
    } else if (arg.startsWith('-l')) {
      o.linked.push(`-l${value('-l', arg.slice(2))}`);
    } else if (arg.startsWith('-')) {
      fail(`unknown option ${arg} (aiocc --help lists the known ones)`);
    } else if (['.c', '.i', '.S', '.s'].includes(extname(arg))) {
      if (!existsSync(arg)) fail(`${arg}: no such file`);
      o.sources.push(arg);
      o.linked.push({ source: arg });
    } else if (['.o', '.a'].includes(extname(arg))) {
      if (!existsSync(arg)) fail(`${arg}: no such file`);
      o.linked.push(arg);
    } else {
      fail(`${arg}: not a kind of file that aiocc knows (.c .S .i .o .a)`);
    }
  }
  if (o.linked.length === 0 && !o.reactor) fail('no input files (aiocc --help)');
  if (o.stop && o.sources.length === 0) fail(`${o.stop} needs a source file`);
  if (o.stop && o.output && o.sources.length > 1) fail(`-o with ${o.stop} takes one source file`);
  return o;
}

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
    stdio: ['ignore', 'inherit', read ? 'pipe' : 'inherit'], encoding: 'utf8', maxBuffer: 2 ** 30,
  });
  if (read) process.stderr.write(read(stderr ?? ''));
  if (error?.code === 'ENOENT') fail(`${tool} is gone: ${installed ? 'is Emscripten where it was?' : `run \`make wasm\` in ${top} again`}`);
  if (error) fail(`${tool}: ${error.message}`);
  if (signal) fail(`${basename(tool)} was ended by ${signal}`);
  // The tool has reported the reason.
  if (status !== 0) throw new Failure('');
}

// --- compiling ----------------------------------------------------------------

const TARGET = ['-target', 'wasm32-unknown-emscripten'];
const MACHINE = [
  '-matomics', '-mbulk-memory', '-mnontrapping-fptoint', '-fignore-exceptions',
  // Loop strength reduction makes WebAssembly code larger and slower.
  '-mllvm', '-disable-lsr',
];

function compile(o, source, output, scratch) {
  const { EM_CLANG, EM_SYSROOT } = toolchain();
  const deps = [...o.deps];
  if (!o.stop && deps.some((d) => d === '-MD' || d === '-MMD')) {
    // Otherwise clang names the rule after a temporary object.
    const target = o.output ?? 'a.out.wasm';
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
  if (o.stop === '-E' || o.stop === '-fsyntax-only' || /\.[sS]$/.test(source)) {
    run(o, EM_CLANG, [...front, o.stop ?? '-c', source, ...(output ? ['-o', output] : [])]);
    return;
  }
  // Compiles to unoptimised intermediate code, which is changed, and then compiles that.
  const code = join(scratch, `${basename(source)}.ll`);
  if (deps.some((d) => d === '-MD' || d === '-MMD')) {
    if (!deps.includes('-MF')) front.push('-MF', output.replace(/\.\w+$/, '') + '.d');
    if (!deps.includes('-MT') && !deps.includes('-MQ')) front.push('-MT', output);
  }
  run(o, EM_CLANG, [...front, '-S', '-emit-llvm', '-Xclang', '-disable-llvm-passes', source, '-o', code]);
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

function main(argv) {
  const o = parse(argv);
  const scratch = mkdtempSync(join(tmpdir(), 'aiocc-'));
  try {
    if (o.stop) {
      const suffix = { '-c': '.o', '-S': '.s' }[o.stop];
      for (const source of o.sources) {
        compile(o, source, o.output ?? (suffix && basename(source, extname(source)) + suffix), scratch);
      }
      return;
    }
    const output = o.output ?? 'a.out.wasm';
    const sources = new Map();
    const inputs = o.linked.map((item, n) => {
      if (typeof item === 'string') return item;
      const object = join(scratch, `${n}.o`);
      sources.set(object, item.source);
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
