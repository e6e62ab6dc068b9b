/* SPDX-License-Identifier: MIT */
#ifndef THREADS_H
#define THREADS_H
/* Threads of wasi-threads without a libc. What a thread is given begins with its stack pointer. */
#include "wasi.h"

__attribute__((import_module("wasi"), import_name("thread-spawn"))) int thread_spawn(void *arg);

/* What the program does in a thread. */
void thread_main(int tid, void *given);

/* The new instance has the first thread's stack pointer. */
__asm__(".globaltype __stack_pointer, i32\n"
        ".functype thread_main (i32, i32) -> ()\n"
        ".globl wasi_thread_start\n.type wasi_thread_start,@function\n"
        "wasi_thread_start:\n.functype wasi_thread_start (i32, i32) -> ()\n"
        "local.get 1\ni32.load 0\nglobal.set __stack_pointer\n"
        "local.get 0\nlocal.get 1\ncall thread_main\nend_function\n");

/* How often finish() was called. */
static int done;

/* Each alone in its function: Node 20 spoils one that both waits and notifies. */
static __attribute__((noinline)) void finish(void)
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

#endif
