// Programs as they exist, written against these headers: each compiles with the
// plain commands, natively and to WebAssembly, and does the same in both.
// (aiocc -O1, because it links in half the time.)
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { skip } from './skips.mjs';

const top = fileURLToPath(new URL('..', import.meta.url));
const TIMEOUT_MS = 60_000;
const out = join('build', 'test', 'compat');
const LIBRARY = ['build/native/libaioloop.a', '-lpthread', '-lm'];
const cc = process.env.CC ?? 'cc';

class Skipped extends Error {}

/** Runs a program in the project's folder; {code, out, err}. */
function execute(file, ...args) {
  return new Promise((resolve) => {
    execFile(file, args, { cwd: top, timeout: TIMEOUT_MS, killSignal: 'SIGKILL' }, (error, stdout, stderr) =>
      resolve({ code: error ? (error.code ?? error.signal) : 0, out: stdout, err: stderr }),
    );
  });
}

async function build(file, ...args) {
  const { code, err } = await execute(file, ...args);
  assert.equal(err, '');
  assert.equal(code, 0);
}

async function inBoth(name, expectedCode, pattern) {
  const source = `test/compat/${name}.c`;
  const native = join(out, name);
  const wasm = join(out, `${name}.wasm`);
  await build(cc, '-Icore-c/include', source, ...LIBRARY, '-o', native);
  await build('wasm/aiocc', '-O1', '-o', wasm, source);
  const ran = await execute(join(top, native));
  const ranWasm = await execute(process.execPath, 'dist/cli/main.js', 'run', wasm);
  assert.match(ran.out, pattern);
  assert.deepEqual(ran, { code: expectedCode, out: ran.out, err: '' });
  assert.deepEqual(ranWasm, ran);
}

function headersUnder(dir) {
  return readdirSync(join(top, dir), { recursive: true })
    .filter((name) => name.endsWith('.h'))
    .map((name) => relative(join('core-c', 'include'), join(dir, name)));
}

const STRICT = ['-Wall', '-Wextra', '-pedantic', '-Werror', '-Icore-c/include'];
/** C and C++, of one make each. */
const COMPILERS = [['gcc', 'g++'], ['clang', 'clang++']];

async function isThere(compiler, ...flags) {
  const file = join(out, compiler.endsWith('++') ? 'empty.cc' : 'empty.c');
  // clang++ may be there without a C++ library.
  writeFileSync(join(top, file), `${compiler.endsWith('++') ? '#include <cstdio>' : '#include <stdio.h>'}\nint main(void) { return 0; }\n`);
  return (await execute(compiler, ...(flags.length > 0 ? flags : ['-fsyntax-only']), file, '-o', `${file}.x`)).code === 0;
}

/** What a program with GLib is compiled and linked with. */
async function glib() {
  const flags = await execute('pkg-config', '--cflags', '--libs', 'glib-2.0');
  if (flags.code !== 0) throw new Skipped('GLib is not installed (libglib2.0-dev)');
  return flags.out.trim().split(/\s+/);
}

/** A source that includes these headers. */
function includes(name, headers) {
  const file = join(out, name);
  writeFileSync(join(top, file), `${headers.map((header) => `#include "${header}"\n`).join('')}extern int not_empty;\n`);
  return file;
}

/** What AIO_API_VERSION can be, and the names that each one takes away. */
const LEVELS = [
  [601],
  [700],
  [701],
  [801, 'aio_set_fd_poll', 'aio_disable_external', 'aio_enable_external', 'aio_external_disabled', 'aio_node_check'],
  [900, 'aio_context_acquire', 'aio_context_release'],
  [1000, 'thread_pool_new', 'thread_pool_free', 'thread_pool_submit'],
  [1002],
];

/** Which of these names the headers do not declare. */
async function notDeclared(compiler, level, names) {
  const file = join(out, `removed-${level}.c`);
  const uses = names.map((name, i) => `const void *use_${i}(void) { return (const void *)&${name}; }\n`);
  writeFileSync(join(top, file), `#include "block/aio.h"\n#include "block/thread-pool.h"\n${uses.join('')}`);
  const { err } = await execute(compiler, '-w', `-DAIO_API_VERSION=${level}`, '-Icore-c/include', '-fsyntax-only', file);
  return names.filter((name) => new RegExp(`(['‘]${name}['’] undeclared|undeclared identifier '${name}')`).test(err));
}

const tests = {
  'an event-loop program does the same in both': () => inBoth('event-loop', 5, /^gmain 1 1 1 0$/m),
  'so does one of many threads with a context each': () => inBoth('multi-threaded', 3, /^passes 1000 1000$/m),
  'so does a thread-pool program': () => inBoth('thread-pool', 0, /^cancel 1: all 100, some 1, other 0$/m),
  'so does a coroutine program': () => inBoth('coroutine', 4, /^counted 7500 and 7500$/m),
  'so does one with external handlers': () => inBoth('external', 0, /^enabled: 1$/m),
  'every type, function and macro that programs use is there': () => inBoth('headers', 0, /^missing 0,/m),

  'so does one with 200 functions whose names are in no public header': () => inBoth('names', 0, /^2\d\d names, the library called 0$/m),

  async 'every public header stands alone'() {
    const headers = headersUnder('core-c/include');
    assert.ok(headers.length > 15);
    const files = headers.map((header, i) => includes(`alone-${i}.c`, [header, header]));
    await build(cc, ...STRICT, '-fsyntax-only', ...files);
    await build('wasm/aiocc', '-Wall', '-Wextra', '-Werror', '-fsyntax-only', ...files);
  },

  async 'every public header is of each standard from C99 on, and of C++17'() {
    const headers = headersUnder('core-c/include');
    const [inC, inCxx] = [includes('all.c', headers), includes('all.cc', headers)];
    for (const [compiler, cxx] of COMPILERS) {
      for (const standard of ['c99', 'c11', 'c17', 'gnu99', 'gnu11', 'gnu17']) {
        if (await isThere(compiler)) await build(compiler, `-std=${standard}`, ...STRICT, '-fsyntax-only', inC);
      }
      if (await isThere(cxx)) await build(cxx, '-std=c++17', ...STRICT, '-fsyntax-only', inCxx);
    }
  },

  async 'a program may be of a later release of QEMU, by AIO_API_VERSION'() {
    const source = 'test/compat/levels.c';
    const expected = { code: 0, out: 'read 1, ran 12, ended 107, deferred 1\n', err: '' };
    const all = LEVELS.flatMap(([, ...names]) => names);
    const headers = headersUnder('core-c/include');
    for (const [level] of LEVELS) {
      const version = `-DAIO_API_VERSION=${level}`;
      const [inC, inCxx, program] = [includes('level.c', headers), includes('level.cc', headers), join(out, 'level')];
      for (const [compiler, cxx] of COMPILERS) {
        if (await isThere(compiler)) {
          await build(compiler, '-std=c99', version, ...STRICT, '-fsyntax-only', inC);
          await build(compiler, version, '-Wall', '-Wextra', '-Werror', '-Icore-c/include', source, ...LIBRARY, '-o', program);
          assert.deepEqual(await execute(join(top, program)), expected);
        }
        if (await isThere(cxx)) {
          await build(cxx, '-std=c++17', version, ...STRICT, '-fsyntax-only', inCxx);
          await build(cxx, '-std=c++17', version, '-Wall', '-Wextra', '-Werror', '-Icore-c/include', '-fsyntax-only', '-x', 'c++', source);
        }
      }
      await build('wasm/aiocc', '-O1', version, '-Wall', '-Wextra', '-Werror', '-o', `${program}.wasm`, source);
      assert.deepEqual(await execute(process.execPath, 'dist/cli/main.js', 'run', `${program}.wasm`), expected);
      const removed = LEVELS.filter(([by]) => by <= level).flatMap(([, ...names]) => names);
      assert.deepEqual(await notDeclared(cc, level, all), removed);
      assert.deepEqual(await notDeclared('wasm/aiocc', level, all), removed);
    }
    // Numbers in between and beyond; what is no level.
    for (const [version, ...names] of [[750], [899, ...all.slice(0, 5)], [1100, ...all]]) assert.deepEqual(await notDeclared(cc, version, all), names);
    for (const version of ['600', '']) {
      const { code, err } = await execute(cc, `-DAIO_API_VERSION=${version}`, '-Icore-c/include', '-fsyntax-only', source);
      assert.notEqual(code, 0);
      assert.match(err, version === '' ? /AIO_API_VERSION|no left operand/ : /AIO_API_VERSION is major \* 100 \+ minor of a release of QEMU/);
    }
  },

  async 'a C++ program links with the library'() {
    const found = [];
    for (const [, cxx] of COMPILERS) {
      if (!(await isThere(cxx))) continue;
      const program = join(out, `cplusplus-${cxx}`);
      await build(cxx, '-std=c++17', ...STRICT, 'test/compat/cplusplus.cc', ...LIBRARY, '-o', program);
      assert.deepEqual(await execute(join(top, program)), { code: 0, out: 'ran 1211\n', err: '' });
      found.push(cxx);
    }
    if (found.length === 0) throw new Skipped('no C++ compiler is here (g++ or clang++)');
  },

  async 'AddressSanitizer sees the use of a freed bottom half, with pools and without'() {
    if (!(await isThere(cc, '-fsanitize=address'))) throw new Skipped('this compiler has no AddressSanitizer');
    // What makes and uses them, instrumented, is linked in the place of the library's.
    const parts = ['test/compat/freed-bh.c', 'core-c/loop/bh.c', 'core-c/loop/bh-pool.c', 'core-c/loop/bh-run.c'];
    for (const [name, report, ...flags] of [['pools', /use-after-poison/], ['no-pools', /heap-use-after-free/, '-DAIO_NO_POOLS']]) {
      const program = join(out, name);
      await build(cc, '-O1', '-g', '-fsanitize=address', ...flags, '-include', 'core-c/private-names.h', '-Icore-c', '-Icore-c/port/posix', '-Icore-c/include', ...parts, ...LIBRARY, '-o', program);
      const { code, out: printed, err } = await execute(join(top, program));
      assert.notEqual(code, 0);
      assert.equal(printed, '');
      assert.match(err, report);
    }
  },

  async 'a native program may use GLib itself, whose main loop drives contexts and IOThreads'() {
    const flags = await glib();
    const second = join(out, 'glib-second.c');
    writeFileSync(join(top, second), '#include "block/aio.h"\n');
    for (const [compiler] of COMPILERS) {
      if (!(await isThere(compiler))) continue;
      const program = join(out, `glib-${compiler}`);
      await build(compiler, '-Wall', '-Wextra', '-Werror', '-DWASM_AIO_WITH_GLIB', '-Icore-c/include', 'test/compat/glib.c', second, LIBRARY[0], ...flags, ...LIBRARY.slice(1), '-o', program);
      const ran = await execute('env', 'G_DEBUG=fatal-criticals', join(top, program));
      assert.deepEqual(ran, { code: 0, out: 'main loop 1 1 1, GLib\'s 2 1, IOThread 1, outlives 1, source 1\n', err: '' });
      const { out: symbols } = await execute('nm', program);
      assert.match(symbols, /U g_main_loop_run\b/);
      assert.doesNotMatch(symbols, /gmain_thread_default|aio_g_main_loop/, 'our own GMainContext is linked, too');
    }
  },

  async 'the headers with GLib are C99 and C++17'() {
    const flags = await glib();
    const [inC, inCxx] = [includes('with-glib.c', headersUnder('core-c/include')), includes('with-glib.cc', headersUnder('core-c/include'))];
    for (const [compiler, cxx] of COMPILERS) {
      const strict = [...STRICT, '-DWASM_AIO_WITH_GLIB', '-fsyntax-only', ...flags.filter((flag) => flag.startsWith('-I'))];
      if (await isThere(compiler)) await build(compiler, '-std=c99', ...strict, inC);
      if (await isThere(cxx)) await build(cxx, '-std=c++17', ...strict, inCxx);
    }
  },
};

/** @returns {Promise<{passed: number, failed: number, skipped: number}>} */
export async function runCompat() {
  const count = { passed: 0, failed: 0, skipped: 0 };
  rmSync(join(top, out), { recursive: true, force: true });
  mkdirSync(join(top, out), { recursive: true });
  for (const [name, run] of Object.entries(tests)) {
    const start = performance.now();
    try {
      await run();
      count.passed++;
      if (process.env.V) process.stdout.write(`  passed compat: ${name} (${Math.round(performance.now() - start)} ms)\n`);
    } catch (error) {
      if (error instanceof Skipped) {
        skip(count, `compat:${name}`, error.message);
      } else {
        count.failed++;
        process.stdout.write(`  FAILED compat: ${name}\n${String(error.stack ?? error).replace(/^/gm, '      ')}\n`);
      }
    }
  }
  return count;
}
