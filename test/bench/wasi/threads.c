/* SPDX-License-Identifier: MIT */
/* Starts 50 threads of wasi-threads, each after the one before has ended, and prints how long each took. */
#include "../../jest/plain/wasi.h"

__attribute__((import_module("wasi"), import_name("thread-spawn"))) int thread_spawn(void *arg);

static char *stack_of_thread;
static char stack[16384] __attribute__((aligned(16)));
static int done;

/* The new instance has the first thread's stack pointer. */
__asm__(".globaltype __stack_pointer, i32\n"
        ".functype thread_main () -> ()\n"
        ".globl wasi_thread_start\n.type wasi_thread_start,@function\n"
        "wasi_thread_start:\n.functype wasi_thread_start (i32, i32) -> ()\n"
        "local.get 1\ni32.load 0\nglobal.set __stack_pointer\n"
        "call thread_main\nend_function\n");

void thread_main(void);
__attribute__((used)) void thread_main(void)
{
    __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
    __builtin_wasm_memory_atomic_notify(&done, 1);
}

static __attribute__((noinline)) void wait_for(int n)
{
    int now;

    while ((now = __atomic_load_n(&done, __ATOMIC_SEQ_CST)) < n) {
        __builtin_wasm_memory_atomic_wait32(&done, now, -1);
    }
}

__attribute__((export_name("_start"))) void start(void)
{
    stack_of_thread = stack + sizeof(stack);
    for (int i = 1; i <= 50; i++) {
        uint64_t from, to;
        char digits[24], *at = digits + sizeof(digits);

        clock_time_get(1, 1, &from);
        if (thread_spawn(&stack_of_thread) < 0) {
            proc_exit(1);
        }
        wait_for(i);
        clock_time_get(1, 1, &to);
        *--at = '\0';
        *--at = '\n';
        for (uint64_t ps = (to - from) * 1000; ps > 0; ps /= 10) {
            *--at = (char)('0' + ps % 10);
        }
        print("w_thread ");
        print(at);
    }
}
