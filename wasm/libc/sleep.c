/* SPDX-License-Identifier: MIT */
/*
 * sleep(), usleep() and nanosleep() all call this function of libc, which spins
 * on the clock. Ours (wasm-ld --wrap) sleeps. A thread that may not wait still
 * spins, because C has no other way to let time pass.
 */
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "port/port.h"
#include "weak.h"

void __wrap_emscripten_thread_sleep(double ms);

void __wrap_emscripten_thread_sleep(double ms)
{
    uint32_t word = 0;
    int64_t now = port_clock_ns(PORT_CLOCK_MONOTONIC);
    /* The conversion saturates; the sum must not wrap. */
    int64_t ns = (int64_t)(ms * 1e6);
    int64_t end = ns < INT64_MAX - now ? now + ns : INT64_MAX;

    while (now < end) {
        if (port_may_wait()) {
            port_futex_wait(&word, 0, end - now);
        } else {
            port_pause();
        }
        now = port_clock_ns(PORT_CLOCK_MONOTONIC);
    }
}

/* Never called: with it, libc's file of this name is not linked, which in some versions refers to JavaScript. */
void emscripten_thread_sleep(double ms);
__attribute__((weak))
void emscripten_thread_sleep(double ms)
{
    __wrap_emscripten_thread_sleep(ms);
}

/* Nothing ends it but the end of the program: a signal comes from raise() alone, in the thread that calls it. */
LIBC_WEAK
int pause(void)
{
    while (port_may_wait()) {
        __wrap_emscripten_thread_sleep(1e12);
    }
    errno = EINTR;
    return -1;
}
