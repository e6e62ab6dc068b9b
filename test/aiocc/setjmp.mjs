// Tests of setjmp and longjmp: what they do, and what is refused by name.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execute, tool } from './room.mjs';

const HEAD = `
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include "qemu/osdep.h"
#include "block/aio.h"
#include "qapi/error.h"
#include "qemu/coroutine.h"
#include "qemu/main-loop.h"
jmp_buf there;
`;

/** A program with a loop, whose coroutine `work` is run by main() until it ends. */
const withCoroutine = (functions) => `${HEAD}
static int ended;
${functions}
static void coroutine_fn entry(void *opaque) { work(); ended = 1; }
int main(void)
{
    AioContext *ctx;
    int again;
    qemu_init_main_loop(&error_fatal);
    ctx = qemu_get_aio_context();
    again = setjmp(there);
    if (!again) {
        aio_co_enter(ctx, qemu_coroutine_create(entry, NULL));
    }
    while (!ended) {
        aio_poll(ctx, true);
    }
    puts("over");
    return 0;
}`;

async function panics(room, source, message, options = {}) {
  const { code, out, err } = await room.program(source, options);
  assert.equal(code, 134, out + err);
  assert.match(err, message);
}

const VALUES = `
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
typedef struct Try { jmp_buf buf; struct Try *outer; } Try;
static Try *tries;
static int depth;
__attribute__((noinline)) static void fail(int value) { char big[4000]; memset(big, value, sizeof(big)); depth += big[7] == value; longjmp(tries->buf, value); }
static int run(int levels, int fails)
{
    Try t = { .outer = tries };
    volatile int count = 0;
    int caught = setjmp(t.buf);
    tries = &t;
    count++;
    if (caught == 0) {
        if (levels > 0) count += 10 * run(levels - 1, fails); else fail(fails);
    } else if (caught < 5) {
        fail(caught + 1);
    }
    tries = t.outer;
    if (caught && levels) longjmp(tries->buf, caught + 1);
    return count + caught * 100;
}
static void (*jump)(jmp_buf, int) = (void (*)(jmp_buf, int))longjmp;
int main(void)
{
    Try first = { .outer = NULL };
    volatile int times = 0;
    int value;
    for (int i = 0; i < 100000; i++) {
        if (setjmp(first.buf) == 0) longjmp(first.buf, 1);
        times++;
    }
    printf("%d\\n", times);
    value = setjmp(first.buf);
    if (value == 0) longjmp(first.buf, 0);
    printf("%d\\n", value);
    value = _setjmp(first.buf);
    if (value == 0) _longjmp(first.buf, -4);
    printf("%d\\n", value);
    sigjmp_buf mask;
    switch (sigsetjmp(mask, 1)) { case 0: siglongjmp(mask, 2); case 2: siglongjmp(mask, 3); case 3: puts("three"); break; default: puts("wrong"); }
    tries = &first;
    if ((value = setjmp(first.buf)) == 0) printf("run %d\\n", run(0, 1));
    printf("%d, depth %d\\n", value, depth);
    tries = &first;
    if ((value = setjmp(first.buf)) == 0) printf("run %d\\n", run(3, 2));
    printf("%d, depth %d\\n", value, depth);
    if ((value = setjmp(first.buf)) == 0) jump(first.buf, 77);
    printf("%d\\n", value);
    return 0;
}`;

export const setjmp = {
  // The right values are those of the machine's own compiler.
  async 'setjmp and longjmp do as natively, with and without optimisation'(room) {
    room.write('native.c', VALUES);
    assert.equal((await execute('cc', ['-O1', '-w', 'native.c', '-o', 'native'], room.dir)).code, 0);
    const right = await execute(join(room.dir, 'native'), []);
    assert.match(right.out, /^100000\n1\n-4\nthree\n/);
    for (const options of [['-O0'], ['-O1'], ['-O2'], ['-g'], ['-Os']]) {
      const { code, out } = await room.program(VALUES, { options });
      assert.deepEqual([code, out], [0, right.out], options.join());
    }
  },

  async 'each thread jumps in its own frames'(room) {
    const { code, out } = await room.program(`${HEAD}
static int total;
static void deep(jmp_buf buf, int n) { if (n == 0) longjmp(buf, 3); deep(buf, n - 1); }
static void *work(void *opaque)
{
    volatile int count = 0;
    jmp_buf own;
    for (int i = 0; i < 3000; i++) {
        if (setjmp(own) == 3) count++;
        else deep(own, i % 20);
    }
    __atomic_fetch_add(&total, count, __ATOMIC_SEQ_CST);
    return NULL;
}
int main(void)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, work, NULL);
    work(NULL);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    printf("%d\\n", total);
    return 0;
}`);
    assert.deepEqual([code, out], [0, '15000\n']);
  },

  async 'a coroutine may jump between its yields, and inside a call that does not yield'(room) {
    const source = withCoroutine(`
static void fails(jmp_buf buf) { longjmp(buf, 5); }
static int tries(int n) { jmp_buf buf; volatile int k = n; if (setjmp(buf) == 0) { k++; fails(buf); } return k; }
static void coroutine_fn work(void)
{
    int sum = 0;
    for (int i = 0; i < 10; i++) {
        sum += tries(i);
        qemu_co_sleep_ns(QEMU_CLOCK_REALTIME, 1000);
    }
    printf("sum %d\\n", sum);
}`);
    for (const options of [['-O0'], ['-O1'], ['-O2']]) {
      assert.deepEqual(await room.program(source, { options }), { code: 0, out: 'sum 55\nover\n', err: '' });
    }
  },

  async 'a coroutine cannot yield across a function that calls setjmp'(room) {
    await panics(room, withCoroutine(`
static void coroutine_fn work(void) { jmp_buf buf; if (setjmp(buf) == 0) qemu_co_sleep_ns(QEMU_CLOCK_REALTIME, 1000); }`),
    /qemu_coroutine_yield: coroutine .* cannot yield here: a function that has called setjmp\(\)/);
  },

  async 'a coroutine may yield after functions that called setjmp have been left by longjmp'(room) {
    const source = withCoroutine(`
static void inner(void) { jmp_buf unused; if (setjmp(unused) == 0) longjmp(there, 1); }
static void outer(void) { if (setjmp(there) == 0) inner(); }
static void coroutine_fn work(void) { outer(); qemu_co_sleep_ns(QEMU_CLOCK_REALTIME, 1000); puts("slept"); }`);
    assert.deepEqual(await room.program(source), { code: 0, out: 'slept\nover\n', err: '' });
  },

  async 'a jump that cannot be made is refused by name'(room) {
    await panics(room, withCoroutine('static void coroutine_fn work(void) { longjmp(there, 1); }'),
      /longjmp: the function that called setjmp\(\) with this jmp_buf runs in another coroutine/);
    await panics(room, `${HEAD}
static void bh(void *opaque) { longjmp(there, 1); }
int main(void)
{
    qemu_init_main_loop(&error_fatal);
    if (setjmp(there) == 0) {
        aio_bh_schedule_oneshot(qemu_get_aio_context(), bh, NULL);
        while (1) aio_poll(qemu_get_aio_context(), true);
    }
    return 0;
}`, /longjmp: between setjmp\(\) and this call lies a call-back of the event loop/);
    await panics(room, `${HEAD}
static int early(void) { return setjmp(there); }
static int other(void) { jmp_buf buf; return setjmp(buf); }
int main(void) { int n = early() + other(); longjmp(there, 1); return n; }`, /longjmp: the function that called setjmp\(\) with this jmp_buf has returned/);
    await panics(room, `${HEAD}
static void *work(void *opaque) { jmp_buf own; if (setjmp(own) == 0) longjmp(there, 1); return opaque; }
int main(void) { pthread_t t; if (setjmp(there) == 0) { pthread_create(&t, NULL, work, NULL); pthread_join(t, NULL); } return 0; }`,
    /longjmp: the function .* has returned, or runs in another thread/);
  },

  // As configure asks whether there is such a function.
  async 'setjmp and longjmp that are declared without their types link'(room) {
    for (const name of ['setjmp', '_setjmp', 'longjmp']) {
      room.write('probe.c', `char ${name}();\nint main(void) { return ${name}(); }`);
      const { code, err } = await room.aiocc('-w', 'probe.c');
      assert.equal(code, 0, err);
    }
  },

  async 'an object that another compiler made is refused by name if it calls setjmp'(room) {
    room.write('other.c', '#include <setjmp.h>\njmp_buf b;\nvoid f(void);\nint catches(void) { if (setjmp(b) == 0) f(); return 0; }\nvoid throws(void) { longjmp(b, 1); }');
    room.write('main.c', 'int catches(void); void throws(void);\nvoid f(void) { throws(); }\nint main(void) { return catches(); }');
    const clang = (...options) => execute(tool('EM_CLANG'), ['-target', 'wasm32-unknown-emscripten', `--sysroot=${tool('EM_SYSROOT')}`, '-matomics',
      '-mbulk-memory', '-O1', ...options, '-c', 'other.c', '-o', 'other.o'], room.dir);
    for (const [options, message] of [
      [[], 'aiocc: other.o calls setjmp() or longjmp(), and was compiled for another way to do so: compile it with aiocc\n'],
      [['-mllvm', '-enable-emscripten-sjlj'], "aiocc: other.o: catches() calls setjmp() or catches exceptions, and was not compiled by aiocc: compile the file with it\n"],
      [['-mllvm', '-wasm-enable-sjlj'], "aiocc: other.o: catches() calls setjmp() or catches exceptions, and was not compiled by aiocc: compile the file with it\n"],
    ]) {
      assert.equal((await clang(...options)).code, 0);
      const { code, err } = await room.aiocc('main.c', 'other.o');
      assert.deepEqual([code, err], [1, message]);
    }
  },

  async 'the module has the encoding of exceptions that all engines know'(room) {
    await room.program(VALUES);
    const file = join(room.dir, 'main.wasm');
    // try_table and throw_ref, the later encoding, are refused by Node 20.
    writeFileSync(join(room.dir, 'main.wat'), (await execute(tool('EM_DIS'), [file])).out);
    const text = readFileSync(join(room.dir, 'main.wat'), 'utf8');
    assert.match(text, /\(try\b/);
    assert.doesNotMatch(text, /try_table|throw_ref/);
  },
};
