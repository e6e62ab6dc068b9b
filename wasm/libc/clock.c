/* SPDX-License-Identifier: MIT */
/* The time that a program has used the processor. WASI does not tell it: this is the time that has passed since the first call. */
#include <stdatomic.h>
#include <time.h>

#include "weak.h"

LIBC_WEAK
clock_t clock(void)
{
    static _Atomic long long start;
    long long us, none = 0;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    us = now.tv_sec * 1000000LL + now.tv_nsec / 1000;
    atomic_compare_exchange_strong(&start, &none, us - 1);
    return (clock_t)(us - atomic_load(&start));
}
