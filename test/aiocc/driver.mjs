// Tests of wasm/aiocc and of what it links: options and errors, both forms of
// main(), the parts of libc that are ours, and the shape of the modules.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execute, tool, top } from './room.mjs';

const THREADS = `
#include <errno.h>
#include <stdio.h>
#include "qemu/thread.h"
static void *work(void *opaque);
static void on_four_threads(void)
{
    QemuThread thread[4];
    for (long i = 0; i < 4; i++) qemu_thread_create(&thread[i], "t", work, (void *)i, QEMU_THREAD_JOINABLE);
    for (int i = 0; i < 4; i++) qemu_thread_join(&thread[i]);
}
`;

export const driver = {
  async 'main(void) is run and its value is the exit code'(room) {
    const { code, out } = await room.program('#include <stdio.h>\nint main(void) { printf("here\\n"); return 3; }');
    assert.deepEqual([code, out], [3, 'here\n']);
  },

  async 'main(argc, argv) gets the arguments'(room) {
    const { code, out } = await room.program(
      '#include <stdio.h>\nint main(int argc, char **argv) { for (int i = 1; i < argc; i++) puts(argv[i]); return argv[argc] == 0 ? argc : 99; }',
      { args: ['one', 'two words', ''] },
    );
    assert.deepEqual([code, out], [4, 'one\ntwo words\n\n']);
  },

  async 'a name of libc that C leaves to the program is the program\'s'(room) {
    const { code, out } = await room.program(`
#include <stdio.h>
struct pollfd;
int poll(struct pollfd *fds, unsigned n, int timeout);
int accept(char token) { return token == 'a'; }
long send(long value) { return value; }
int isatty(void) { return 1; }
int socketpair(void) { return 1; }
int main(void) { printf("%d %ld %d %d\\n", accept('a'), send(8), isatty(), socketpair()); return poll(NULL, 0, 0); }
`, { options: ['-std=c11'] });
    assert.deepEqual([code, out], [0, '1 8 1 1\n']);
  },

  // Its malloc knows nothing of threads, and its free of memory that others have got.
  async 'a program may bring a malloc of its own, and the library keeps its own'(room) {
    const { code, out } = await room.program(`
#include <stdio.h>
#include <string.h>
#include "qemu/osdep.h"
#include "block/aio.h"
#include "block/thread-pool.h"
#include "qapi/error.h"
#include "qemu/main-loop.h"
#include "sysemu/iothread.h"
static char arena[1 << 16] __attribute__((aligned(16)));
static size_t used;
static int others, done;
static bool is_mine(const void *p) { return (const char *)p >= arena && (const char *)p < arena + sizeof(arena); }
void *malloc(size_t n) { void *p = arena + used; used += (n + 15) & ~(size_t)15; return used > sizeof(arena) ? NULL : p; }
void free(void *p) { others += p && !is_mine(p); }
void *calloc(size_t n, size_t size) { void *p = malloc(n * size); return p ? memset(p, 0, n * size) : p; }
static void count_cb(void *opaque) { ++*(int *)opaque; }
static int work(void *opaque) { (void)opaque; return 0; }
static void worked(void *opaque, int ret) { *(int *)opaque += ret == 0; }
int main(void)
{
    qemu_init_main_loop(&error_fatal);
    AioContext *ctx = qemu_get_aio_context();
    QEMUTimer *timer = aio_timer_new(ctx, QEMU_CLOCK_REALTIME, SCALE_MS, count_cb, &done);
    IOThread *iothread = iothread_create("one", &error_fatal);
    char *id = iothread_get_id(iothread);
    timer_mod(timer, 0);
    thread_pool_submit_aio(aio_get_thread_pool(ctx), work, NULL, worked, &done);
    while (done < 2) aio_poll(ctx, true);
    timer_free(timer);
    iothread_destroy(iothread);
    printf("id %d ", is_mine(id));
    free(id);
    printf("others %d\\n", others);
    return 0;
}
`);
    assert.deepEqual([code, out], [0, 'id 1 others 0\n']);
  },

  async 'a function of the loop that is declared with another type is refused, by both files'(room) {
    room.write('wrong.c', 'int aio_poll(void);\nint main(void) { return aio_poll(); }');
    const { code, err } = await room.aiocc('wrong.c', '-o', 'x.wasm');
    assert.equal(code, 1);
    assert.match(err, /^aiocc: aio_poll is \(\) -> i32 in wrong\.c, but \(i32, i32\) -> i32 in libaioloop\.a\(aio-poll\.o\): include the header/);
    assert.ok(!existsSync(join(room.dir, 'x.wasm')));
    room.write('twice.c', 'int aio_poll(void *ctx, _Bool blocking) { return ctx && blocking; }\nint main(void) { return 0; }');
    const twice = await room.aiocc('twice.c', '-o', 'x.wasm');
    assert.equal(twice.code, 1);
    assert.match(twice.err, /duplicate symbol: aio_poll\n>>> defined in twice\.c\n>>> defined in .*libaioloop\.a\(aio-poll\.o\)/);
  },

  async 'a program may export any name that the library does not'(room) {
    const source = (name) => `__attribute__((export_name("${name}"))) int own(long long a) { return (int)a; }\nint main(void) { return 0; }`;
    room.write('free.c', source('rt_render'));
    assert.equal((await room.aiocc('free.c', '-o', 'free.wasm')).err, '');
    const module = new WebAssembly.Module(readFileSync(join(room.dir, 'free.wasm')));
    const [types] = WebAssembly.Module.customSections(module, 'aio.types');
    assert.deepEqual(JSON.parse(Buffer.from(types).toString()), { rt_render: 'l', malloc: 'i', free: 'i' });
    for (const name of ['rt_init', 'stack_own', 'malloc']) {
      room.write('taken.c', source(name));
      const { code, err } = await room.aiocc('taken.c', '-o', 'taken.wasm');
      assert.deepEqual([code, err], [1, `aiocc: the program exports ${name}, as the library does: export it under another name\n`]);
    }
  },

  // As configure asks whether there is a function.
  async 'a function of libc that is declared without its type links'(room) {
    const compiles = () => new WebAssembly.Module(readFileSync(join(room.dir, 'probe.wasm')));
    for (const name of ['fopen', 'malloc', 'pthread_create', 'accept', 'opendir']) {
      room.write('probe.c', `char ${name}();\nint main(void) { return ${name}(); }`);
      const { code, err } = await room.aiocc('-w', 'probe.c', '-o', 'probe.wasm');
      assert.equal(code, 0, err);
      assert.match(err, new RegExp(`warning: function signature mismatch: ${name}\\n.*probe\\.c`));
      compiles();
    }
    // Each that the linker replaces.
    const wrapped = readFileSync(join(top, 'wasm/libc/wrapped.txt'), 'utf8').split('\n').filter((name) => /^[a-z]/.test(name) && !name.startsWith('emscripten_'));
    room.write('probe.c', `${wrapped.map((name) => `char ${name}();`).join('\n')}\nint main(void) { return ${wrapped.map((name) => `${name}()`).join(' + ')}; }`);
    const { code, err } = await room.aiocc('-w', 'probe.c', '-o', 'probe.wasm');
    assert.equal(code, 0, err);
    compiles();
  },

  async 'a program without a main that can be called is refused'(room) {
    room.write('none.c', 'int other(void) { return 0; }');
    room.write('three.c', 'int main(int c, char **v, char **e) { return c + (v == e); }');
    for (const file of ['none.c', 'three.c']) {
      const { code, err } = await room.aiocc(file, '-o', 'x.wasm');
      assert.equal(code, 1);
      assert.match(err, /^aiocc: the program has no main\(\)[^\n]*\n$/);
      assert.equal(existsSync(join(room.dir, 'x.wasm')), false);
    }
  },

  async 'sources, objects, archives and the options of the preprocessor work together'(room) {
    room.write('in clude/a.h', 'int a(void);\n');
    room.write('forced.h', '#define FORCED 4\n');
    room.write('a.c', '#include "a.h"\nint a(void) { return A; }\n');
    room.write('b.c', 'int b(void) { return FORCED; }\n');
    room.write('main.c', '#include "a.h"\n#ifdef GONE\n#error it is there\n#endif\nint b(void);\nint main(void) { return a() + b(); }\n');
    assert.deepEqual(await room.aiocc('-c', '-O', '-g', '-DA=3', '-I', 'in clude', 'a.c'), { code: 0, out: '', err: '' });
    assert.deepEqual(await room.aiocc('b.c', '-include', 'forced.h', '-c', '-o', 'b b.o'), { code: 0, out: '', err: '' });
    const built = await room.aiocc('a.o', 'main.c', 'b b.o', '-Iin clude', '-DGONE', '-UGONE', '-std=c11', '-pthread', '-lm', '-o', 'all.wasm', '-MMD');
    assert.deepEqual(built, { code: 0, out: '', err: '' });
    assert.match(readFileSync(join(room.dir, 'all.d'), 'utf8'), /^all\.wasm: main\.c .*in\\ clude\/a\.h/s);
    assert.equal((await room.run('all.wasm')).code, 7);
    assert.deepEqual(readdirSync(room.dir).sort(), ['a.c', 'a.o', 'all.d', 'all.wasm', 'b b.o', 'b.c', 'forced.h', 'in clude', 'main.c']);
  },

  async "what build systems ask a compiler driver"(room) {
    room.write('m.c', '#include <stdio.h>\nint main(void) { puts(TEXT); return 0; }');
    room.write('words', `-DTEXT="\\"two words\\"" 'm.c'\n@more`);
    room.write('more', '-O1');
    assert.deepEqual(await room.aiocc('@words'), { code: 0, out: '', err: '' });
    assert.equal((await room.run('a.out')).out, 'two words\n');
    assert.deepEqual(await room.aiocc('-c', 'm.c', '-DTEXT="obj"', '-o', 'm.obj'), { code: 0, out: '', err: '' });
    assert.deepEqual(await room.aiocc('m.obj'), { code: 0, out: '', err: '' });
    assert.equal((await room.run('a.out')).out, 'obj\n');
    room.write('text', 'int main(void) { return 9; }');
    assert.deepEqual(await room.aiocc('-x', 'c', 'text', '-o', 'nine'), { code: 0, out: '', err: '' });
    assert.equal((await room.run('nine')).code, 9);
    const piped = await execute('sh', ['-c', `echo 'int main(void) { return 8; }' | '${join(top, 'wasm', 'aiocc')}' -xc - -o eight`], room.dir);
    assert.deepEqual(piped, { code: 0, out: '', err: '' });
    assert.equal((await room.run('eight')).code, 8);
    const macros = await execute('sh', ['-c', `'${join(top, 'wasm', 'aiocc')}' -dM -E - </dev/null`], room.dir);
    assert.match(macros.out, /#define __wasm__ 1/);
    assert.equal((await room.aiocc('-dumpmachine')).out, 'wasm32-unknown-emscripten\n');
    assert.match((await room.aiocc('-dumpversion')).out, /^\d+\.\d+\.\d+\n$/);
    assert.match((await room.aiocc('-v')).err, /^(.*\n)*.*clang version/);
    assert.match((await room.aiocc('-print-prog-name=ld')).out, /wasm-ld\n$/);
    assert.equal((await room.aiocc('-print-file-name=nothing')).code, 0);
  },

  async 'aioar and aioranlib make an archive that aiocc links'(room) {
    room.write('a.c', 'int a(void) { return 6; }');
    room.write('m.c', 'int a(void);\nint main(void) { return a(); }');
    await room.aiocc('-c', 'a.c');
    assert.deepEqual(await execute(join(top, 'wasm', 'aioar'), ['cr', 'liba.a', 'a.o'], room.dir), { code: 0, out: '', err: '' });
    assert.deepEqual(await execute(join(top, 'wasm', 'aioranlib'), ['liba.a'], room.dir), { code: 0, out: '', err: '' });
    assert.deepEqual(await room.aiocc('m.c', '-L.', '-la', '-o', 'six'), { code: 0, out: '', err: '' });
    assert.equal((await room.run('six')).code, 6);
  },

  async 'each wrong use is one line and exit code 1'(room) {
    room.write('a.c', 'int main(void) { return 0; }');
    room.write('b.c', 'int b;');
    for (const [args, message] of [
      [[], 'no input files (aiocc --help)'],
      [['-shared', 'a.c'], '-shared: there are no shared libraries in WebAssembly. Link statically (configure takes --disable-shared)'],
      [['-x', 'ada', 'a.c'], '-x ada: aiocc compiles c, cpp-output, assembler, assembler-with-cpp, c++, c++-cpp-output'],
      [['-c', '-'], '-x has to say in which language standard input is'],
      [['-Q', 'a.c'], 'unknown option -Q (aiocc --help lists the known ones)'],
      [['missing.c'], 'missing.c: no such file'],
      [['a.txt'], 'a.txt: not a kind of file that aiocc knows (.c .cpp .S .s .i .o .obj .a); -x says which language another one is in'],
      [['a.c', '-o'], '-o needs a value'],
      [['-c', 'a.c', 'b.c', '-o', 'x.o'], '-o with -c takes one source file'],
    ]) {
      assert.deepEqual(await room.aiocc(...args), { code: 1, out: '', err: `aiocc: ${message}\n` });
    }
  },

  async 'a failed build leaves nothing behind'(room) {
    room.write('main.c', 'int nowhere(void);\nint main(void) { return nowhere(); }');
    const { code, err } = await room.aiocc('main.c', '-o', 'main.wasm');
    assert.equal(code, 1);
    assert.equal(err, 'aiocc: undefined symbol: nowhere, called by main() in main.c\n');
    assert.deepEqual(readdirSync(room.dir), ['main.c']);
  },

  async 'lines that four threads print are never broken'(room) {
    const { code, out, err } = await room.program(`${THREADS}
      static void *work(void *opaque)
      {
          for (int i = 0; i < 20000; i++) printf("thread %ld line %d %s %.1f\\n", (long)opaque, i, "some more text", i / 2.0);
          return NULL;
      }
      int main(void) { on_four_threads(); return 0; }`);
    assert.deepEqual([code, err], [0, '']);
    const next = [0, 0, 0, 0];
    for (const line of out.trimEnd().split('\n')) {
      const [, thread, n, half] = /^thread ([0-3]) line (\d+) some more text (\d+\.[05])$/.exec(line) ?? assert.fail(`broken: ${line}`);
      assert.equal(Number(n), next[thread]++);
      assert.equal(Number(half), n / 2);
    }
    assert.deepEqual(next, [20000, 20000, 20000, 20000]);
  },

  async 'flockfile keeps several calls together'(room) {
    const { code, out } = await room.program(`${THREADS}
      static void *work(void *opaque)
      {
          for (int i = 0; i < 1000; i++) {
              flockfile(stdout);
              for (int j = 0; j < 5; j++) putchar('0' + (int)(long)opaque);
              putchar('\\n');
              funlockfile(stdout);
          }
          return NULL;
      }
      int main(void) { on_four_threads(); return 0; }`);
    assert.equal(code, 0);
    assert.match(out, /^((\d)\2{4}\n){4000}$/);
  },

  async 'each thread has an errno of its own'(room) {
    const { code } = await room.program(`${THREADS}
      static void *work(void *opaque)
      {
          for (int i = 0; i < 100000; i++) {
              errno = (int)(long)opaque + 1;
              __asm__ volatile("" ::: "memory");
              if (errno != (int)(long)opaque + 1) _Exit(1);
          }
          return NULL;
      }
      int main(void) { errno = 77; on_four_threads(); return errno == 77 ? 0 : 2; }`);
    assert.equal(code, 0);
  },

  async 'output is flushed and atexit functions run when main returns'(room) {
    const { code, out } = await room.program(`
      #include <stdio.h>
      #include <stdlib.h>
      static void first(void) { printf("last"); }
      static void second(void) { printf("second "); }
      int main(void) { atexit(first); atexit(second); printf("main "); return 5; }`);
    assert.deepEqual([code, out], [5, 'main second last']);
  },

  async 'malloc grows the memory, and fails at its end without harm'(room) {
    const { code, err } = await room.program(`
      #include <stdlib.h>
      #include <string.h>
      static void *volatile p;     /* or clang drops a malloc that is not used */
      int main(void)
      {
          if (!(p = malloc(100u << 20))) return 1;
          memset(p, 1, 100u << 20);
          if ((p = malloc(0xe0000000u))) return 2;
          return (p = malloc(1000)) ? 0 : 3;
      }`);
    assert.equal(code, 0, err);
  },

  async 'usleep sleeps and uses no CPU'(room) {
    const { code } = await room.program(`
      #include <time.h>
      #include <unistd.h>
      static long ms(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000 + t.tv_nsec / 1000000; }
      int main(void) { long start = ms(); usleep(200000); long took = ms() - start; return took < 199 || took > 5000; }`);
    assert.equal(code, 0);
  },

  async 'an overflow of the stack is named and ends the program with 134'(room) {
    const { code, err } = await room.program(`
      #include <string.h>
      static int fill(char *p, int n);
      static int (*volatile call)(char *, int) = fill;
      static int fill(char *p, int n) { char b[4000]; memset(b, n, sizeof(b)); return n ? call(b, n - 1) + b[n] : p[0]; }
      int main(void) { char b[1] = { 0 }; return call(b, 1000); }`);
    assert.equal(code, 134);
    assert.match(err, /stack/i);
  },

  async 'no function both waits and notifies: Node 20 would miscompile it'(room) {
    room.write('main.c', '#include "block/aio.h"\nint main(void) { aio_poll(aio_context_new(NULL), false); return 0; }');
    const built = await room.aiocc('-O2', 'main.c', '-o', 'main.wasm');
    assert.equal(built.code, 0, built.err);
    const dis = tool('EM_DIS');
    for (const module of [join(top, 'dist', 'aio.wasm'), join(room.dir, 'main.wasm')]) {
      const { code, out } = await execute(dis, [module]);
      assert.equal(code, 0);
      const functions = out.split(/\n (?=\(func )/).slice(1);
      const having = (instruction) =>
        functions.filter((text) => text.includes(instruction)).map((text) => /^\(func \$(\S+)/.exec(text)[1]);
      // The linker's own start function does both, once each, without a loop.
      const others = (names) => names.filter((name) => name !== '__wasm_init_memory');
      assert.deepEqual(others(having('memory.atomic.wait32')), ['port_wait32']);
      assert.deepEqual(others(having('memory.atomic.notify')), ['port_notify32']);
    }
  },

  // The program's own functions are instrumented, the loop's are not.
  async "the loop's functions touch no Asyncify state"(room) {
    room.write('main.c', COROUTINE_PROGRAM);
    const built = await room.aiocc('-O2', 'main.c', '-o', 'main.wasm');
    assert.equal(built.code, 0, built.err);
    const { out } = await execute(tool('EM_DIS'), [join(room.dir, 'main.wasm')]);
    const functions = out.split(/\n (?=\(func )/).slice(1);
    const nameOf = (text) => /^\(func \$(\S+)/.exec(text)[1];
    const [, getState] = /export "asyncify_get_state" \(func \$([^)\s]+)\)/.exec(out);
    const [, state] = /global\.get (\S+?)\)?\n/.exec(functions.find((text) => nameOf(text) === getState));
    const touching = functions
      .filter((text) => [`get ${state})`, `get ${state}\n`, `set ${state}\n`].some((use) => text.includes(`global.${use}`)))
      .map(nameOf);
    const archives = ['libaioloop.a', 'libaiolibc.a'].map((name) => join(top, 'build', 'wasm', name));
    const symbols = (await execute(tool('EM_NM'), ['--defined-only', ...archives])).out;
    const loop = new Set([...symbols.matchAll(/^\w+ [Tt] (?:aio_priv_)?(\S+)$/gm)].map((match) => match[1]));
    for (const name of ['aio_poll', 'aio_dispatch', 'aio_bh_poll', 'aio_dispatch_ready_handlers', 'timerlist_run_due', '__lockfile']) {
      assert.ok(loop.has(name), name);
    }
    assert.deepEqual(touching.filter((name) => loop.has(name)), []);
    assert.ok(touching.includes('deep'), touching.join(' '));
  },

  async 'a program without coroutines is not instrumented'(room) {
    const plain = COROUTINE_PROGRAM.replace('static int sum;', '').replace('qemu_coroutine_yield();', '').replace(/static void coroutine_fn entry[^]*$/, 'int main(void) { return deep(100) != 5050; }');
    const sizes = [];
    for (const source of [COROUTINE_PROGRAM, plain]) {
      const { code, err } = await room.program(source, { options: ['-O2'] });
      assert.equal(code, 0, err);
      const { out } = await execute(tool('EM_DIS'), [join(room.dir, 'main.wasm')]);
      sizes.push(out.split(/\n (?=\(func )/).find((text) => text.startsWith('(func $deep ')).length);
    }
    assert.ok(sizes[1] * 2 < sizes[0], sizes.join());
  },

  async 'coroutine programs work however they are built'(room) {
    room.write('main.c', COROUTINE_PROGRAM);
    for (const options of [['-O0'], ['-O1'], ['-O3'], ['-Os'], ['-O2', '-g'], ['-O2', '-s']]) {
      const built = await room.aiocc(...options, 'main.c', '-o', 'main.wasm');
      assert.equal(built.code, 0, built.err);
      const { code, out, err } = await room.run('main.wasm');
      assert.deepEqual([code, out], [0, '5050\n'], `${options.join(' ')}: ${err}`);
    }
  },

  // Neither may become a part of the switching, which is not instrumented: the coroutine
  // would never leave.
  async 'an entry that is used once, with the one yield of the program'(room) {
    const { code, out, err } = await room.program(`
      #include "block/aio.h"
      static int count;
      static void coroutine_fn entry(void *opaque) { (void)opaque; for (;;) { count++; qemu_coroutine_yield(); } }
      int main(void)
      {
          Coroutine *co = qemu_coroutine_create(entry, NULL);
          for (int i = 0; i < 5; i++) qemu_coroutine_enter(co);
          printf("%d\\n", count);
          return 0;
      }`);
    assert.deepEqual([code, out], [0, '5\n'], err);
  },
};

const COROUTINE_PROGRAM = `
  #include "block/aio.h"
  static int sum;
  static __attribute__((noinline)) int coroutine_fn deep(int n)
  {
      volatile int kept = n;
      if (n == 0) { qemu_coroutine_yield(); return 0; }
      return deep(n - 1) + kept;
  }
  static void coroutine_fn entry(void *opaque) { (void)opaque; sum = deep(100); }
  int main(void)
  {
      Coroutine *co = qemu_coroutine_create(entry, NULL);
      qemu_coroutine_enter(co);
      qemu_coroutine_enter(co);
      printf("%d\\n", sum);
      return 0;
  }`;
