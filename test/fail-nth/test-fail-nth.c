/* SPDX-License-Identifier: MIT */
/*
 * Every allocation fails in turn: the first, the second, … until a run gets by without
 * the one that would fail; then the first and all after it, the second and all after
 * it, and so on. There is a test for each kind of object. Whatever could not be had is
 * an error to its caller; everything else is undone, and works in the next run. What
 * cannot return an error panics by the object's name.
 */
#include "block/block.h"
#include "block/pool.h"
#include "block/raw-aio.h"
#include "coroutine/coroutine.h"
#include "fail.h"
#include "loop/loop.h"
#include "loop/bh-pool.h"
#include "qapi/errno.h"
#include "qemu/main-loop.h"
#include "sysemu/iothread.h"
#include "test.h"

/* Each returns false if something of its own found no memory: that is undone then. */
typedef bool Part(AioContext *ctx);

static int fd = -1;

static void open_file(void)
{
    char content[4096];

    fd = test_file();
    memset(content, 'x', sizeof(content));
    ASSERT_INT_EQ(write(fd, content, sizeof(content)), sizeof(content));
}

/* An error that is none of memory's fails the test. */
static void expect_no_memory(Error *err)
{
    ASSERT_INT_EQ(error_get_errno(err), ENOMEM);
    error_free(err);
}

static void count_one(void *opaque)
{
    ++*(int *)opaque;
}

static bool use_bottom_halves(AioContext *ctx)
{
    QEMUBH *bhs[20], embedded;
    int made = 0, ran = 0;

    while (made < 20 && (bhs[made] = aio_bh_try_new(ctx, count_one, &ran, "bh"))) {
        qemu_bh_schedule(bhs[made++]);
    }
    bh_init(&embedded, ctx, count_one, &ran, "embedded");
    qemu_bh_schedule(&embedded);
    aio_poll(ctx, false);
    ASSERT_INT_EQ(ran, made + 1);
    for (int i = 0; i < made; i++) {
        qemu_bh_delete(bhs[i]);
    }
    aio_poll(ctx, false);
    return made == 20;
}

static bool use_timers(AioContext *ctx)
{
    QEMUTimer *timers[40];
    int made = 0, armed = 0, ran = 0;

    while (made < 40 &&
           (timers[made] = timer_try_new(&ctx->tlg, QEMU_CLOCK_REALTIME,
                                         SCALE_NS, count_one, &ran))) {
        if (timer_try_mod_ns(timers[made++], 0)) {
            armed++;
        }
    }
    while (ran < armed) {
        aio_poll(ctx, true);
    }
    for (int i = 0; i < made; i++) {
        ASSERT_FALSE(timer_pending(timers[i]));
        timer_free(timers[i]);
    }
    return armed == 40;
}

static int handled;

static void handle(EventNotifier *e)
{
    handled += event_notifier_test_and_clear(e);
}

static bool use_some_handlers(AioContext *ctx, int count)
{
    EventNotifier notifiers[100];
    int made = 0, expected = 0;

    handled = 0;
    while (made < count && event_notifier_init(&notifiers[made], true) == 0) {
        expected += aio_try_set_event_notifier(ctx, &notifiers[made++], handle,
                                               NULL) == 0;
    }
    while (handled < expected) {
        aio_poll(ctx, true);
    }
    for (int i = 0; i < made; i++) {
        aio_set_event_notifier(ctx, &notifiers[i], false, NULL, NULL);
        event_notifier_cleanup(&notifiers[i]);
    }
    aio_poll(ctx, false);
    return expected == count;
}

static bool use_handlers(AioContext *ctx)
{
    return use_some_handlers(ctx, 5);
}

/* As many as make the loop change over to epoll, where there is no ring. */
static bool use_many_handlers(AioContext *ctx)
{
    return use_some_handlers(ctx, 70);
}

static int in_flight, without_memory;

static void request_done(void *opaque, int ret)
{
    (void)opaque;
    in_flight--;
    without_memory += ret == -ENOMEM;
    ASSERT_TRUE(ret == 0 || ret == -ENOMEM);
}

static bool use_engine(AioContext *ctx, AioEngine engine)
{
    char bytes[4][8];
    struct iovec iov[4];
    RawAioOp op = { .engine = engine, .type = QEMU_AIO_READ, .fd = fd,
                    .niov = 1 };
    Error *err = NULL;

    if (!raw_aio_setup(ctx, engine, &err)) {
        bool refused = error_get_errno(err) != ENOMEM;

        error_free(err);
        return refused;        /* the machine has no such engine */
    }
    in_flight = without_memory = 0;
    for (int i = 0; i < 4; i++) {
        iov[i] = (struct iovec){ bytes[i], sizeof(bytes[i]) };
        op.iov = &iov[i];
        if (raw_aio_submit(ctx, &op, request_done, NULL)) {
            in_flight++;
        } else {
            without_memory++;
        }
    }
    while (in_flight) {
        aio_poll(ctx, true);
    }
    return !without_memory;
}

static bool use_threads(AioContext *ctx)
{
    return use_engine(ctx, AIO_ENGINE_THREADS);
}

static bool use_native(AioContext *ctx)
{
    return use_engine(ctx, AIO_ENGINE_NATIVE);
}

/* With the monitor that it brings. */
static bool use_io_uring(AioContext *ctx)
{
    bool done = use_engine(ctx, AIO_ENGINE_IO_URING);

    return use_some_handlers(ctx, 5) && done;
}

static bool use_sync(AioContext *ctx)
{
    return use_engine(ctx, AIO_ENGINE_SYNC);
}

static int do_nothing(void *opaque)
{
    (void)opaque;
    return 0;
}

static void coroutine_fn co_entry(void *opaque)
{
    AioContext *ctx = opaque;
    char bytes[8];
    struct iovec iov = { bytes, sizeof(bytes) };
    RawAioOp op = { .engine = AIO_ENGINE_THREADS, .type = QEMU_AIO_READ,
                    .fd = fd, .iov = &iov, .niov = 1 };
    ThreadPool *pool = thread_pool_try_get(ctx);

    request_done(NULL, pool ? thread_pool_submit_co(pool, do_nothing, NULL)
                            : -ENOMEM);
    in_flight++;
    request_done(NULL, raw_co_submit(ctx, &op));
}

static bool use_coroutines(AioContext *ctx)
{
    int made = 0;

    in_flight = without_memory = 0;
    for (int i = 0; i < 3; i++) {
        Coroutine *co = qemu_coroutine_try_create(co_entry, ctx);

        if (co) {
            made++;
            in_flight++;
            qemu_coroutine_enter(co);
        }
    }
    while (in_flight) {
        aio_poll(ctx, true);
    }
    return made == 3 && !without_memory;
}

static void set_event(void *opaque)
{
    qemu_event_set(opaque);
}

static bool use_iothread(AioContext *ctx)
{
    Error *err = NULL;
    IOThread *iothread = iothread_create("io", &err);
    QemuEvent event;
    QEMUBH *bh;

    (void)ctx;
    if (!iothread) {
        /* Or its thread was refused. */
        ASSERT_TRUE(error_get_errno(err) == ENOMEM ||
                    error_get_errno(err) == EAGAIN);
        error_free(err);
        return false;
    }
    ASSERT_TRUE(iothread_set_thread_pool_max(iothread, 3, &error_abort));
    qemu_event_init(&event, false);
    bh = aio_bh_try_new(iothread_get_aio_context(iothread), set_event, &event,
                        "set_event");
    if (bh) {
        qemu_bh_schedule(bh);
        qemu_event_wait(&event);
        qemu_bh_delete(bh);
    }
    iothread_destroy(iothread);
    qemu_event_destroy(&event);
    return bh;
}

static void *thread_main(void *opaque)
{
    return opaque;
}

static bool use_thread(AioContext *ctx)
{
    QemuThread thread;
    int ret = qemu_thread_try_create(&thread, "thread", thread_main, ctx,
                                     QEMU_THREAD_JOINABLE);

    if (ret < 0) {
        ASSERT_TRUE(ret == -ENOMEM || ret == -EAGAIN);
        return false;
    }
    ASSERT_PTR_EQ(qemu_thread_join(&thread), ctx);
    return true;
}

static bool use_errors(AioContext *ctx)
{
    Error *err = NULL, *other = NULL;
    bool whole;

    (void)ctx;
    error_setg_errno(&err, EBADF, "no %s", "luck");
    whole = error_get_errno(err) == EBADF;
    ASSERT_TRUE(whole ? strstr(error_get_pretty(err), "no luck") == error_get_pretty(err)
                      : !strcmp(error_get_pretty(err), "out of memory"));
    error_propagate(&other, err);
    error_free(other);
    return whole;
}

static bool use_nothing(AioContext *ctx)
{
    (void)ctx;
    return true;
}

/* ---- Failing ---- */

typedef struct Run {
    Part *part;
    unsigned n;                /* the allocation that fails; 0: none does */
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
        expect_no_memory(err);
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

    fail_nth(FAIL_MEMORY, run->n, run->on);
    run->done = run_in_context(run->part);
    run->came = fail_has_come(FAIL_MEMORY);
    fail_nth(FAIL_MEMORY, 0, false);
    return NULL;
}

/* In a thread of its own: it gives back what it keeps. */
static Run do_run(Part *part, unsigned n, bool on)
{
    Run run = { .part = part, .n = n, .on = on };
    QemuThread thread;

    qemu_thread_create(&thread, "run", run_thread, &run, QEMU_THREAD_JOINABLE);
    qemu_thread_join(&thread);
    return run;
}

/* A thread that was joined, or left its pool, may be about to give back its last. */
static bool comes_down_to(size_t live)
{
    int64_t end = qemu_clock_get_ns(QEMU_CLOCK_REALTIME) + 100 * SCALE_MS;

    while (fail_memory_in_use() > live) {
        if (qemu_clock_get_ns(QEMU_CLOCK_REALTIME) > end) {
            return false;
        }
        usleep(100);
    }
    return true;
}

/* Where a run leaves memory behind it is repeated: a thread's stack is kept for the
 * next one that needs it, but what is lost is lost each time. */
enum { ATTEMPTS = 30 };

static Run fail_once(Part *part, unsigned n, bool on, size_t *live)
{
    Run run;

    for (int i = 0; i < ATTEMPTS; i++) {
        run = do_run(part, n, on);
        if (!run.came && !run.done) {
            TEST_FAIL("run %u failed, but no allocation did", n);
        }
        if (!do_run(part, 0, false).done) {
            TEST_FAIL("after run %u an ordinary one fails", n);
        }
        if (comes_down_to(*live)) {
            return run;
        }
        *live = fail_memory_in_use();
    }
    TEST_FAIL("run %u leaves memory behind, each time", n);
}

static void fail_each(Part *part, bool on, size_t live)
{
    unsigned n = 0;

    while (fail_once(part, ++n, on, &live).came) {
        continue;
    }
    fprintf(stderr, "%u allocations\n", n - 1);
    ASSERT_INT_GT(n, 5);
}

static void fail_in_turn(Part *part)
{
    size_t live;

    /* What is made once, and kept, is made now. */
    ASSERT_TRUE(do_run(part, 0, false).done);
    live = fail_memory_in_use();
    fail_each(part, false, live);
    fail_each(part, true, live);
}

#define EACH_FAILS(part)                                                     \
    static void part##_where_each_allocation_fails(void)                     \
    {                                                                        \
        fail_in_turn(use_##part);                                            \
    }

#define EACH_FAILS_ON_A_FILE(part)                                           \
    static void part##_where_each_allocation_fails(void)                     \
    {                                                                        \
        open_file();                                                         \
        fail_in_turn(use_##part);                                            \
        close(fd);                                                           \
    }

EACH_FAILS(nothing)
EACH_FAILS(bottom_halves)
EACH_FAILS(timers)
EACH_FAILS(handlers)
EACH_FAILS(many_handlers)
EACH_FAILS_ON_A_FILE(threads)
EACH_FAILS_ON_A_FILE(native)
EACH_FAILS_ON_A_FILE(io_uring)
EACH_FAILS_ON_A_FILE(sync)
EACH_FAILS_ON_A_FILE(coroutines)
EACH_FAILS(iothread)
EACH_FAILS(thread)
EACH_FAILS(errors)

/* ---- What cannot return an error ---- */

static void fail_next(void)
{
    fail_nth(FAIL_MEMORY, 1, true);
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
    aio_bh_new(ctx, set_event, NULL);
}

static void make_oneshot(void)
{
    AioContext *ctx = current_context();

    fail_next();
    aio_bh_schedule_oneshot(ctx, set_event, NULL);
}

static void make_timer(void)
{
    init_clocks(NULL);
    fail_next();
    timer_new_ns(QEMU_CLOCK_REALTIME, count_one, NULL);
}

static void arm_timer(void)
{
    QEMUTimer timer;

    timer_init_ns(&timer, QEMU_CLOCK_REALTIME, count_one, NULL);
    fail_next();
    timer_mod(&timer, 1);
}

static void make_handler(void)
{
    AioContext *ctx = current_context();
    EventNotifier e;

    ASSERT_INT_EQ(event_notifier_init(&e, false), 0);
    fail_next();
    aio_set_event_notifier(ctx, &e, false, handle, NULL);
}

static void make_coroutine(void)
{
    fail_next();
    qemu_coroutine_create(co_entry, NULL);
}

static void submit_job(void)
{
    ThreadPool *pool = aio_get_thread_pool(current_context());

    fail_next();
    thread_pool_submit_aio(pool, do_nothing, NULL, NULL, NULL);
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
    TEST_PANICS(make_bottom_half, "bottom half 'set_event': out of memory"),
    TEST_PANICS(make_oneshot, "bottom half 'set_event': out of memory"),
    TEST_PANICS(make_timer, "timer_new: clock 0: out of memory"),
    TEST_PANICS(arm_timer, ": out of memory"),
    TEST_PANICS(make_handler, ": out of memory"),
    TEST_PANICS(make_coroutine, "out of memory for the stacks of coroutine"),
    TEST_PANICS(submit_job, "thread_pool_submit_aio: out of memory"),
    TEST_PANICS(make_pool, "aio_get_thread_pool: out of memory"),
    TEST_PANICS(make_request, "qemu_aio_get: request of 100 bytes: out of memory"),
    TEST_PANICS(make_thread, "thread 'spinner' cannot be started"),
)
