/* SPDX-License-Identifier: MIT */
#ifndef TEST_LOOP_H
#define TEST_LOOP_H
/* A context whose home is the test's own thread, and what is done to it. */
#include "block/aio.h"
#include "loop/loop.h"
#include "port/port.h"
#include "qapi/error.h"
#include "threads.h"

static AioContext *ctx;

/* As where there is no ring: on the scan. The context has no handlers yet. */
static inline void loop_leave_the_ring(void)
{
    aio_context_setup(ctx);
    fdmon_io_uring_destroy(ctx);
}

/* The context has been polled: nothing is notified any more. */
static inline void loop_setup(void)
{
    ctx = aio_context_new(&error_abort);
    qemu_set_current_aio_context(ctx);
    ASSERT_FALSE(aio_poll(ctx, true));
}

static inline void loop_teardown(void)
{
    while (aio_poll(ctx, false)) {
        continue;
    }
    aio_context_detach_current();
    aio_context_unref(ctx);
    ctx = NULL;
}

/* ---- What happened, a letter each ---- */

static char journal[256];

static inline void journal_add(char letter)
{
    size_t length = strlen(journal);

    ASSERT_INT_LT(length, sizeof(journal) - 1);
    journal[length] = letter;
    journal[length + 1] = 0;
}

static inline void journal_clear(void)
{
    journal[0] = 0;
}

/* A call-back; opaque points to the letter. */
static inline void journal_cb(void *opaque)
{
    journal_add(*(char *)opaque);
}

/* ---- Waiting for sleep ---- */

/* The loop is about to sleep or sleeps: a notification now has to wake it. */
static inline bool loop_sleeps(AioContext *c)
{
    return qatomic_mb_read(&c->wakeup->notify_me) >= 2;
}

/* Runs run(opaque) in another thread, which has begun when when_asleep() returns,
 * as soon as the loop sleeps. */
typedef struct WhenAsleep {
    AioContext *ctx;
    void (*run)(void *opaque);
    void *opaque;
    QemuThread thread;
    QemuEvent begun;
    int runs;                         /* run() has been called */
} WhenAsleep;

static inline void *when_asleep_thread(void *opaque)
{
    WhenAsleep *w = opaque;

    qemu_event_set(&w->begun);
    TEST_WAIT_UNTIL(loop_sleeps(w->ctx));
    test_nap(UINT_MAX);               /* now it sleeps, most likely */
    qatomic_mb_set(&w->runs, 1);
    w->run(w->opaque);
    return NULL;
}

static inline void when_asleep(WhenAsleep *w, void (*run)(void *opaque),
                               void *opaque)
{
    w->ctx = ctx;
    w->run = run;
    w->opaque = opaque;
    w->runs = 0;
    qemu_event_init(&w->begun, false);
    qemu_thread_create(&w->thread, "when-asleep", when_asleep_thread, w,
                       QEMU_THREAD_JOINABLE);
    qemu_event_wait(&w->begun);
}

/* Sleeps until run() ends the sleep, and returns what that poll returned. Where a ring was closed before, Linux may
 * interrupt a sleep (EINTR) to finish that; the loop then sleeps again. */
static inline bool when_asleep_poll(WhenAsleep *w)
{
    bool progress;

    do {
        progress = aio_poll(w->ctx, true);
    } while (!progress && !qatomic_mb_read(&w->runs));
    return progress;
}

static inline void when_asleep_join(WhenAsleep *w)
{
    qemu_thread_join(&w->thread);
}

/* ---- Timers of the context ---- */

static inline int64_t now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
}

static inline void timer_setup(QEMUTimer *ts, QEMUTimerCB *cb, void *opaque)
{
    aio_timer_init(ctx, ts, QEMU_CLOCK_REALTIME, SCALE_NS, cb, opaque);
}

#endif
