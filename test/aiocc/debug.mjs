// Tests of `aiocc -g`: a failure names source lines, and debuggers find the source map.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execute, top } from './room.mjs';

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
const HANGS = `#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include "qemu/osdep.h"
#include "block/aio.h"
#include "qemu/coroutine.h"

static pthread_barrier_t all;
static void __attribute__((noinline)) spins(void)
{
    static volatile unsigned turns;
    for (;;) { turns++; } /* spins here */
}
static void *waits(void *opaque)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
    pthread_barrier_wait(&all);
    pthread_mutex_lock(&mutex);
    for (;;) {
        pthread_cond_wait(&cond, &mutex); /* waits here */
    }
    return opaque;
}
static void __attribute__((noinline)) naps(void)
{
    struct timespec time = { 1000, 0 };
    nanosleep(&time, NULL); /* naps here */
}
static void coroutine_fn entry(void *opaque)
{
    (void)opaque;
    naps(); /* entry is here */
    qemu_coroutine_yield();
}
static void *enters(void *opaque)
{
    pthread_barrier_wait(&all);
    qemu_coroutine_enter(qemu_coroutine_create(entry, NULL));
    return opaque;
}
int main(void)
{
    pthread_t one, other;
    pthread_barrier_init(&all, NULL, 3);
    pthread_create(&one, NULL, waits, NULL);
    pthread_create(&other, NULL, enters, NULL);
    pthread_barrier_wait(&all);
    puts("there");
    fflush(stdout);
    spins(); /* main is here */
}
`;
const EARLY = `#include <stdio.h>
#include <stdlib.h>
__attribute__((constructor)) static void early(void)
{
#ifdef EXITS
    printf("early\\n");
    exit(3);
#endif
    __builtin_trap(); /* trap */
}
int main(void) { return 0; }
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

  async 'a dump shows where each thread is, whether it runs or sleeps'(room) {
    room.write('main.c', HANGS);
    assert.deepEqual(await room.aiocc('-g', 'main.c'), { code: 0, out: '', err: '' });
    const args = [join(top, 'dist', 'cli', 'main.js'), 'run'];
    const line = (mark) => lineOf(HANGS, mark);
    const spins = new RegExp(`^thread 'main' is in spins \\(main\\.c:${line('spins here')}\\) < main \\(main\\.c:${line('main is here')}\\) <`, 'm');
    const waits = new RegExp(`^thread 'pthread' is in .* < waits \\(main\\.c:${line('waits here')}\\) <`, 'm');
    const sleeps = new RegExp(`^thread 'pthread' is in .* < naps \\(main\\.c:${line('naps here')}\\) < entry \\(main\\.c:${line('entry is here')}\\) <`, 'm');
    // The program says when its threads are there. They may not sleep yet, so it is asked until they do.
    const child = spawn(process.execPath, [...args, 'a.out'], { cwd: room.dir, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    try {
      await once(child.stdout, 'data');
      for (let dumps = 0; dumps < 300; dumps++) {
        text = '';
        child.kill('SIGUSR2');
        while (!/^fd 2[^]*\nthread 'main' is in .*\n(thread .*\n)*$/m.test(text)) text += String((await once(child.stderr, 'data'))[0]);
        if ([spins, waits, sleeps].every((pattern) => pattern.test(text))) break;
      }
      for (const pattern of [spins, waits, sleeps]) assert.match(text, pattern);
      assert.doesNotMatch(text, /rt_thread_park/);
    } finally {
      child.kill('SIGKILL');
    }
    const ended = await execute(process.execPath, [...args, '--timeout=0.1', 'a.out'], room.dir);
    assert.equal(ended.code, 124);
    assert.match(ended.err, /^wasm-aio: the guest was ended after 100 ms\n/);
  },

  async 'a trap in a constructor, which runs in the owner, names the source lines; exit() in one ends the program'(room) {
    room.write('main.c', EARLY);
    assert.deepEqual(await room.aiocc('-g', 'main.c'), { code: 0, out: '', err: '' });
    const trap = await room.run('a.out');
    assert.equal(trap.code, 134);
    assert.match(trap.err, new RegExp(`thread 'owner', in early \\(main\\.c:${lineOf(EARLY, 'trap')}\\) <`));
    assert.deepEqual(await room.aiocc('-g', '-DEXITS', 'main.c'), { code: 0, out: '', err: '' });
    assert.deepEqual(await room.run('a.out'), { code: 3, out: 'early\n', err: '' });
  },

  async 'a trap in a function of a library names the source lines of the library and of its caller'(room) {
    room.write('main.c', PLAIN);
    room.write('lib/part.c', PART);
    room.write('lib/part.h', 'int part(const int *p);\n');
    assert.deepEqual(await room.aiocc('-g', '-c', 'lib/part.c', '-o', 'lib/part.o'), { code: 0, out: '', err: '' });
    assert.equal((await execute(join(top, 'wasm', 'aioar'), ['rcs', 'lib/libpart.a', 'lib/part.o'], room.dir)).code, 0);
    assert.deepEqual(await room.aiocc('-g', '-Ilib', 'main.c', '-Llib', '-lpart'), { code: 0, out: '', err: '' });
    const { code, err } = await room.run('a.out');
    assert.equal(code, 134);
    assert.match(err, new RegExp(`in part \\(lib/part\\.c:${lineOf(PART, 'load')}\\) < main \\(main\\.c:${lineOf(PLAIN, 'in main')}\\)`));
    // A function of libc has no source here, but its caller does.
    room.write('main.c', '#include <string.h>\nint main(int argc, char **argv)\n{\n    return (int)strlen((char *)(-64 * argc));\n}\n');
    assert.deepEqual(await room.aiocc('-g', '-fno-builtin', 'main.c'), { code: 0, out: '', err: '' });
    const libc = await room.run('a.out');
    assert.equal(libc.code, 134);
    assert.match(libc.err, /in strlen( \(\S+\))? < main \(main\.c:4\)/);
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
