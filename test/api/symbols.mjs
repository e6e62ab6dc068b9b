// Whose names the libraries take away from programs: a global symbol of theirs is declared
// in a public header, or a private-names.h renames it (docs/decisions/0025-private-names-are-a-list.md).
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));
const PREFIX = 'aio_priv_';
const dir = join('build', 'test', 'api');

const tool = (name) => new RegExp(`^${name} = (.*)$`, 'm').exec(readFileSync(join(top, 'build', 'toolchain.mk'), 'utf8'))[1];

const LIBRARIES = [
  {
    archives: ['build/native/libaioloop.a'],
    nm: () => 'nm',
    compiler: process.env.CC ?? 'cc',
    flags: ['-Icore-c/include'],
    list: 'core-c/private-names.h',
    isOfLibc: () => false,
  },
  {
    archives: ['build/wasm/libaioloop.a', 'build/wasm/libaiocoroutine.a', 'build/wasm/libaiolibc.a'],
    nm: () => tool('EM_NM'),
    compiler: 'wasm/aiocc',
    flags: ['-ferror-limit=0'],
    // Those of libc that are ours.
    headers: [
      'arpa/inet.h', 'dirent.h', 'ftw.h', 'grp.h', 'ifaddrs.h', 'inttypes.h', 'malloc.h', 'net/if.h', 'netdb.h', 'netinet/in.h', 'poll.h', 'pthread.h', 'pwd.h', 'semaphore.h', 'signal.h', 'sys/epoll.h', 'sys/eventfd.h',
      'sys/file.h', 'sys/random.h', 'sys/resource.h', 'sys/select.h', 'sys/sendfile.h', 'sys/socket.h', 'sys/statfs.h', 'sys/statvfs.h', 'sys/sysinfo.h', 'sys/timerfd.h',
      'sys/time.h', 'sys/wait.h', 'sys/xattr.h', 'threads.h', 'unistd.h', 'wchar.h', 'wordexp.h',
    ],
    list: 'wasm/private-names.h',
    // Reserved by C, so that no program has them; those that libc calls when memory has grown and to sleep; and what emcc makes of longjmp.
    isOfLibc: (name) => name.startsWith('__') || ['emscripten_notify_memory_growth', 'emscripten_num_logical_cores', 'emscripten_thread_sleep', 'emscripten_longjmp'].includes(name),
  },
];

/** Runs a program in the project's folder; {code, out, err}. */
function execute(file, args) {
  return new Promise((resolve) => {
    execFile(file, args, { cwd: top, maxBuffer: 64 << 20, env: { ...process.env, LC_ALL: 'C' } }, (error, out, err) =>
      resolve({ code: error ? (error.code ?? error.signal) : 0, out, err }));
  });
}

/** [{name, object, defined}]: the global symbols of the objects in the archives. */
async function symbols({ nm, archives }) {
  const found = [];
  for (const archive of archives) {
    const { code, out, err } = await execute(nm(), ['-g', archive]);
    assert.equal(code, 0, err);
    let object = '';
    for (const line of out.split('\n')) {
      if (line.endsWith(':')) object = line.slice(0, -1);
      const [, type, name] = /^[\da-f ]*\s([A-Za-z]) (\S+)$/.exec(line) ?? [];
      if (name !== undefined) found.push({ name, object: `${basename(archive)}(${object})`, defined: !/[Uw]/.test(type) });
    }
  }
  return found;
}

/** Which of these names no public header and none of libc's declares: the compiler is asked to use them. */
async function undeclared(names, { compiler, flags, headers = [] }) {
  const ours = readdirSync(join(top, 'core-c', 'include'), { recursive: true }).filter((name) => name.endsWith('.h')).sort();
  const file = join(dir, `names-${basename(compiler)}.c`);
  mkdirSync(join(top, dir), { recursive: true });
  writeFileSync(join(top, file), [
    '#define _GNU_SOURCE', ...[...ours, ...headers].map((header) => `#include <${header}>`),
    ...names.map((name, i) => `const void *use_${i}(void) { return (const void *)&${name}; }`), '',
  ].join('\n'));
  const { code, err } = await execute(compiler, [...flags, '-w', '-fsyntax-only', file]);
  const missing = new Set([...err.matchAll(/'(\w+)' undeclared|undeclared identifier '(\w+)'/g)].map(([, gcc, clang]) => gcc ?? clang));
  assert.equal(code !== 0, missing.size > 0, err);
  return new Set(names.filter((name) => missing.has(name)));
}

/** The symbols that are neither public nor private by their name. */
async function taken(library) {
  const all = (await symbols(library)).filter(({ name }) => !name.startsWith(PREFIX));
  const defined = all.filter((symbol) => symbol.defined);
  const found = await undeclared([...new Set(defined.map(({ name }) => name))].filter((name) => !library.isOfLibc(name)), library);
  return [...new Map(defined.map((symbol) => [symbol.name, symbol]))].filter(([name]) => found.has(name)).map(([, symbol]) => symbol);
}

/** What the objects take from neither themselves nor libc: imports of JavaScript's, for which the linker takes a program's function of that name. */
async function imported({ archives, nm, isOfLibc }) {
  const lib = join(tool('EM_SYSROOT'), 'lib', 'wasm32-emscripten');
  const all = await symbols({ nm, archives });
  const libc = await symbols({ nm, archives: ['libc-ww.a', 'libdlmalloc-ww.a', 'libstandalonewasm-nocatch-memgrow.a'].map((name) => join(lib, name)) });
  const defined = new Set([...all, ...libc].filter((symbol) => symbol.defined).map(({ name }) => name));
  return [...new Map(all.map((symbol) => [symbol.name, symbol])).values()]
    .filter(({ name }) => !name.startsWith(PREFIX) && !defined.has(name) && !isOfLibc(name));
}

const listed = (file) => [...readFileSync(join(top, file), 'utf8').matchAll(/^#define (\w+) (\w+)$/gm)].map(([, name, as]) => ({ name, as }));

export const checks = {
  async 'every global symbol is declared in a public header or has the private prefix'() {
    const faults = new Map();
    for (const library of LIBRARIES) {
      for (const { name, object } of await taken(library)) {
        if (!faults.has(name)) faults.set(name, `${name} of ${object} is in no public header: make it static, or add \`#define ${name} ${PREFIX}${name}\` to ${library.list}`);
      }
    }
    assert.equal([...faults.values()].join('\n'), '');
  },

  async 'what the libraries import from JavaScript has the private prefix'() {
    const [, wasm] = LIBRARIES;
    const faults = (await imported(wasm)).map(({ name, object }) =>
      `${object} imports ${name}, and would call a program's function of that name: add \`#define ${name} ${PREFIX}${name}\` to ${wasm.list}`);
    assert.equal(faults.join('\n'), '');
  },

  async 'every private name is in use and is made by the prefix'() {
    const known = new Set((await Promise.all(LIBRARIES.map(symbols))).flat().map(({ name }) => name));
    const faults = LIBRARIES.flatMap(({ list }) => listed(list).flatMap(({ name, as }) => {
      if (as !== PREFIX + name) return [`${list}: ${name} is to be ${PREFIX}${name}, not ${as}`];
      return known.has(as) ? [] : [`${list}: no library has ${name} any more: delete its line`];
    }));
    assert.equal(faults.join('\n'), '');
  },
};
