// Tests of `aiocc -g`: a failure names source lines, and debuggers find the source map.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execute } from './room.mjs';

/** The number of the first line of text that contains the mark. */
const lineOf = (text, mark) => text.split('\n').findIndex((line) => line.includes(mark)) + 1;

const COROUTINE = `#include <stdio.h>
#include "qemu/osdep.h"
#include "block/aio.h"
#include "qapi/error.h"
#include "qemu/coroutine.h"
#include "qemu/main-loop.h"

static volatile int zero;

static int __attribute__((noinline)) divides(int n)
{
    return n / zero; /* here */
}

static Coroutine *self;

static void coroutine_fn entry(void *opaque)
{
    bool panics = opaque != NULL;
    self = qemu_coroutine_self();
    qemu_co_sleep_ns(QEMU_CLOCK_REALTIME, 1000);
    if (panics) {
        qemu_coroutine_enter(self); /* panic */
    }
    printf("%d\\n", divides(4)); /* caller */
}

int main(int argc, char **argv)
{
    qemu_init_main_loop(&error_fatal);
    aio_co_enter(qemu_get_aio_context(), qemu_coroutine_create(entry, argc > 1 ? argv[1] : NULL));
    while (1) {
        aio_poll(qemu_get_aio_context(), true);
    }
}
`;

const PLAIN = `#include <pthread.h>
#include <stdio.h>
#include "part.h"
static void *work(void *opaque)
{
    return (void *)part(opaque); /* in a thread */
}
int main(int argc, char **argv)
{
    pthread_t thread;
    if (argc > 1) {
        pthread_create(&thread, NULL, work, NULL);
        pthread_join(thread, NULL);
    }
    return part((int *)-8); /* in main */
}
`;
const PART = `#include "part.h"

int part(const int *p)
{
    if (!p) {
        __builtin_trap(); /* trap */
    }
    return *(const volatile int *)p; /* load */
}
`;

export const debug = {
  async 'a trap names the source lines, in main and in a thread, from several directories'(room) {
    room.write('main.c', PLAIN);
    room.write('sub/part.c', PART);
    room.write('sub/part.h', 'int part(const int *p);\n');
    for (const level of ['-O0', '-O1', '-O2']) {
      assert.deepEqual(await room.aiocc('-g', level, '-c', 'sub/part.c', '-fno-inline', '-o', 'part.o'), { code: 0, out: '', err: '' });
      assert.deepEqual(await room.aiocc('-g', level, '-Isub', 'main.c', 'part.o'), { code: 0, out: '', err: '' });
      const plain = await room.run('a.out');
      assert.equal(plain.code, 134);
      assert.match(plain.err, new RegExp(`in part \\(sub/part\\.c:${lineOf(PART, 'load')}\\) < main \\(main\\.c:${lineOf(PLAIN, 'in main')}\\)`), level);
      const threaded = await room.run('a.out', 'x');
      assert.equal(threaded.code, 134);
      assert.match(threaded.err, new RegExp(`in part \\(sub/part\\.c:${lineOf(PART, 'trap')}\\) < work \\(main\\.c:${lineOf(PLAIN, 'in a thread')}\\)`), level);
    }
  },

  async 'a trap and a panic in a coroutine name the source lines'(room) {
    for (const options of [[], ['-O2']]) {
      room.write('co.c', COROUTINE);
      assert.deepEqual(await room.aiocc('-g', ...options, 'co.c'), { code: 0, out: '', err: '' });
      const trap = await room.run('a.out');
      assert.equal(trap.code, 134);
      assert.match(trap.err, new RegExp(`divide by zero.* in divides \\(co\\.c:${lineOf(COROUTINE, 'here')}\\) < entry \\(co\\.c:${lineOf(COROUTINE, 'caller')}\\)`));
      const panic = await room.run('a.out', 'panics');
      assert.equal(panic.code, 134);
      assert.match(panic.err, new RegExp(`Co-routine re-entered recursively.* entry \\(co\\.c:${lineOf(COROUTINE, '/* panic')}\\)`, 's'));
    }
  },

  async 'a debugger is told where the source map is, and the map names the files'(room) {
    room.write('main.c', 'int main(void) { return 0; }\n');
    assert.deepEqual(await room.aiocc('-g', 'main.c'), { code: 0, out: '', err: '' });
    room.write('parsed.mjs', `import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector';
const session = new Session();
session.connect();
session.on('Debugger.scriptParsed', ({ params }) => params.scriptLanguage === 'WebAssembly' && console.log(params.sourceMapURL));
session.post('Debugger.enable');
globalThis.kept = new WebAssembly.Module(readFileSync('a.out'));`);
    const { out } = await execute(process.execPath, ['parsed.mjs'], room.dir);
    const [, base64] = /^data:application\/json;base64,(\S+)\n$/.exec(out) ?? assert.fail(out);
    const map = JSON.parse(Buffer.from(base64, 'base64').toString());
    assert.equal(map.version, 3);
    assert.ok(map.sources.some((source) => decodeURIComponent(source) === `file://${join(room.dir, 'main.c')}`), map.sources.join());
    // Without -g there is none, and no line is named.
    assert.deepEqual(await room.aiocc('main.c'), { code: 0, out: '', err: '' });
    const module = new WebAssembly.Module(readFileSync(join(room.dir, 'a.out')));
    assert.equal(WebAssembly.Module.customSections(module, 'sourceMappingURL').length, 0);
  },
};
