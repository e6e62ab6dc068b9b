/* SPDX-License-Identifier: MIT */
/*
 * The clocks. WASI has two of them, and Linux's others are one of these: those that are coarse or raw, and those of the processor's
 * time, which WASI does not tell. The latter show the time that has passed since they were first asked for.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <time.h>

#include "weak.h"

int __clock_gettime(clockid_t clock, struct timespec *result);
int __clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left);
int __wrap_clock_getres(clockid_t clock, struct timespec *resolution);
int __real_clock_getres(clockid_t clock, struct timespec *resolution);

/* Which of WASI's clocks this is; -1 if there is no such clock. */
static int wasi_clock(clockid_t clock)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        return CLOCK_REALTIME;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        return CLOCK_MONOTONIC;
    default:
        return -1;
    }
}

static bool is_cpu_time(clockid_t clock)
{
    return clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

/* The time since the first call, in ns; never 0. */
static long long used_ns(void)
{
    static _Atomic long long start;
    long long ns, none = 0;
    struct timespec now;

    __clock_gettime(CLOCK_MONOTONIC, &now);
    ns = now.tv_sec * 1000000000LL + now.tv_nsec;
    atomic_compare_exchange_strong(&start, &none, ns - 1000);
    return ns - atomic_load(&start);
}

LIBC_WEAK
int clock_gettime(clockid_t clock, struct timespec *result)
{
    int ours = wasi_clock(clock);

    if (ours < 0) {
        errno = EINVAL;
        return -1;
    }
    if (is_cpu_time(clock)) {
        long long ns = used_ns();
        *result = (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = (long)(ns % 1000000000) };
        return 0;
    }
    return __clock_gettime(ours, result);
}

int __wrap_clock_getres(clockid_t clock, struct timespec *resolution)
{
    struct timespec unused;
    int ours = wasi_clock(clock);

    if (ours < 0) {
        errno = EINVAL;
        return -1;
    }
    return __real_clock_getres(ours, resolution ? resolution : &unused);
}

/* No program may set a clock. */
LIBC_WEAK
int clock_settime(clockid_t clock, const struct timespec *time)
{
    bool valid = time->tv_nsec >= 0 && time->tv_nsec < 1000000000 && time->tv_sec >= 0;

    errno = clock == CLOCK_REALTIME && valid ? EPERM : EINVAL;
    return -1;
}

LIBC_WEAK
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left)
{
    int ours = wasi_clock(clock);

    if (ours < 0 || clock == CLOCK_THREAD_CPUTIME_ID) {
        return EINVAL;
    }
    if (time->tv_nsec < 0 || time->tv_nsec >= 1000000000 || time->tv_sec < 0) {
        return EINVAL;
    }
    if (ours != clock && clock != CLOCK_BOOTTIME) {
        return ENOTSUP;
    }
    return __clock_nanosleep(ours, flags, time, left);
}

LIBC_WEAK
clock_t clock(void)
{
    return (clock_t)(used_ns() / 1000);
}

/* All that is used is user time of this program; it has no children. */
LIBC_WEAK
int getrusage(int who, struct rusage *usage)
{
    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD) {
        errno = EINVAL;
        return -1;
    }
    memset(usage, 0, sizeof(*usage));
    if (who != RUSAGE_CHILDREN) {
        long long us = used_ns() / 1000;
        usage->ru_utime.tv_sec = us / 1000000;
        usage->ru_utime.tv_usec = us % 1000000;
        usage->ru_maxrss = (long)__builtin_wasm_memory_size(0) * 64;
    }
    return 0;
}
