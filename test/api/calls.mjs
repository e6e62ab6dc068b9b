// Every call through a pointer stands in core-c/port/calls.h, which fences the program's functions: a
// coroutine that yields below one is refused by name then. Found in clang's tree of each file, so that no
// spelling hides one. core-c/port/posix and core-c/port/sim are left out: natively nothing needs a fence.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));
const HEADER = 'core-c/port/calls.h';
const FLAGS = [
  '-target', 'wasm32-unknown-emscripten', '-D__EMSCRIPTEN_SHARED_MEMORY__=1', '-DEMSCRIPTEN', '-Xclang', '-iwithsysroot/include/compat',
  `-DAIO_MACHINE_H="${join(top, 'wasm/port/machine.h')}"`, '-matomics', '-mbulk-memory', '-std=gnu11', '-Icore-c', '-Icore-c/include', '-idirafter', 'wasm/include', '-Iwasm', '-Iwasm/port', '-include', 'core-c/private-names.h', '-include', 'wasm/private-names.h', '-fsyntax-only', '-Xclang', '-ast-dump=json',
];

const tool = (name) => new RegExp(`^${name} = (.*)$`, 'm').exec(readFileSync(join(top, 'build/toolchain.mk'), 'utf8'))?.[1];

const tree = (file) => new Promise((resolve, reject) => {
  const args = [...FLAGS, `--sysroot=${tool('EM_SYSROOT')}`, file];
  execFile(tool('EM_CLANG'), args, { cwd: top, maxBuffer: 1 << 30 }, (error, out, err) =>
    error ? reject(new Error(`${file}: ${err}`)) : resolve(JSON.parse(out)));
});

/** What a call calls, without the conversions around it. */
function callee(call) {
  let node = call.inner[0];
  while (['ImplicitCastExpr', 'ParenExpr'].includes(node.kind)) node = node.inner[0];
  return node;
}

const isDirect = ({ kind, referencedDecl }) => kind === 'DeclRefExpr' && referencedDecl?.kind === 'FunctionDecl';

/** The calls through a pointer in a tree: [{file, line, name of the function that they are in}]. */
export function pointerCalls(root) {
  const found = [];
  // clang prints a file and a line where they differ from those of the place before, in the order of the text.
  let file, line;
  /** Where it is spelled: for a macro's text, in the macro. */
  const place = (at) => {
    if (at?.spellingLoc) {
      const spelled = place(at.spellingLoc);
      place(at.expansionLoc);
      return spelled;
    }
    file = at?.file ?? file;
    line = at?.line ?? line;
    return { file, line };
  };
  const visit = (node, inside) => {
    place(node.loc);
    const begin = place(node.range?.begin);
    place(node.range?.end);
    const within = node.kind === 'FunctionDecl' ? node.name : inside;
    if (node.kind === 'CallExpr' && !isDirect(callee(node))) found.push({ ...begin, function: within });
    for (const child of node.inner ?? []) visit(child, within);
  };
  visit(root);
  return found;
}

function sources() {
  const below = (dir) => readdirSync(join(top, dir), { recursive: true }).map((name) => join(dir, name));
  return [...below('core-c'), ...below('wasm')].filter((name) => name.endsWith('.c') && !/^core-c\/port\/(posix|sim)\//.test(name));
}

/** Where the others are, and how many there are in the header. */
async function callsOf(files) {
  const elsewhere = new Set();
  let inHeader = 0;
  const queue = [...files];
  await Promise.all([1, 2].map(async () => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      for (const call of pointerCalls(await tree(file))) {
        if (call.file === HEADER) inHeader++;
        // What a public header calls is a part of the program, and put aside like it.
        else if (!call.file.startsWith('core-c/include/')) elsewhere.add(`${call.file}:${call.line} in ${call.function}`);
      }
    }
  }));
  return { elsewhere: [...elsewhere].sort(), inHeader };
}

export const checks = {
  async 'every call through a pointer is one of calls.h'() {
    const files = sources();
    const { elsewhere, inHeader } = await callsOf(files);
    assert.deepEqual(elsewhere, []);
    assert.ok(inHeader > 50);
    assert.ok(files.length > 80);
  },

  async 'a call through a pointer is found, however it is written'() {
    const dir = join('build', 'test', 'api');
    const file = join(dir, 'calls.c');
    mkdirSync(join(top, dir), { recursive: true });
    writeFileSync(join(top, file), `#include "port/calls.h"
typedef void Fn(void *);
typedef struct Table { Fn *fn; } Table;
void direct(void *opaque);
#define HIDDEN(fn, arg) fn(arg)
void by_name(Fn *fn) { direct(0); (direct)(0); }
void by_argument(Fn *fn) { fn(0); }
void by_pointer(Fn *fn) { (*fn)(0); }
void by_member(Table *table) { table->fn(0); }
void by_element(Table *table) { (table + 1)[2].fn(0); }
void by_conversion(void *fn) { ((Fn *)fn)(0); }
void by_macro(Fn *fn) { HIDDEN(fn, 0); }
void by_choice(Fn *fn) { (fn ? fn : direct)(0); }
void as_it_should_be(Fn *fn) { CALL_USER(fn, 0); CALL_OWN(fn, 0); CALL_COROUTINE(fn, 0); }
`);
    const { elsewhere, inHeader } = await callsOf([file]);
    const functions = elsewhere.map((call) => call.split(' in ')[1]);
    assert.deepEqual(functions.sort(), ['by_argument', 'by_choice', 'by_conversion', 'by_element', 'by_macro', 'by_member', 'by_pointer']);
    assert.equal(inHeader, 3);
  },
};
