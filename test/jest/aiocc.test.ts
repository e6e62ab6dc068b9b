// SPDX-License-Identifier: MIT
/** wasm/aiocc takes what cc takes, and says in one line what it cannot do. */
import { afterAll, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratch, spawned, wasmAio, type Ended } from './helpers/child.js';
import { pathOf } from './helpers/paths.js';

const dir = scratch();
afterAll(dir.remove);
const path = (name: string): string => join(dir.path, name);
const write = (name: string, text: string): void => writeFileSync(path(name), text);

const aiocc = (...args: string[]): Promise<Ended> => spawned(pathOf('wasm/aiocc'), args, { cwd: dir.path });
const run = (name: string, ...args: string[]): Promise<Ended> => wasmAio('run', path(name), ...args);
const made = { code: 0, signal: null, stdout: '', stderr: '' };

/** The names of a module's custom sections. */
function sections(name: string): string[] {
  const module = new WebAssembly.Module(new Uint8Array(readFileSync(path(name))));
  const all = ['name', 'sourceMappingURL'];
  return all.filter((section) => WebAssembly.Module.customSections(module, section).length > 0);
}

write('hello.c', '#include <stdio.h>\nint main(void) { printf("hello\\n"); return 0; }\n');

test('-D -U -I -include -std, several sources and objects', async () => {
  mkdirSync(path('headers'));
  write('headers/value.h', '#define FROM_HEADER 1\n');
  write('forced.h', '#define FROM_INCLUDE 2\n');
  write('part.c', 'int part(void) { return FROM_D; }\n');
  write('more.c', 'int more(void) { return 4; }\n');
  write('main.c', `
    #include <stdio.h>
    #include "value.h"
    #include "block/aio.h"                 /* needs no -I */
    int part(void);
    int more(void);
    int main(int argc, char **argv)
    {
    #ifdef GONE
        return 1;
    #endif
        printf("%d %d %d %d %s %s\\n", FROM_HEADER, FROM_INCLUDE, part(), more(), TEXT, argv[argc - 1]);
        return 0;
    }
  `);
  expect(await aiocc('-c', '-D', 'FROM_D=3', 'part.c', '-o', 'part.o')).toEqual(made);
  expect(await aiocc('-std=gnu11', '-Iheaders', '-include', 'forced.h', '-DTEXT="a b"', '-DGONE', '-UGONE', '-O2', '-Wall',
    'main.c', 'more.c', 'part.o', '-o', 'main.wasm')).toEqual(made);
  expect(await run('main.wasm', 'last')).toMatchObject({ code: 0, stdout: '1 2 3 4 a b last\n' });
});

test('-c gives each source its object; without -o the program is a.out', async () => {
  write('one.c', 'int one(void) { return 1; }\n');
  write('two.c', 'int one(void);\nint main(void) { return one() + 1; }\n');
  expect(await aiocc('-c', 'one.c', 'two.c')).toEqual(made);
  expect(existsSync(path('one.o')) && existsSync(path('two.o'))).toBe(true);
  expect(await aiocc('two.o', 'one.o')).toEqual(made);
  expect((await run('a.out')).code).toBe(2);
});

test.each([['-O0'], ['-O1'], ['-O3']])('%s', async (level) => {
  expect(await aiocc(level, 'hello.c', '-o', `hello${level}.wasm`)).toEqual(made);
  expect(await run(`hello${level}.wasm`)).toMatchObject({ code: 0, stdout: 'hello\n' });
});

test('-g puts a source map in, -g0 and -s leave names out, and by default there are names', async () => {
  for (const [flags, has] of [
    [['-g'], ['name', 'sourceMappingURL']], [['-g0'], []], [['-s'], []], [[], ['name']],
  ] as const) {
    expect(await aiocc('-O1', ...flags, 'hello.c', '-o', 'debug.wasm')).toEqual(made);
    expect({ flags, sections: sections('debug.wasm') }).toEqual({ flags, sections: [...has] });
    expect((await run('debug.wasm')).stdout).toBe('hello\n');
  }
});

test('-E, -fsyntax-only and -MMD', async () => {
  expect((await aiocc('-E', '-Q', 'hello.c')).code).toBe(1);           // -Q it does not know
  expect((await aiocc('-E', '-P', 'hello.c')).stdout).not.toMatch(/^#/m);
  expect((await aiocc('-E', 'hello.c')).stdout).toContain('printf("hello\\n")');
  expect(await aiocc('-fsyntax-only', 'hello.c')).toEqual(made);
  expect(await aiocc('-MMD', '-MF', 'hello.d', '-c', 'hello.c', '-o', 'out.o')).toEqual(made);
  expect(readFileSync(path('hello.d'), 'utf8')).toMatch(/^out\.o: .*hello\.c/);
});

write('no-main.c', 'int helper(void) { return 1; }\n');
write('undefined.c', 'int missing(void);\nint main(void) { return missing(); }\n');
write('wrong.c', 'int main(void) { return nothing; }\n');
write('text.txt', 'text\n');

test.each([
  [[], /no input files/],
  [['nowhere.c'], /nowhere\.c: no such file/],
  [['hello.c', 'nowhere.o'], /nowhere\.o: no such file/],
  [['text.txt'], /text\.txt: not a kind of file that aiocc knows/],
  [['--frobnicate', 'hello.c'], /unknown option --frobnicate/],
  [['hello.c', '-o'], /-o needs a value/],
  [['-I'], /-I needs a value/],
  [['-c', 'hello.c', 'no-main.c', '-o', 'both.o'], /-o with -c takes one source file/],
  [['-fsanitize=address', 'hello.c'], /-fsanitize=address does not work in WebAssembly/],
  [['no-main.c', '-o', 'no-main.wasm'], /the program has no main\(\)/],
])('%j: one line', async (args, words) => {
  const before = readdirSync(dir.path);
  const { code, stdout, stderr } = await aiocc(...args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^aiocc: [^\n]*\n$/);
  expect(stderr).toMatch(words);
  expect(readdirSync(dir.path)).toEqual(before);
});

test('what the compiler and the linker have to say is passed on; the old output stays', async () => {
  write('kept.wasm', 'kept');
  const wrong = await aiocc('wrong.c', '-o', 'kept.wasm');
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toMatch(/wrong\.c:1:25: error: .*'nothing'/);
  const undefinedSymbol = await aiocc('undefined.c', '-o', 'kept.wasm');
  expect(undefinedSymbol.code).toBe(1);
  expect(undefinedSymbol.stderr).toMatch(/undefined symbol: missing/);
  expect(readFileSync(path('kept.wasm'), 'utf8')).toBe('kept');
  expect(readdirSync(dir.path).filter((name) => name.includes('.new'))).toEqual([]);
});

test('-h, --help and --version', async () => {
  for (const option of ['-h', '--help']) expect(await aiocc(option)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^usage: aiocc /), stderr: '' });
  expect((await aiocc('--version')).stdout).toMatch(/^aiocc, with Emscripten \d+\.\d+\.\d+\n$/);
});
