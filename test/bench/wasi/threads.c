/* SPDX-License-Identifier: MIT */
/* Starts 50 threads of wasi-threads, each after the one before has ended, and prints how long each took. */
#include "../../jest/plain/threads.h"

static char *stack_of_thread;
static char stack[16384] __attribute__((aligned(16)));

__attribute__((used)) void thread_main(int tid, void *given)
{
    (void)tid;
    (void)given;
    finish();
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
