/* SPDX-License-Identifier: MIT */
/* A reactor: no _start, functions that JavaScript calls, an import that is not WASI's, and threads that start threads. */
#include "threads.h"

/* What JavaScript makes of a number, in the thread that asks. */
__attribute__((import_module("env"), import_name("told"))) int told(int n);

enum { DEPTH = 3, STACK = 16384 };

/* What a thread is given; its stack pointer comes first. */
typedef struct {
    char *stack;
    int depth;
} Start;

static Start starts[DEPTH];
static char stacks[DEPTH][STACK] __attribute__((aligned(16)));
static int initialized, sum;

static void spawn(int depth)
{
    starts[depth] = (Start){ stacks[depth] + STACK, depth };
    if (thread_spawn(&starts[depth]) <= 0) {
        __builtin_trap();
    }
}

__attribute__((used)) void thread_main(int tid, void *given)
{
    Start *start = given;

    (void)tid;
    __atomic_add_fetch(&sum, told(start->depth), __ATOMIC_SEQ_CST);
    if (start->depth + 1 < DEPTH) {
        spawn(start->depth + 1);
    }
    finish();
}

__attribute__((export_name("_initialize"))) void initialize(void)
{
    initialized = 1;
}

/* The sum of what JavaScript told this thread and three others, each of which the one before has started. */
__attribute__((export_name("work"))) int work(void)
{
    if (!initialized) {
        return -1;
    }
    sum = told(10);
    spawn(0);
    wait_for(DEPTH);
    return sum;
}
