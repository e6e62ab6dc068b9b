/* SPDX-License-Identifier: MIT */
/*
 * Timers that are descriptors. No thread waits for them: whether one has expired is computed from
 * the clock when somebody looks. A thread that sleeps, and watches timers, sleeps no longer than
 * until the next one, and then tells those that watch it.
 */
#include <stdlib.h>
#include <sys/timerfd.h>

#include "fails.h"
#include "fd-calls.h"
#include "port/calls.h"
#include "port/wasm-port.h"
#include "qemu/queue.h"
#include "qemu/thread.h"
#include "wait.h"
#include "weak.h"

typedef struct TimerFd {
    WasmOwn own;
    /* Under the lock. Times are of the monotonic clock, in ns. */
    int64_t expires;         /* the first time that read() has not reported; 0: disarmed */
    int64_t interval;
    int64_t wakes;           /* when those that watch it have to be told; 0: never */
    clockid_t clock;
    QLIST_ENTRY(TimerFd) next;
} TimerFd;

static QLIST_HEAD(, TimerFd) timers;
static QemuMutex lock;
/* The earliest time at which a timer wakes somebody; INT64_MAX: there is none. */
static int64_t earliest = INT64_MAX;

static int64_t now_ns(void)
{
    return port_clock_ns(PORT_CLOCK_MONOTONIC);
}

static void find_earliest(void)
{
    int64_t found = INT64_MAX;
    TimerFd *timer;

    QLIST_FOREACH(timer, &timers, next) {
        if (timer->wakes && timer->wakes < found) {
            found = timer->wakes;
        }
    }
    qatomic_mb_set(&earliest, found);
}

/* Returns how often it has expired since the last read(). */
static uint64_t ticks(const TimerFd *timer, int64_t now)
{
    if (!timer->expires || now < timer->expires) {
        return 0;
    }
    return timer->interval ? 1 + (uint64_t)(now - timer->expires) / (uint64_t)timer->interval : 1;
}

/* Returns when it expires next, after now; 0: never. */
static int64_t next_time(const TimerFd *timer, int64_t now)
{
    uint64_t over = ticks(timer, now);
    int64_t at;

    if (!over) {
        return timer->expires;
    }
    if (!timer->interval || __builtin_mul_overflow((int64_t)over, timer->interval, &at) ||
        __builtin_add_overflow(timer->expires, at, &at)) {
        return 0;
    }
    return at;
}

/* Tells those that watch a timer that is due. Returns when the next one will be. */
static int64_t timers_due(void)
{
    TimerFd *timer, *due;
    int64_t now;

    while (qatomic_mb_read(&earliest) <= (now = now_ns())) {
        due = NULL;
        qemu_mutex_lock(&lock);
        QLIST_FOREACH(timer, &timers, next) {
            if (timer->wakes && timer->wakes <= now) {
                /* Not if it is being closed. */
                due = wasm_own_ref(&timer->own) ? timer : NULL;
                timer->wakes = next_time(timer, now);
                break;
            }
        }
        find_earliest();
        qemu_mutex_unlock(&lock);
        if (due) {
            wasm_own_wake(&due->own, PORT_POLLIN);
            wasm_own_put(&due->own);
        }
    }
    return qatomic_mb_read(&earliest);
}

static int revents(WasmOwn *own, int events)
{
    TimerFd *timer = (TimerFd *)own;
    bool ready;

    qemu_mutex_lock(&lock);
    ready = ticks(timer, now_ns()) > 0;
    qemu_mutex_unlock(&lock);
    return ready ? events & PORT_POLLIN : 0;
}

static int take(WasmOwn *own, void *data, size_t size)
{
    TimerFd *timer = (TimerFd *)own;
    int64_t now = now_ns();
    uint64_t count;

    if (size < sizeof(count)) {
        return -EINVAL;
    }
    qemu_mutex_lock(&lock);
    count = ticks(timer, now);
    if (count) {
        timer->expires = next_time(timer, now);
    }
    qemu_mutex_unlock(&lock);
    memcpy(data, &count, sizeof(count));
    return count ? (int)sizeof(count) : -EAGAIN;
}

static void release(WasmOwn *own)
{
    TimerFd *timer = (TimerFd *)own;

    qemu_mutex_lock(&lock);
    QLIST_REMOVE(timer, next);
    find_earliest();
    qemu_mutex_unlock(&lock);
    free(timer);
}

static const WasmOwnOps ops = { .revents = revents, .read = take, .release = release, .timed = true };

LIBC_WEAK
int timerfd_create(int clock, int flags)
{
    TimerFd *timer;
    int fd;

    if (flags & ~(TFD_NONBLOCK | TFD_CLOEXEC) ||
        (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)) {
        return fails(EINVAL);
    }
    timer = calloc(1, sizeof(*timer));
    if (!timer) {
        return fails(ENOMEM);
    }
    timer->own.ops = &ops;
    timer->clock = clock;
    qemu_mutex_lock(&lock);
    QLIST_INSERT_HEAD(&timers, timer, next);
    qatomic_set(&wasm_fd_hooks.timers_due, timers_due);
    qemu_mutex_unlock(&lock);
    fd = fd_open_own(&timer->own, flags);
    if (fd < 0) {
        release(&timer->own);
    }
    return fd;
}

static TimerFd *timer_of(int fd)
{
    WasmOwn *own = wasm_own_get(fd);

    if (!own || own->ops != &ops) {
        errno = own || wasm_fd_revents(fd, 0) != PORT_POLLNVAL ? EINVAL : EBADF;
        if (own) {
            wasm_own_put(own);
        }
        return NULL;
    }
    return (TimerFd *)own;
}

static struct timespec timespec_of(int64_t ns)
{
    return (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = (long)(ns % 1000000000) };
}

/* What timerfd_gettime() gives. */
static struct itimerspec setting(const TimerFd *timer, int64_t now)
{
    int64_t at = next_time(timer, now);

    return (struct itimerspec){ .it_interval = timespec_of(timer->interval),
                                .it_value = timespec_of(at ? MAX(at - now, 1) : 0) };
}

static bool is_bad(const struct timespec *ts)
{
    return ts->tv_sec < 0 || bad_time(ts);
}

LIBC_WEAK
int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old)
{
    int64_t now, value;
    TimerFd *timer;

    if (!new) {
        return fails(EFAULT);
    }
    if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) || is_bad(&new->it_value) ||
        is_bad(&new->it_interval)) {
        return fails(EINVAL);
    }
    timer = timer_of(fd);
    if (!timer) {
        return -1;
    }
    value = ns_of(new->it_value.tv_sec, new->it_value.tv_nsec);
    now = now_ns();
    if (value && flags & TFD_TIMER_ABSTIME) {
        clockid_t clock = timer->clock == CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
        value = monotonic_of(clock, &new->it_value);
        /* 0 would disarm it. The time may be before the monotonic clock began, so it may be negative. */
        value = value ? value : 1;
    } else if (value && __builtin_add_overflow(value, now, &value)) {
        value = INT64_MAX;
    }
    qemu_mutex_lock(&lock);
    if (old) {
        *old = setting(timer, now);
    }
    timer->expires = value;
    timer->wakes = value;
    timer->interval = ns_of(new->it_interval.tv_sec, new->it_interval.tv_nsec);
    find_earliest();
    qemu_mutex_unlock(&lock);
    /* Those that sleep until another time have to look. */
    wasm_own_wake(&timer->own, PORT_POLLIN);
    wasm_own_put(&timer->own);
    return 0;
}

LIBC_WEAK
int timerfd_gettime(int fd, struct itimerspec *result)
{
    TimerFd *timer = timer_of(fd);

    if (!timer) {
        return -1;
    }
    qemu_mutex_lock(&lock);
    *result = setting(timer, now_ns());
    qemu_mutex_unlock(&lock);
    wasm_own_put(&timer->own);
    return 0;
}
