/* SPDX-License-Identifier: MIT */
/* exit(). libc's lets two threads run the functions of atexit() at once, or compares numbers of threads that are not there. */
#include <stdlib.h>
#include <unistd.h>

#include "port/port.h"
#include "port/wasm-port.h"
#include "qemu/atomic.h"
#include "sync/thread.h"

/* libc has these if something needs them: what atexit() was given, destructors, streams. */
void __funcs_on_exit(void) __attribute__((weak));
void __libc_exit_fini(void) __attribute__((weak));
void __stdio_exit(void) __attribute__((weak));

static void *leaving;

_Noreturn void exit(int code)
{
    void *self = wasm_thread_self(), *first = qatomic_cmpxchg(&leaving, NULL, self);
    uint32_t never = 0;

    /* The thread that came first ends the program. A function of atexit() that calls exit() goes on with the next one. */
    while (first && first != self) {
        port_futex_wait(&never, 0, -1);
    }
    if (__funcs_on_exit) {
        __funcs_on_exit();
    }
    if (__libc_exit_fini) {
        __libc_exit_fini();
    }
    if (__stdio_exit) {
        __stdio_exit();
    }
    _Exit(code);
}
