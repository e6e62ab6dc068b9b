/* SPDX-License-Identifier: MIT */
/* exit(). libc's lets two threads run the functions of atexit() at once, or compares numbers of threads that are not there. */
#include <stdlib.h>
#include <unistd.h>

#include "port/port.h"
#include "port/wasm-port.h"
#include "qemu/atomic.h"
#include "sync/thread.h"
#include "weak.h"

/* libc has these if something needs them: what atexit() was given, destructors, streams. (As undefined weak symbols they would be
 * functions that trap, and wasm-opt would take a function of the program that does the same for one of them.) */
LIBC_WEAK
void __funcs_on_exit(void)
{
}

LIBC_WEAK
void __libc_exit_fini(void)
{
}

LIBC_WEAK
void __stdio_exit(void)
{
}

static void *leaving;

_Noreturn void exit(int code)
{
    void *self = wasm_thread_self(), *first = qatomic_cmpxchg(&leaving, NULL, self);
    uint32_t never = 0;

    /* The thread that came first ends the program. A function of atexit() that calls exit() goes on with the next one. */
    while (first && first != self) {
        port_futex_wait(&never, 0, -1);
    }
    __funcs_on_exit();
    __libc_exit_fini();
    __stdio_exit();
    _Exit(code);
}
