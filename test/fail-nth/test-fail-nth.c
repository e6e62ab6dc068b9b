/* SPDX-License-Identifier: MIT */
/*
 * Every call of a kind fails in turn: the first, the second, … until a run gets by without
 * the one that would fail; then the first and all after it, the second and all after
 * it, and so on. There is a test for each kind of object. Whatever could not be had is
 * an error to its caller; everything else is undone, and works in the next run. What
 * cannot return an error panics by the object's name.
 */
#include "block/block.h"
#include "block/pool.h"
#include "coroutine/coroutine.h"
#include "fail.h"
#include "loop/loop.h"
#include "parts.h"
#include "qemu/main-loop.h"
#include "test.h"

/* ---- Failing ---- */

typedef struct Run {
    Part *part;
    FailKind kind;
    unsigned n;                /* the call of that kind that fails; 0: none does */
    bool on;                   /* and all that follow it */
    bool done;                 /* everything worked */
    bool came;                 /* there was an n-th */
} Run;

static bool run_in_context(Part *part)
{
    Error *err = NULL;
    AioContext *ctx = aio_context_new(&err);
    bool done;

    if (!ctx) {
        part_take_refusal(err);
        return false;
    }
    ctx->thread_pool_max = 2;
    qemu_set_current_aio_context(ctx);
    done = part(ctx);
    while (aio_poll(ctx, false)) {
        continue;
    }
    aio_context_unref(ctx);
    aio_context_detach_current();
    return done;
}

static void *run_thread(void *opaque)
{
    Run *run = opaque;

    fail_nth(run->kind, run->n, run->on);
    run->done = run_in_context(run->part);
    run->came = fail_has_come(run->kind);
    fail_nth(run->kind, 0, false);
    return NULL;
}

/* In a thread of its own: it gives back what it keeps. */
static Run do_run(Part *part, FailKind kind, unsigned n, bool on)
{
    Run run = { .part = part, .kind = kind, .n = n, .on = on };
    QemuThread thread;

    qemu_thread_create(&thread, "run", run_thread, &run, QEMU_THREAD_JOINABLE);
    qemu_thread_join(&thread);
    return run;
}

/* What is in use: pieces of memory, and fds. The latter are told by the number of the last of FREE_FDS that
 * are opened one after the other: it rises with each fd that is left open below it. */
enum { FREE_FDS = 20 };
typedef struct Live {
    size_t memory;
    int fd;
} Live;

static Live live_now(void)
{
    Live live = { .memory = fail_memory_in_use() };
    EventNotifier free[FREE_FDS];

    for (int i = 0; i < FREE_FDS; i++) {
        ASSERT_INT_EQ(event_notifier_init(&free[i], false), 0);
        live.fd = event_notifier_get_fd(&free[i]);
    }
    for (int i = 0; i < FREE_FDS; i++) {
        event_notifier_cleanup(&free[i]);
    }
    return live;
}

/* A thread that was joined, or left its pool, may be about to give back its last. */
static bool comes_down_to(Live live)
{
    int64_t end = qemu_clock_get_ns(QEMU_CLOCK_REALTIME) + 100 * SCALE_MS;

    for (;;) {
        Live now = live_now();

        if (now.memory <= live.memory && now.fd <= live.fd) {
            return true;
        }
        if (qemu_clock_get_ns(QEMU_CLOCK_REALTIME) > end) {
            return false;
        }
        usleep(100);
    }
}

/* Where a run leaves something behind it is repeated: a thread's stack is kept for the
 * next one that needs it, but what is lost is lost each time. */
enum { ATTEMPTS = 30 };

static Run fail_once(Part *part, FailKind kind, unsigned n, bool on, Live *live)
{
    Run run;

    for (int i = 0; i < ATTEMPTS; i++) {
        run = do_run(part, kind, n, on);
        if (!run.done && (!run.came || kind == FAIL_BUSY)) {
            TEST_FAIL("run %u failed, but no call did", n);
        }
        if (!do_run(part, kind, 0, false).done) {
            TEST_FAIL("after run %u an ordinary one fails", n);
        }
        if (comes_down_to(*live)) {
            return run;
        }
        *live = live_now();
    }
    TEST_FAIL("run %u leaves memory or an fd behind, each time", n);
}

/* Returns how many calls there are. */
static unsigned fail_each(Part *part, FailKind kind, bool on, Live live)
{
    unsigned n = 0;

    while (fail_once(part, kind, ++n, on, &live).came) {
        continue;
    }
    fprintf(stderr, "%u calls\n", n - 1);
    return n - 1;
}

static void fail_in_turn(Part *part, FailKind kind, unsigned least)
{
    Live live;

    /* What is made once, and kept, is made now. */
    ASSERT_TRUE(do_run(part, kind, 0, false).done);
    live = live_now();
    ASSERT_INT_GE(fail_each(part, kind, false, live), least);
    /* What is tried again until it works would never end. */
    if (kind != FAIL_BUSY) {
        fail_each(part, kind, true, live);
    }
}

/* Defines the test PART_where_each_WHAT_fails; there are at least so many calls that can fail. */
#define EACH_FAILS(part, what, kind, least)                                  \
    static void part##_where_each_##what##_fails(void)                       \
    {                                                                        \
        fail_in_turn(use_##part, kind, least);                               \
    }
/* The same for a part that reads a file. A program may have none, in a page for one. */
#define EACH_FAILS_ON_A_FILE(part, what, kind, least)                        \
    static void part##_where_each_##what##_fails(void)                       \
    {                                                                        \
        part_open_file();                                                    \
        fail_in_turn(use_##part, kind, least);                               \
        part_close_file();                                                   \
    }

/* A machine may have no such engine. */
enum { OF_AN_ENGINE = 0 };
#define EACH_ALLOCATION_FAILS(part) EACH_FAILS(part, allocation, FAIL_MEMORY, 5)

EACH_ALLOCATION_FAILS(nothing)
EACH_ALLOCATION_FAILS(bottom_halves)
EACH_ALLOCATION_FAILS(timers)
EACH_ALLOCATION_FAILS(handlers)
EACH_ALLOCATION_FAILS(many_handlers)
EACH_FAILS_ON_A_FILE(threads, allocation, FAIL_MEMORY, 5)
EACH_FAILS_ON_A_FILE(native, allocation, FAIL_MEMORY, 5)
EACH_FAILS_ON_A_FILE(io_uring, allocation, FAIL_MEMORY, 5)
EACH_FAILS_ON_A_FILE(sync, allocation, FAIL_MEMORY, 5)
EACH_FAILS_ON_A_FILE(coroutines, allocation, FAIL_MEMORY, 5)
EACH_ALLOCATION_FAILS(iothread)
EACH_ALLOCATION_FAILS(thread)
EACH_ALLOCATION_FAILS(errors)

EACH_FAILS_ON_A_FILE(threads, thread, FAIL_THREAD, 1)
EACH_FAILS_ON_A_FILE(coroutines, thread, FAIL_THREAD, 1)
EACH_FAILS(iothread, thread, FAIL_THREAD, 1)
EACH_FAILS(thread, thread, FAIL_THREAD, 1)
EACH_FAILS_ON_A_FILE(threads, late_thread, FAIL_THREAD_LATE, 1)
EACH_FAILS_ON_A_FILE(coroutines, late_thread, FAIL_THREAD_LATE, 1)

EACH_FAILS(nothing, fd, FAIL_FD, 1)
EACH_FAILS(handlers, fd, FAIL_FD, 1)
EACH_FAILS(many_handlers, fd, FAIL_FD, 1)
EACH_FAILS_ON_A_FILE(native, fd, FAIL_FD, 1)
EACH_FAILS_ON_A_FILE(io_uring, fd, FAIL_FD, 1)
EACH_FAILS(iothread, fd, FAIL_FD, 1)

EACH_FAILS_ON_A_FILE(threads, operation, FAIL_IO, 4)
EACH_FAILS_ON_A_FILE(sync, operation, FAIL_IO, 4)
EACH_FAILS_ON_A_FILE(native, operation, FAIL_IO, OF_AN_ENGINE)
EACH_FAILS_ON_A_FILE(io_uring, operation, FAIL_IO, OF_AN_ENGINE)
EACH_FAILS_ON_A_FILE(coroutines, operation, FAIL_IO, 3)
EACH_FAILS_ON_A_FILE(threads, busy_operation, FAIL_BUSY, 4)
EACH_FAILS_ON_A_FILE(sync, busy_operation, FAIL_BUSY, 4)
EACH_FAILS_ON_A_FILE(native, busy_operation, FAIL_BUSY, OF_AN_ENGINE)
EACH_FAILS_ON_A_FILE(io_uring, busy_operation, FAIL_BUSY, OF_AN_ENGINE)

/* ---- What cannot return an error ---- */

static void fail_next(void)
{
    fail_nth(FAIL_MEMORY, 1, true);
}

static void do_nothing(void *opaque)
{
    (void)opaque;
}

static int return_nothing(void *opaque)
{
    (void)opaque;
    return 0;
}

static void *thread_main(void *opaque)
{
    return opaque;
}

static AioContext *current_context(void)
{
    AioContext *ctx = aio_context_new(&error_abort);

    qemu_set_current_aio_context(ctx);
    return ctx;
}

static void make_bottom_half(void)
{
    AioContext *ctx = current_context();

    fail_next();
    aio_bh_new(ctx, do_nothing, NULL);
}

static void make_oneshot(void)
{
    AioContext *ctx = current_context();

    fail_next();
    aio_bh_schedule_oneshot(ctx, do_nothing, NULL);
}

static void make_timer(void)
{
    init_clocks(NULL);
    fail_next();
    timer_new_ns(QEMU_CLOCK_REALTIME, do_nothing, NULL);
}

static void arm_timer(void)
{
    QEMUTimer timer;

    timer_init_ns(&timer, QEMU_CLOCK_REALTIME, do_nothing, NULL);
    fail_next();
    timer_mod(&timer, 1);
}

static void make_handler(void)
{
    AioContext *ctx = current_context();
    EventNotifier e;

    ASSERT_INT_EQ(event_notifier_init(&e, false), 0);
    fail_next();
    aio_set_event_notifier(ctx, &e, false, event_notifier_cleanup, NULL);
}

static void make_coroutine(void)
{
    fail_next();
    qemu_coroutine_create(do_nothing, NULL);
}

static void submit_job(void)
{
    ThreadPool *pool = aio_get_thread_pool(current_context());

    fail_next();
    thread_pool_submit_aio(pool, return_nothing, NULL, NULL, NULL);
}

static void make_pool(void)
{
    AioContext *ctx = current_context();

    fail_next();
    aio_get_thread_pool(ctx);
}

static void make_request(void)
{
    static const AIOCBInfo info = { .aiocb_size = 100 };

    fail_next();
    qemu_aio_get(&info, NULL, NULL, NULL);
}

static void make_thread(void)
{
    QemuThread thread;

    fail_next();
    qemu_thread_create(&thread, "spinner", thread_main, NULL,
                       QEMU_THREAD_JOINABLE);
}

static void be_refused_a_thread(void)
{
    QemuThread thread;

    fail_nth(FAIL_THREAD, 1, true);
    qemu_thread_create(&thread, "spinner", thread_main, NULL, QEMU_THREAD_JOINABLE);
}

static void make_main_context(void)
{
    fail_nth(FAIL_FD, 1, true);
    g_main_context_new();
}

/* ---- What there is once ---- */

static void the_main_loop_where_each_fd_fails(void)
{
    Error *err = NULL;
    unsigned n = 0;

    g_main_context_default();
    while (fail_nth(FAIL_FD, ++n, true), qemu_init_main_loop(&err) < 0) {
        part_take_refusal(err);
        err = NULL;
    }
    ASSERT_TRUE(!err && qemu_get_aio_context());
    ASSERT_INT_GT(n, 3);       /* both of its contexts have been refused */
    fail_nth(FAIL_FD, 0, false);
    main_loop_wait(1);
}

TEST_PROGRAM(
    TEST(nothing_where_each_allocation_fails),
    TEST(bottom_halves_where_each_allocation_fails),
    TEST(timers_where_each_allocation_fails),
    TEST(handlers_where_each_allocation_fails),
    TEST(many_handlers_where_each_allocation_fails),
    TEST(threads_where_each_allocation_fails),
    TEST(native_where_each_allocation_fails),
    TEST(io_uring_where_each_allocation_fails),
    TEST(sync_where_each_allocation_fails),
    TEST(coroutines_where_each_allocation_fails),
    TEST(iothread_where_each_allocation_fails),
    TEST(thread_where_each_allocation_fails),
    TEST(errors_where_each_allocation_fails),
    TEST(threads_where_each_thread_fails),
    TEST(coroutines_where_each_thread_fails),
    TEST(iothread_where_each_thread_fails),
    TEST(thread_where_each_thread_fails),
    TEST(threads_where_each_late_thread_fails),
    TEST(coroutines_where_each_late_thread_fails),
    TEST(nothing_where_each_fd_fails),
    TEST(handlers_where_each_fd_fails),
    TEST(many_handlers_where_each_fd_fails),
    TEST(native_where_each_fd_fails),
    TEST(io_uring_where_each_fd_fails),
    TEST(iothread_where_each_fd_fails),
    TEST(threads_where_each_operation_fails),
    TEST(sync_where_each_operation_fails),
    TEST(native_where_each_operation_fails),
    TEST(io_uring_where_each_operation_fails),
    TEST(coroutines_where_each_operation_fails),
    TEST(threads_where_each_busy_operation_fails),
    TEST(sync_where_each_busy_operation_fails),
    TEST(native_where_each_busy_operation_fails),
    TEST(io_uring_where_each_busy_operation_fails),
    TEST_PANICS(make_bottom_half, "bottom half 'do_nothing': out of memory"),
    TEST_PANICS(make_oneshot, "bottom half 'do_nothing': out of memory"),
    TEST_PANICS(make_timer, "timer_new: clock 0: out of memory"),
    TEST_PANICS(arm_timer, ": out of memory"),
    TEST_PANICS(make_handler, ": out of memory"),
    TEST_PANICS(make_coroutine, "out of memory for the stacks of coroutine"),
    TEST_PANICS(submit_job, "thread_pool_submit_aio: out of memory"),
    TEST_PANICS(make_pool, "aio_get_thread_pool: out of memory"),
    TEST_PANICS(make_request, "qemu_aio_get: request of 100 bytes: out of memory"),
    TEST_PANICS(make_thread, "thread 'spinner' cannot be started"),
    TEST_PANICS(be_refused_a_thread, "thread 'spinner' cannot be started"),
    TEST_PANICS(make_main_context, "g_main_context_new: no memory or no fd is left"),
    TEST(the_main_loop_where_each_fd_fails),
)
