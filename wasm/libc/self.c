/* SPDX-License-Identifier: MIT */
/* What Emscripten's libc keeps of a thread. Threads are the port's (pthread-thread.c), and have one of these together, in which only the
 * locale counts. Emscripten's own has the number of a thread that exit() compares, and in some versions there is none. */
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "port/wasm-port.h"
#include "sync/thread.h"

/* Larger than the structure is in any version. */
static _Alignas(16) char self[2048];

uintptr_t __get_tp(void);
uintptr_t __get_tp(void)
{
    return (uintptr_t)self;
}

__attribute__((constructor))
static void begin(void)
{
    /* Sets the locale's field, wherever that is. */
    uselocale(LC_GLOBAL_LOCALE);
}

/* Would have JavaScript tell libc what kind of thread this is. */
void __do_set_thread_state(void);
__attribute__((weak))
void __do_set_thread_state(void)
{
}
