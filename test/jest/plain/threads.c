/* SPDX-License-Identifier: MIT */
/* A wasi-threads command: it imports shared memory and starts threads by
 * wasi.thread-spawn. Its argument says what it does. */
#include "threads.h"

enum { THREADS = 8, STACK = 16384 };

/* What a thread is given; its stack pointer comes first. */
typedef struct {
    char *stack;
    const char *what;
} Start;

static Start starts[THREADS];
static char stacks[THREADS][STACK] __attribute__((aligned(16)));
static int sum;

static __attribute__((noinline)) void trap_here(void)
{
    __builtin_trap();
}

/* Waits and notifies in one loop, as compilers make it of ordinary programs: Node 20's baseline compiler spoils its locals. */
static __attribute__((noinline)) unsigned locals(int rounds, unsigned a, unsigned b, uint64_t c)
{
    static int word;

    for (int i = 0; i < rounds; i++) {
        a += (unsigned)__builtin_wasm_memory_atomic_wait32(&word, 1, 0) + (unsigned)i;
        b += (unsigned)__builtin_wasm_memory_atomic_notify(&word, 1) + 3;
        c += a;
    }
    return a * 31 + b * 7 + (unsigned)c;
}

/* What locals() returns: each wait answers 1 (the value is another), and nobody is notified. */
static unsigned expected(int rounds, unsigned a, unsigned b, uint64_t c)
{
    for (int i = 0; i < rounds; i++) {
        a += 1 + (unsigned)i;
        b += 3;
        c += a;
    }
    return a * 31 + b * 7 + (unsigned)c;
}

__attribute__((used)) void thread_main(int tid, void *given)
{
    Start *start = given;

    if (same(start->what, "join")) {
        for (int i = 0; i < 10000; i++) {
            __atomic_add_fetch(&sum, 1, __ATOMIC_SEQ_CST);
        }
        if (tid <= 0) {
            trap_here();
        }
        finish();
    } else if (same(start->what, "exit")) {
        proc_exit(42);
    } else if (same(start->what, "trap")) {
        trap_here();
    } else if (same(start->what, "read")) {
        /* Both threads of it sleep in a call when the third ends all. */
        char byte;
        Vec vec = { &byte, 1 };
        uint32_t n;
        finish();
        fd_read(0, &vec, 1, &n);
    } else if (same(start->what, "each")) {
        /* Every thread reads one piece, and prints it. */
        char text[16];
        Vec vec = { text, sizeof(text) };
        uint32_t n = 0;
        fd_read(0, &vec, 1, &vec.size);
        fd_write(1, &vec, 1, &n);
        finish();
    } else {
        wait_for(1000);
    }
}

static int spawn(int i, const char *what)
{
    starts[i] = (Start){ stacks[i] + STACK, what };
    return thread_spawn(&starts[i]);
}

void _start(void);
__attribute__((export_name("_start"))) void _start(void)
{
    const char *what = argument();

    if (same(what, "limit")) {
        int i = 0;
        while (i < THREADS && spawn(i, what) > 0) {
            i++;
        }
        print(i == 3 ? "three\n" : "not three\n");
        proc_exit(i < THREADS && spawn(i, what) == -6 ? 0 : 1);
    }
    if (same(what, "again")) {
        /* One after the other: with one thread beside main, each starts once the host knows that the one before has ended. */
        for (int i = 0; i < 50; i++) {
            int tid;

            while ((tid = spawn(0, "join")) == -6) {
            }
            if (tid <= 0) {
                proc_exit(3);
            }
            wait_for(i + 1);
        }
        print(sum == 50 * 10000 ? "all\n" : "some\n");
        proc_exit(0);
    }
    if (same(what, "locals")) {
        print(locals(1000, 1, 2, 3) == expected(1000, 1, 2, 3) ? "right\n" : "wrong\n");
        proc_exit(0);
    }
    if (same(what, "read")) {
        spawn(0, what);
        spawn(1, what);
        wait_for(2);
        spawn(2, "exit");
        wait_for(1000);
    }
    for (int i = 0; i < THREADS; i++) {
        if (spawn(i, what) <= 0) {
            proc_exit(3);
        }
    }
    wait_for(same(what, "join") || same(what, "each") ? THREADS : 1000);
    print(sum == THREADS * 10000 ? "all\n" : "some\n");
}
