// Compiles one file: C to LLVM's intermediate code, which is changed, and then to an object.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { prepareSetjmp } from './setjmp.mjs';
import { relocateThreadLocals } from './thread-locals.mjs';
import { run, toolchain, top, wasmDir } from './tools.mjs';

export const DEFAULT_OUTPUT = 'a.out';
/** By suffix. */
const CLANG_LANGUAGE = { '.c': 'c', '.i': 'cpp-output', '.s': 'assembler', '.S': 'assembler-with-cpp', '.cpp': 'c++', '.ii': 'c++-cpp-output' };

export const TARGET = ['-target', 'wasm32-unknown-emscripten'];
const MACHINE = [
  '-matomics', '-mbulk-memory', '-mnontrapping-fptoint', '-fignore-exceptions',
  // Loop strength reduction makes WebAssembly code larger and slower.
  '-mllvm', '-disable-lsr',
  // setjmp throws and catches: see wasm/port/setjmp.c.
  '-mllvm', '-wasm-enable-sjlj',
];

/** Gives debug information whole paths: a line table has no room for the directory that others are relative to. */
const namePaths = (code) => code.replace(/^(!\d+ = (?:distinct )?!DIFile\(filename: ")([^"/][^"]*)(", directory: ")([^"]+)"/gm, '$1$4/$2$3$4"');

export function compile(o, { file, suffix }, output, scratch) {
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
    ...MACHINE, ...(/^\.(cpp|ii)$/.test(suffix) ? ['-fno-exceptions'] : ['-Werror=implicit-function-declaration']), ...level,
    ...o.compile, '-I', join(top, 'core-c', 'include'), '-isystem', join(top, 'wasm', 'include', 'first'), '-idirafter', join(top, 'wasm', 'include'), ...deps,
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
  writeFileSync(code, relocateThreadLocals(prepareSetjmp(namePaths(readFileSync(code, 'utf8')))));
  run(o, EM_CLANG, [
    ...TARGET, ...MACHINE, ...level, ...o.compile.filter((option) => /^-[fm]/.test(option)), '-w', '-Wno-unused-command-line-argument',
    o.stop ?? '-c', code, '-o', output,
  ]);
}
