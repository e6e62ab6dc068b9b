// The command line of aiocc: cc's options, as far as they mean something in WebAssembly.
import { existsSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';

export const HELP = `usage: aiocc [option...] file...
Builds a C program against the loop; \`wasm-aio run\` runs it.

  -o FILE                the output (a.out, or FILE.o with -c)
  -c -S -E -fsyntax-only stop after this step
  -I -isystem -iquote -idirafter -include -imacros -D -U
                         the preprocessor's, as cc's
  -O0..-O3 -Os -Oz       -O0 also turns off the optimiser that follows the linker; with -O1 it does
                         less, and the link takes half the time
  -g -g0 -g1 -g2 -g3     -g0: not even function names; default: names only
  -std= -W... -w -f... -pedantic -M... -P -C -dM -v
                         as cc's
  -x LANGUAGE            c, c++, cpp-output, c++-cpp-output, assembler, assembler-with-cpp or none, for
                         the files after it;
                         then - is standard input
  -L -l -Wl, -Xlinker    as cc's (-lm -lc -lpthread -lrt and -pthread need nothing)
  @FILE                  options and files that stand in FILE
  -dumpmachine -dumpversion -print-...
                         what clang answers
  -s                     leave out function names
  --launcher             the output is a script that runs itself, as a native program would
                         (AIOCC_LAUNCHER=1: every output that is not called .wasm)
  -r                     join objects to one, and do not link it
  --aio-reactor          no main(): link the module that TypeScript drives
  -h --help, --version   print this help, or the version
files: .c .cpp .cc .cxx .S .s .i .ii, .o .obj and .a
aiocc++ takes the same, and links libc++. C++ is compiled without exceptions.
`;

export class Failure extends Error {}
export const fail = (message) => {
  throw new Failure(message);
};

/** The suffix of a file in a language that -x names. */
const LANGUAGES = { c: '.c', 'cpp-output': '.i', assembler: '.s', 'assembler-with-cpp': '.S', 'c++': '.cpp', 'c++-cpp-output': '.ii' };
const CPLUSPLUS = ['.cpp', '.cc', '.cxx', '.c++', '.cp', '.C', '.CPP'];
/** The suffix by which a source file is compiled, or undefined if it is none. */
function sourceSuffix(file, plusplus) {
  const suffix = extname(file);
  if (CPLUSPLUS.includes(suffix)) return '.cpp';
  if (plusplus && (suffix === '.c' || suffix === '.i')) return { '.c': '.cpp', '.i': '.ii' }[suffix];
  return ['.c', '.i', '.ii', '.S', '.s'].includes(suffix) ? suffix : undefined;
}
const WITH_VALUE = ['-isystem', '-iquote', '-idirafter', '-include', '-imacros', '-I', '-D', '-U'];
// A part of libc here, always on, or without a meaning in WebAssembly.
const NO_EFFECT = [
  '-pthread', '-lm', '-lc', '-lpthread', '-lrt', '-ldl', '-lutil', '-lcrypt', '-lresolv', '-lxnet', '-pipe', '-static-libgcc', '-static-libstdc++', '-stdlib=libc++', '-gz', '-static', '-fPIC', '-fpic', '-fPIE', '-fpie', '-pie', '-no-pie',
  '-rdynamic', '-Qunused-arguments',
];
/** Options of other linkers without a meaning in WebAssembly. */
const LINKER_NO_EFFECT = /^(--(no-)?as-needed|--hash-style=.*|--(start|end)-group|--no-undefined|--warn-common|--sort-common|--(allow|no-allow)-shlib-undefined|--(enable|disable)-new-dtags|--build-id(=.*)?|--rpath(-link)?=.*|-rpath=.*|-Bsymbolic.*|-E|--export-dynamic)$/;
const LINKER_PATHS = /^--?rpath(-link)?$/;
/** The values of -z that wasm-ld knows. */
const LINKER_Z = /^stack-size=/;
const OWN = ['--launcher', '--aio-reactor', '--help', '--version'];
/** The names of the C++ library, of which libc++ is linked. */
const LIBCXX = ['-lstdc++', '-lc++', '-lc++abi', '-lsupc++'];
const PREPROCESSOR = ['-P', '-C', '-CC', '-H', '-dM', '-dD', '-dI', '-undef', '-nostdinc', '-trigraphs'];

/** The words of a response file: quotes and backslashes as in GCC's. */
function words(text) {
  return [...text.matchAll(/(?:"(?:\\[^]|[^"\\])*"|'(?:\\[^]|[^'\\])*'|\\[^]|[^\s"'\\])+/g)]
    .map(([word]) => word.replace(/\\([^])|["']/g, (_, escaped) => escaped ?? ''));
}

function expand(args, depth = 0) {
  return args.flatMap((arg) => {
    if (!/^@./.test(arg) || !existsSync(arg.slice(1))) return [arg];
    if (depth === 20) fail(`${arg}: response files name each other in a circle`);
    let text;
    try {
      text = readFileSync(arg.slice(1), 'utf8');
    } catch (error) {
      fail(`${arg}: the response file cannot be read (${error.code})`);
    }
    return expand(words(text), depth + 1);
  });
}

/** What the options for the linker mean to wasm-ld. */
function linkerOptions(given) {
  const kept = [];
  for (let n = 0; n < given.length; n++) {
    const option = given[n];
    if (LINKER_PATHS.test(option)) n++;
    else if (option === '-z' && !LINKER_Z.test(given[n + 1] ?? '')) n++;
    else if (!LINKER_NO_EFFECT.test(option)) kept.push(option);
  }
  return kept;
}

/** The own option that was probably meant: one that differs in few letters. */
function suggestion(word) {
  const distance = (a, b) => {
    let row = Array.from({ length: b.length + 1 }, (_, n) => n);
    for (let i = 1; i <= a.length; i++) {
      row = row.reduce((next, _, j) => [...next, j === 0 ? i : Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1))], []);
    }
    return row[b.length];
  };
  const plain = (option) => option.replace(/^-+(aio-)?/, '');
  const best = OWN.map((option) => ({ option, far: distance(plain(word), plain(option)) })).sort((a, b) => a.far - b.far)[0];
  return best.far <= Math.ceil(plain(best.option).length / 4) ? `did you mean ${best.option}?` : 'aiocc --help lists the known ones';
}

/** What the arguments ask for. */
export function parse(argv) {
  const o = {
    sources: [],       // what is compiled: { file, suffix }
    linked: [],        // objects, archives and -l, in order; sources' objects too
    compile: [],       // options for clang
    link: [],          // options for wasm-ld
    deps: [],          // -M options, which need care when linking in one step
    stop: null,        // '-c', '-S', '-E' or '-fsyntax-only'
    output: null,
    optimise: null,
    debug: null,
    reactor: false,
    plusplus: false,   // aiocc++: C is compiled as C++
    libcxx: false,     // link the C++ library
    relocatable: false,
    launcher: false,   // the output runs itself
    verbose: false,
    strip: false,
    simd: false,
    ask: null,         // nothing is built: 'help', 'version', or an option that clang answers
  };
  const args = expand(argv);
  let language = 'none';
  let exceptions = null;
  const value = (option, attached) =>
    attached || args.shift() || fail(`${option} needs a value`);

  while (args.length > 0) {
    const arg = args.shift();
    const joined = WITH_VALUE.find((name) => arg.startsWith(name));
    if (NO_EFFECT.includes(arg)) {
      // nothing
    } else if (arg === '--driver-mode=g++') {
      o.plusplus = o.libcxx = true;
    } else if (LIBCXX.includes(arg)) {
      o.libcxx = true;
    } else if (/^-f(cxx-)?exceptions$/.test(arg)) {
      exceptions = arg;
    } else if (arg === '--help' || arg === '-h') {
      o.ask ??= 'help';
    } else if (arg === '--version') {
      o.ask ??= 'version';
    } else if (/^--?(dumpmachine|dumpversion|print-.+)$/.test(arg)) {
      o.ask ??= arg;
    } else if (arg === '--aio-reactor') {
      o.reactor = true;
    } else if (arg === '--launcher') {
      o.launcher = true;
    } else if (['-c', '-S', '-E', '-fsyntax-only'].includes(arg)) {
      o.stop = arg;
    } else if (arg === '-v') {
      o.verbose = true;
    } else if (['-s', '-Wl,-s', '-Wl,-S', '-Wl,--strip-all', '-Wl,--strip-debug'].includes(arg)) {
      o.strip = true;
    } else if (arg === '-r') {
      o.relocatable = true;
    } else if (arg === '-shared') {
      fail('-shared: there are no shared libraries in WebAssembly. Link statically (configure takes --disable-shared)');
    } else if (arg.startsWith('-x')) {
      language = value('-x', arg.slice(2));
      if (language !== 'none' && !Object.hasOwn(LANGUAGES, language)) fail(`-x ${language}: aiocc compiles ${Object.keys(LANGUAGES).join(', ')}`);
    } else if (arg.startsWith('-o')) {
      o.output = value('-o', arg.slice(2));
    } else if (PREPROCESSOR.includes(arg)) {
      o.compile.push(arg);
    } else if (joined !== undefined) {
      o.compile.push(joined, value(joined, arg.slice(joined.length)));
    } else if (['-MF', '-MT', '-MQ'].includes(arg)) {
      o.deps.push(arg, value(arg));
    } else if (['-M', '-MM', '-MD', '-MMD', '-MP', '-MG'].includes(arg)) {
      o.deps.push(arg);
      if (arg === '-M' || arg === '-MM') o.stop = '-E';
    } else if (/^-O([0-3sz]|fast|g)?$/.test(arg)) {
      o.optimise = arg;
    } else if (/^-g([0-3]|gdb[0-3]?|dwarf(-[2-5])?|line-tables-only|no-.*)?$/.test(arg)) {
      o.debug = arg;
    } else if (arg === '-msimd128') {
      o.simd = true;
      o.compile.push(arg);
    } else if (arg === '-ansi' || arg === '-w' || arg === '-pedantic' || arg === '-pedantic-errors'
               || arg.startsWith('-std=')) {
      o.compile.push(arg);
    } else if (/^-f(no-)?lto/.test(arg)) {
      // wasm-opt optimises the whole program in any case.
    } else if (arg.startsWith('-Wl,')) {
      o.link.push(...arg.slice(4).split(','));
    } else if (arg === '-Xlinker') {
      o.link.push(value(arg));
    } else if (/^-(W|f)./.test(arg)) {
      if (/^-fsanitize|^-fcoverage|^-fprofile/.test(arg)) fail(`${arg} does not work in WebAssembly: use the native build for that`);
      o.compile.push(arg);
    } else if (arg.startsWith('-L')) {
      o.link.push(`-L${value('-L', arg.slice(2))}`);
    } else if (arg.startsWith('-l')) {
      o.linked.push(`-l${value('-l', arg.slice(2))}`);
    } else if (arg === '-') {
      if (language === 'none' && o.stop !== '-E') fail('-x has to say in which language standard input is');
      const source = { file: '-', suffix: LANGUAGES[language] ?? (o.plusplus ? '.cpp' : '.c') };
      o.sources.push(source);
      o.linked.push({ source });
    } else if (arg.startsWith('-')) {
      fail(`unknown option ${arg} (${suggestion(arg)})`);
    } else if (language !== 'none' || sourceSuffix(arg, o.plusplus)) {
      if (!existsSync(arg)) fail(`${arg}: no such file`);
      const source = { file: arg, suffix: LANGUAGES[language] ?? sourceSuffix(arg, o.plusplus) };
      o.sources.push(source);
      o.linked.push({ source });
    } else if (['.o', '.obj', '.a'].includes(extname(arg))) {
      if (!existsSync(arg)) fail(`${arg}: no such file`);
      o.linked.push(arg);
    } else {
      fail(`${arg}: not a kind of file that aiocc knows (.c .cpp .S .s .i .o .obj .a); -x says which language another one is in`);
    }
  }
  if (o.ask) return o;
  o.link = linkerOptions(o.link);
  // In C the option concerns only what exceptions of C++ pass through.
  if (exceptions && o.sources.some(({ suffix }) => /^\.(cpp|ii)$/.test(suffix))) {
    fail(`${exceptions}: aiocc compiles C++ without exceptions. Leave the option out; \`throw\` and \`try\` are errors`);
  }
  if (o.linked.length === 0 && !o.reactor) {
    // As configure asks for the compiler's version.
    if (o.verbose && argv.length === 1) return { ...o, ask: '-v' };
    fail('no input files (aiocc --help)');
  }
  if (o.launcher && o.reactor) fail('--launcher: a module for TypeScript has no main() that could be run');
  if (process.env.AIOCC_LAUNCHER === '1' && !o.reactor && extname(o.output ?? '') !== '.wasm') o.launcher = true;
  if (o.stop && o.sources.length === 0) fail(`${o.stop} needs a source file`);
  if (o.stop && o.output && o.sources.length > 1) fail(`-o with ${o.stop} takes one source file`);
  return o;
}
