/* SPDX-License-Identifier: MIT */
#include "parts.h"
#include "block/block.h"
#include "block/pool.h"
#include "block/raw-aio.h"
#include "fail.h"
#include "loop/bh-pool.h"
#include "loop/loop.h"
#include "qapi/errno.h"
#include "sysemu/iothread.h"
#include "test.h"

static int fd = -1;

void part_open_file(void)
{
    char content[4096];

    fd = test_file();
    memset(content, 'x', sizeof(content));
    ASSERT_INT_EQ(write(fd, content, sizeof(content)), sizeof(content));
}

void part_close_file(void)
{
    close(fd);
}

/* Fails the test if the error is not the one that the machine has given. */
static void expect_refusal(int error)
{
    ASSERT_INT_EQ(error, fail_errno());
}

/* Where there is no memory for a thread, the machine may only say that there is no thread. */
static void expect_thread_refusal(int error)
{
    if (fail_errno() != ENOMEM || error != EAGAIN) {
        expect_refusal(error);
    }
}

void part_take_refusal(Error *err)
{
    expect_refusal(error_get_errno(err));
    error_free(err);
}

static void count_one(void *opaque)
{
    ++*(int *)opaque;
}

bool use_bottom_halves(AioContext *ctx)
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

bool use_timers(AioContext *ctx)
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

bool use_handlers(AioContext *ctx)
{
    return use_some_handlers(ctx, 5);
}

/* As many as make the loop change over to epoll, where there is no ring. */
bool use_many_handlers(AioContext *ctx)
{
    return use_some_handlers(ctx, 70);
}

static int in_flight, refused;

static void request_done(void *opaque, int ret)
{
    (void)opaque;
    in_flight--;
    if (ret) {
        expect_refusal(-ret);
        refused++;
    }
}

static bool use_engine(AioContext *ctx, AioEngine engine)
{
    char bytes[4][8];
    struct iovec iov[4];
    RawAioOp op = { .engine = engine, .type = QEMU_AIO_READ, .fd = fd,
                    .niov = 1 };
    Error *err = NULL;

    if (!raw_aio_setup(ctx, engine, &err)) {
        bool absent = error_get_errno(err) != fail_errno();

        error_free(err);
        return absent;         /* the machine has no such engine */
    }
    in_flight = refused = 0;
    for (int i = 0; i < 4; i++) {
        iov[i] = (struct iovec){ bytes[i], sizeof(bytes[i]) };
        op.iov = &iov[i];
        if (raw_aio_submit(ctx, &op, request_done, NULL)) {
            in_flight++;
        } else {
            refused++;
        }
    }
    while (in_flight) {
        aio_poll(ctx, true);
    }
    return !refused;
}

bool use_threads(AioContext *ctx)
{
    return use_engine(ctx, AIO_ENGINE_THREADS);
}

bool use_native(AioContext *ctx)
{
    return use_engine(ctx, AIO_ENGINE_NATIVE);
}

/* With the monitor that it brings. */
bool use_io_uring(AioContext *ctx)
{
    bool done = use_engine(ctx, AIO_ENGINE_IO_URING);

    return use_some_handlers(ctx, 5) && done;
}

bool use_sync(AioContext *ctx)
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

bool use_coroutines(AioContext *ctx)
{
    int made = 0;

    in_flight = refused = 0;
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
    return made == 3 && !refused;
}

static void set_event(void *opaque)
{
    qemu_event_set(opaque);
}

bool use_iothread(AioContext *ctx)
{
    Error *err = NULL;
    IOThread *iothread = iothread_create("io", &err);
    QemuEvent event;
    QEMUBH *bh;

    (void)ctx;
    if (!iothread) {
        expect_thread_refusal(error_get_errno(err));
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

bool use_thread(AioContext *ctx)
{
    QemuThread thread;
    int ret = qemu_thread_try_create(&thread, "thread", thread_main, ctx,
                                     QEMU_THREAD_JOINABLE);

    if (ret < 0) {
        expect_thread_refusal(-ret);
        return false;
    }
    ASSERT_PTR_EQ(qemu_thread_join(&thread), ctx);
    return true;
}

bool use_errors(AioContext *ctx)
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

bool use_nothing(AioContext *ctx)
{
    (void)ctx;
    return true;
}
