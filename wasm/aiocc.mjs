// aiocc: builds C programs for the loop, with cc's options.
//
// compile.mjs and link.mjs are the one place that knows how a module is compiled and linked:
// the Makefile compiles the core with `aiocc -c` and links dist/aio.wasm with
// `aiocc --aio-reactor`.
//
// Emscripten's clang, wasm-ld and wasm-opt are called directly (emcc costs 0.15 s of
// Python), with the flags that `emcc -v` shows, and nothing of its JavaScript is linked.
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { Failure, HELP, parse } from './command-line.mjs';
import { DEFAULT_OUTPUT, TARGET, compile } from './compile.mjs';
import { addLauncher } from './launcher.mjs';
import { link } from './link.mjs';
import { run, toolchain, wasmDir } from './tools.mjs';

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
      if (o.relocatable) {
        run(o, toolchain().EM_LD, ['-r', ...inputs, ...o.link, '-o', made]);
      } else {
        link(o, inputs, sources, made, scratch);
      }
      if (o.launcher && !o.relocatable) addLauncher(made);
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
