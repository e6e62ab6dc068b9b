/* SPDX-License-Identifier: MIT */
/* What random programs call in C: work, waiting for ever, and dying. */
#include "../jest/fixtures/fixture.h"
#include "aio/export.h"
#include "qemu/coroutine_int.h"
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes that malloc has given out. */
int EXPORT(heap_used)(void)
{
    return (int)mallinfo().uordblks;
}

/* ---- Work ---- */

int EXPORT(add)(int a, int b)
{
    return a + b;
}

static int coroutine_fn sleep_ms(intptr_t ms)
{
    qemu_co_sleep_ns(QEMU_CLOCK_REALTIME, ms * SCALE_MS);
    return (int)ms;
}
AIO_EXPORT_COROUTINE(sleep_ms);

static int one_more(void *opaque)
{
    return *(int *)opaque + 1;
}

/* n jobs in the pool, one after the other. */
static int coroutine_fn count_in_the_pool(intptr_t n)
{
    ThreadPool *pool = aio_get_thread_pool(qemu_get_current_aio_context());
    int number = 0;

    while (number >= 0 && number < n) {
        number = thread_pool_submit_co(pool, one_more, &number);
    }
    return number;
}
AIO_EXPORT_COROUTINE(count_in_the_pool);

/* ---- Waiting ---- */

int EXPORT(wait_for_ever)(void)
{
    QemuEvent never;

    qemu_event_init(&never, false);
    qemu_event_wait(&never);
    return 1;
}

int EXPORT(spin_for_ever)(void)
{
    static uint32_t turns;

    for (;;) {
        qatomic_inc(&turns);
    }
}

/* ---- Dying ---- */

static volatile int seven = 7, sink;

static void die_by_trap(void)
{
    __builtin_trap();
}

static void die_by_wild_pointer(void)
{
    volatile uintptr_t wild = 0xfffffff0;

    sink = *(volatile int *)wild;
}

static void die_by_unlocking(void)
{
    QemuMutex mutex;

    qemu_mutex_init(&mutex);
    qemu_mutex_unlock(&mutex);
}

static void die_by_abort(void)
{
    abort();
}

/* Not a tail call, and each call has its frame. */
static int recurse(int depth)
{
    volatile int frame[64];

    for (int i = 0; i < 64; i++) {
        frame[i] = seven;
    }
    return depth < 0 ? 0 : recurse(depth + 1) + frame[0];
}

static void die_by_recursion(void)
{
    sink = recurse(1);
}

/* Called by pointer, so that none becomes a part of another. */
static void (*const volatile ways[])(void) = {
    die_by_trap, die_by_wild_pointer, die_by_unlocking, die_by_abort,
    die_by_recursion,
};

/* In the thread that calls. */
int EXPORT(die_here)(int way)
{
    ways[way]();
    return 1;
}

static int dying_job(void *opaque)
{
    return die_here((int)(intptr_t)opaque);
}

int EXPORT(die_in_pool)(int way)
{
    thread_pool_submit(aio_get_thread_pool(qemu_get_current_aio_context()),
                       dying_job, (void *)(intptr_t)way);
    return 1;
}

static void dying_bh(void *opaque)
{
    die_here((int)(intptr_t)opaque);
}

int EXPORT(die_in_bottom_half)(int way)
{
    aio_bh_schedule_oneshot(qemu_get_current_aio_context(), dying_bh,
                            (void *)(intptr_t)way);
    return 1;
}

/* ---- As a program ---- */

/* What comes in goes out; as much as there is. */
static int echo(void)
{
    char buffer[1000];
    ssize_t got;

    while ((got = read(0, buffer, sizeof(buffer))) > 0) {
        for (ssize_t at = 0; at < got;) {
            ssize_t put = write(1, buffer + at, (size_t)(got - at));

            if (put < 0) {
                return 1;
            }
            at += put;
        }
    }
    return got < 0 ? 1 : 0;
}

static void *spin_in_thread(void *opaque)
{
    (void)opaque;
    spin_for_ever();
    return NULL;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "echo") == 0) {
        return echo();
    }
    if (strcmp(what, "exit") == 0) {
        exit(7);
    }
    if (strcmp(what, "thread") == 0) {
        pthread_t thread;

        return pthread_create(&thread, NULL, spin_in_thread, NULL) == 0 ? 7 : 8;
    }
    if (strcmp(what, "spin") == 0) {
        spin_for_ever();
    }
    if (strcmp(what, "wait") == 0) {
        wait_for_ever();
    }
    if (strcmp(what, "trap") == 0) {
        die_by_trap();
    }
    return 0;
}
