/* SPDX-License-Identifier: MIT */
/*
 * The block engines on a real file: every engine, depth and batch limit, and what a
 * request comes to.
 */
#include "engine-storm.h"
#include "loop.h"
#include "qemu/defer-call.h"

#if !defined(__wasm__)
#include <sys/resource.h>
#endif

static const AioEngine engines[] = { AIO_ENGINE_THREADS, AIO_ENGINE_NATIVE,
                                     AIO_ENGINE_IO_URING, AIO_ENGINE_SYNC };

static int fd = -1;
static const char *unavailable;

/* False, and why in unavailable: this machine has no such engine. */
static bool setup_engine(AioEngine engine)
{
    static char why[200];
    Error *err = NULL;

    loop_setup();
    ctx->thread_pool_max = 4;
    if (raw_aio_setup(ctx, engine, &err)) {
        return true;
    }
    snprintf(why, sizeof(why), "%s", error_get_pretty(err));
    error_free(err);
    unavailable = why;
    loop_teardown();
    return false;
}

static void cut_file(int64_t size)
{
    ASSERT_INT_EQ(ftruncate(fd, size), 0);
}

#define NEED_ENGINE(engine)                                                  \
    if (!setup_engine(engine)) {                                             \
        TEST_SKIP(unavailable);                                              \
    }

/* ---- Requests, waited for ---- */

typedef struct Result {
    BlockAIOCB *acb;
    int ret;
    unsigned called;
    struct iovec iov;
    char own[10];
} Result;

static unsigned ended;
static Result results[2048];
static char bytes[8192];

static void note_result(void *opaque, int ret)
{
    Result *result = opaque;

    result->ret = ret;
    result->called++;
    result->acb = NULL;
    ended++;
}

/* into NULL: where no other request reads or writes at the same time. */
static Result *submit_op(AioEngine engine, int type, int64_t offset, void *into,
                         size_t size)
{
    Result *result = &results[0];
    RawAioOp op = { .engine = engine, .type = type, .fd = fd, .niov = 1,
                    .offset = offset };

    while (result->called || result->acb) {
        result++;
    }
    result->iov = (struct iovec){ into ? into : result->own, size };
    op.iov = &result->iov;
    result->acb = raw_aio_submit(ctx, &op, note_result, result);
    return result;
}

static void wait_for(unsigned count)
{
    while (ended < count) {
        aio_poll(ctx, true);
    }
    ASSERT_INT_EQ(ended, count);
}

static int op_result(AioEngine engine, int type, int64_t offset, size_t size)
{
    Result *result = submit_op(engine, type, offset, bytes, size);

    ASSERT_INT_EQ(result->called, 0);
    while (!result->called) {
        aio_poll(ctx, true);
    }
    ASSERT_INT_EQ(result->called, 1);
    return result->ret;
}

/* ---- The storm ---- */

static void rage(AioEngine engine)
{
    static const unsigned depths[] = { 1, 2, 32, 256 };
    static const int64_t batches[] = { 0, 1, 8, 32 };
    uint64_t seed = test_seed();

    fd = test_file();
    NEED_ENGINE(engine);
    for (size_t d = 0; d < ARRAY_SIZE(depths); d++) {
        for (size_t b = 0; b < ARRAY_SIZE(batches); b++) {
            unsigned requests = (unsigned)test_rounds(400);
            const char *wrong;

            aio_context_set_aio_params(ctx, batches[b], &error_abort);
            wrong = storm_run(ctx, engine, fd, depths[d], 0, requests,
                              seed + 16 * d + b, false);
            if (wrong) {
                TEST_FAIL("engine %s, depth %u, max-batch %d: %s",
                          aio_engine_name(engine), depths[d], (int)batches[b],
                          wrong);
            }
        }
    }
    loop_teardown();
    close(fd);
}

static void a_storm_through_threads(void)
{
    rage(AIO_ENGINE_THREADS);
}

static void a_storm_through_native(void)
{
    rage(AIO_ENGINE_NATIVE);
}

static void a_storm_through_io_uring(void)
{
    rage(AIO_ENGINE_IO_URING);
}

static void a_storm_through_sync(void)
{
    rage(AIO_ENGINE_SYNC);
}

/* The batch limit changes, and the pool's threads, while requests are under way. */
static void *change_params(void *opaque)
{
    uint32_t *stop = opaque;

    for (int64_t n = 0; !qatomic_mb_read(stop); n++) {
        aio_context_set_aio_params(ctx, n % 40, &error_abort);
        test_nap(UINT_MAX);
    }
    return NULL;
}

static void the_batch_limit_changes_in_flight(void)
{
    uint32_t stop = 0;
    QemuThread thread;
    const char *wrong;

    fd = test_file();
    NEED_ENGINE(AIO_ENGINE_NATIVE);
    qemu_thread_create(&thread, "params", change_params, &stop,
                       QEMU_THREAD_JOINABLE);
    wrong = storm_run(ctx, AIO_ENGINE_NATIVE, fd, 64, 0, 5000, test_seed(),
                      false);
    qatomic_mb_set(&stop, 1);
    qemu_thread_join(&thread);
    ASSERT_STR_EQ(wrong ? wrong : "", "");
    loop_teardown();
}

/* ---- What a request comes to ---- */

static void each_engine(void (*check)(AioEngine engine))
{
    unsigned available = 0;

    fd = test_file();
    for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
        if (!setup_engine(engines[i])) {
            fprintf(stderr, "%s: %s\n", aio_engine_name(engines[i]),
                    unavailable);
            continue;
        }
        available++;
        ended = 0;
        memset(results, 0, sizeof(results));
        check(engines[i]);
        loop_teardown();
    }
    ASSERT_INT_GE(available, 2);
}

static void check_eof(AioEngine engine)
{
    cut_file(0);
    memset(bytes, 'x', sizeof(bytes));
    ASSERT_INT_EQ(op_result(engine, QEMU_AIO_WRITE, 0, 1000), 0);
    memset(bytes, 'y', sizeof(bytes));
    ASSERT_INT_EQ(op_result(engine, QEMU_AIO_READ, 900, 200), 0);
    for (int i = 0; i < 200; i++) {
        ASSERT_INT_EQ(bytes[i], i < 100 ? 'x' : 0);
    }
    ASSERT_INT_EQ(bytes[200], 'y');
    ASSERT_INT_EQ(op_result(engine, QEMU_AIO_READ, 5000, 200), 0);
    ASSERT_INT_EQ(bytes[0], 0);
}

static void a_read_past_the_end_has_zeros(void)
{
    each_engine(check_eof);
}

static void check_count(AioEngine engine)
{
    cut_file(1000);
    memset(bytes, 'y', sizeof(bytes));
    ASSERT_INT_EQ(op_result(engine, QEMU_AIO_READ | RAW_AIO_COUNT, 900, 200),
                  100);
    ASSERT_INT_EQ(bytes[100], 'y');
    ASSERT_INT_EQ(op_result(engine, QEMU_AIO_READ | RAW_AIO_COUNT, 1000, 200),
                  0);
    ASSERT_INT_EQ(op_result(engine, QEMU_AIO_WRITE | RAW_AIO_COUNT, 0, 77), 77);
}

static void a_count_is_had_on_demand(void)
{
    each_engine(check_count);
}

static void check_flush(AioEngine engine)
{
    ASSERT_INT_EQ(op_result(engine, QEMU_AIO_FLUSH, 0, 0), 0);
}

static void a_flush_is_done(void)
{
    each_engine(check_flush);
}

static void check_bad_fd(AioEngine engine)
{
    int file = fd;

    fd = 9999;
    ASSERT_INT_EQ(op_result(engine, QEMU_AIO_READ, 0, 10), -EBADF);
    ASSERT_INT_EQ(op_result(engine, QEMU_AIO_WRITE, 0, 10), -EBADF);
    fd = file;
    /* The others are none the worse. */
    ASSERT_INT_EQ(op_result(engine, QEMU_AIO_WRITE, 0, 10), 0);
}

static void an_error_is_its_own_request_s(void)
{
    each_engine(check_bad_fd);
}

/* A limit on the size of files stands in for the medium's end. */
static void check_full(AioEngine engine)
{
#if !defined(__wasm__)
    struct rlimit before, limit;

    signal(SIGXFSZ, SIG_IGN);
    ASSERT_INT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 5000;
    ASSERT_INT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ASSERT_INT_EQ(op_result(engine, QEMU_AIO_WRITE, 4096, 4096), -ENOSPC);
    ASSERT_INT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    ASSERT_INT_EQ(op_result(engine, QEMU_AIO_WRITE, 4096, 4096), 0);
#else
    (void)engine;
#endif
}

static void a_short_write_is_enospc(void)
{
    each_engine(check_full);
}

static void check_invalid(AioEngine engine)
{
    ASSERT_INT_EQ(op_result(engine, QEMU_AIO_READ, -1, 10), -EINVAL);
}

static void a_negative_offset_is_einval(void)
{
    each_engine(check_invalid);
}

static void check_nothing(AioEngine engine)
{
    ASSERT_INT_EQ(op_result(engine, QEMU_AIO_READ, 0, 0), 0);
    ASSERT_INT_EQ(op_result(engine, QEMU_AIO_WRITE, 0, 0), 0);
}

static void no_bytes_are_done_at_once(void)
{
    each_engine(check_nothing);
}

static AioEngine chain_engine;
static unsigned chain_left;

static void chain_next(void *opaque, int ret)
{
    note_result(opaque, ret);
    if (chain_left) {
        Result *next;

        chain_left--;
        next = submit_op(chain_engine, QEMU_AIO_READ, 0, NULL, 10);
        while (!next->called) {
            aio_poll(ctx, true);
        }
    }
}

static void check_nested(AioEngine engine)
{
    struct iovec iov[3];
    RawAioOp op = { .engine = engine, .type = QEMU_AIO_READ, .fd = fd,
                    .niov = 1 };

    chain_engine = engine;
    chain_left = 3;
    for (int i = 0; i < 3; i++) {
        results[100 + i].called = 0;
        iov[i] = (struct iovec){ results[100 + i].own, 10 };
        op.iov = &iov[i];
        raw_aio_submit(ctx, &op, chain_next, &results[100 + i]);
    }
    wait_for(6);
}

static void a_callback_may_submit_and_wait(void)
{
    each_engine(check_nested);
}

/* ---- Cancelling ---- */

static void check_cancel(AioEngine engine)
{
    unsigned canceled = 0;

    raw_aio_plug(ctx, engine);
    for (int i = 0; i < 20; i++) {
        submit_op(engine, QEMU_AIO_READ, 0, NULL, 10);
    }
    for (int i = 0; i < 20; i++) {
        if (results[i].acb && i % 2) {
            bdrv_aio_cancel_async(results[i].acb);
            ASSERT_INT_EQ(results[i].called, 0);
        }
    }
    raw_aio_unplug(ctx, engine, 0);
    wait_for(20);
    for (int i = 0; i < 20; i++) {
        ASSERT_INT_EQ(results[i].called, 1);
        canceled += results[i].ret == -ECANCELED;
        ASSERT_TRUE(results[i].ret == 0 || (i % 2 && results[i].ret == -ECANCELED));
    }
    if (engine == AIO_ENGINE_NATIVE || engine == AIO_ENGINE_IO_URING) {
        ASSERT_INT_EQ(canceled, 10);      /* they had not been handed over */
    }
}

static void cancelling_ends_what_nobody_has_begun(void)
{
    each_engine(check_cancel);
}

static void check_cancel_sync(AioEngine engine)
{
    Result *result = submit_op(engine, QEMU_AIO_READ, 0, NULL, 10);

    bdrv_aio_cancel(result->acb);
    ASSERT_INT_EQ(result->called, 1);
    ASSERT_TRUE(result->ret == 0 || result->ret == -ECANCELED);
}

static void cancelling_can_be_waited_for(void)
{
    each_engine(check_cancel_sync);
}

/* ---- Batches ---- */

static AioEngineStats stats_of(AioEngine engine)
{
    AioEngineStats stats;

    raw_aio_get_stats(ctx, engine, &stats);
    return stats;
}

static void submit_many(AioEngine engine, int count)
{
    if (fd < 0) {
        fd = test_file();
    }
    for (int i = 0; i < count; i++) {
        submit_op(engine, QEMU_AIO_READ, 0, NULL, 10);
    }
}

static void unplugged_requests_go_one_by_one(void)
{
    NEED_ENGINE(AIO_ENGINE_NATIVE);
    submit_many(AIO_ENGINE_NATIVE, 5);
    ASSERT_INT_EQ(stats_of(AIO_ENGINE_NATIVE).submissions, 5);
    ASSERT_INT_EQ(stats_of(AIO_ENGINE_NATIVE).largest_batch, 1);
    wait_for(5);
    loop_teardown();
}

static void plugged_requests_go_together(void)
{
    NEED_ENGINE(AIO_ENGINE_NATIVE);
    raw_aio_plug(ctx, AIO_ENGINE_NATIVE);
    raw_aio_plug(ctx, AIO_ENGINE_NATIVE);
    submit_many(AIO_ENGINE_NATIVE, 31);
    raw_aio_unplug(ctx, AIO_ENGINE_NATIVE, 0);
    ASSERT_INT_EQ(stats_of(AIO_ENGINE_NATIVE).submissions, 0);
    raw_aio_unplug(ctx, AIO_ENGINE_NATIVE, 0);
    ASSERT_INT_EQ(stats_of(AIO_ENGINE_NATIVE).submissions, 1);
    ASSERT_INT_EQ(stats_of(AIO_ENGINE_NATIVE).largest_batch, 31);
    wait_for(31);
    loop_teardown();
}

static void check_batch(int64_t of_context, int64_t of_device, uint64_t batch)
{
    struct iovec iov = { bytes, 10 };
    RawAioOp op = { .engine = AIO_ENGINE_NATIVE, .type = QEMU_AIO_READ,
                    .iov = &iov, .niov = 1, .max_batch = of_device };

    if (fd < 0) {
        fd = test_file();
    }
    op.fd = fd;
    NEED_ENGINE(AIO_ENGINE_NATIVE);
    ended = 0;
    memset(results, 0, sizeof(results));
    aio_context_set_aio_params(ctx, of_context, &error_abort);
    raw_aio_plug(ctx, AIO_ENGINE_NATIVE);
    for (int i = 0; i < 64; i++) {
        raw_aio_submit(ctx, &op, note_result, &results[i]);
    }
    /* In spite of the plug, and no more than the limit. */
    ASSERT_INT_EQ(stats_of(AIO_ENGINE_NATIVE).submissions, 64 / batch);
    ASSERT_INT_EQ(stats_of(AIO_ENGINE_NATIVE).largest_batch, batch);
    ASSERT_INT_LE(stats_of(AIO_ENGINE_NATIVE).kicks, 64 / batch);
    raw_aio_unplug(ctx, AIO_ENGINE_NATIVE, of_device);
    wait_for(64);
    loop_teardown();
}

static void a_full_batch_goes_in_spite_of_the_plug(void)
{
    check_batch(0, 0, 32);
    check_batch(0, 8, 8);
    check_batch(4, 0, 4);
    check_batch(16, 2, 2);
    check_batch(2, 16, 2);
    check_batch(64, 0, 64);
}

static void the_ring_s_size_is_its_only_limit(void)
{
    NEED_ENGINE(AIO_ENGINE_IO_URING);
    aio_context_set_aio_params(ctx, 4, &error_abort);
    raw_aio_plug(ctx, AIO_ENGINE_IO_URING);
    submit_many(AIO_ENGINE_IO_URING, 127);
    ASSERT_INT_EQ(stats_of(AIO_ENGINE_IO_URING).submissions, 0);
    submit_many(AIO_ENGINE_IO_URING, 1);
    ASSERT_INT_EQ(stats_of(AIO_ENGINE_IO_URING).submissions, 1);
    ASSERT_INT_EQ(stats_of(AIO_ENGINE_IO_URING).largest_batch, 128);
    raw_aio_unplug(ctx, AIO_ENGINE_IO_URING, 0);
    wait_for(128);
    loop_teardown();
}

/* ---- Sections of defer_call ---- */

static void check_section(AioEngine engine)
{
    raw_aio_setup(ctx, engine, &error_abort);
    defer_call_begin();
    submit_many(engine, 3);
    defer_call_begin();
    raw_aio_plug(ctx, engine);
    submit_many(engine, 2);
    raw_aio_unplug(ctx, engine, 0);
    defer_call_end();
    ASSERT_INT_EQ(stats_of(engine).submissions, 0);
    defer_call_end();
    ASSERT_INT_EQ(stats_of(engine).submissions, 1);
    ASSERT_INT_EQ(stats_of(engine).largest_batch, 5);
    wait_for(5);
    submit_many(engine, 1);
    ASSERT_INT_EQ(stats_of(engine).submissions, 2);
    wait_for(6);
}

static void of_a_section_go_together(void)
{
    static const AioEngine queued[] = { AIO_ENGINE_NATIVE, AIO_ENGINE_IO_URING };

    for (int i = 0; i < 2; i++) {
        NEED_ENGINE(queued[i]);
        ended = 0;
        memset(results, 0, sizeof(results));
        check_section(queued[i]);
        loop_teardown();
    }
}

static void a_full_batch_goes_in_spite_of_the_section(void)
{
    NEED_ENGINE(AIO_ENGINE_NATIVE);
    aio_context_set_aio_params(ctx, 4, &error_abort);
    defer_call_begin();
    submit_many(AIO_ENGINE_NATIVE, 6);
    ASSERT_INT_EQ(stats_of(AIO_ENGINE_NATIVE).submissions, 1);
    defer_call_end();
    ASSERT_INT_EQ(stats_of(AIO_ENGINE_NATIVE).submissions, 2);
    wait_for(6);
    loop_teardown();
}

static void one_may_wait_in_a_section(void)
{
    NEED_ENGINE(AIO_ENGINE_NATIVE);
    defer_call_begin();
    for (unsigned i = 1; i <= 3; i++) {
        submit_many(AIO_ENGINE_NATIVE, 2);
        wait_for(2 * i);
    }
    defer_call_end();
    ASSERT_INT_EQ(stats_of(AIO_ENGINE_NATIVE).submissions, 3);
    loop_teardown();
}

/* Nothing is left to do after an end that found nothing. */
static void a_context_may_go_in_a_section(void)
{
    NEED_ENGINE(AIO_ENGINE_NATIVE);
    defer_call_begin();
    submit_many(AIO_ENGINE_NATIVE, 2);
    wait_for(2);
    loop_teardown();
    defer_call_end();
}

static void more_than_the_slots_wait_and_do_not_fail(void)
{
    static const AioEngine queued[] = { AIO_ENGINE_NATIVE, AIO_ENGINE_IO_URING };

    for (int i = 0; i < 2; i++) {
        NEED_ENGINE(queued[i]);
        ended = 0;
        memset(results, 0, sizeof(results));
        submit_many(queued[i], 2000);
        wait_for(2000);
        for (int k = 0; k < 2000; k++) {
            ASSERT_INT_EQ(results[k].ret, 0);
            ASSERT_INT_EQ(results[k].called, 1);
        }
        loop_teardown();
    }
}

/* ---- Setting up, misuse ---- */

static void setting_up_twice_gives_the_same(void)
{
    NEED_ENGINE(AIO_ENGINE_NATIVE);
    ASSERT_PTR_EQ(aio_setup_linux_aio(ctx, &error_abort),
                  aio_get_linux_aio(ctx));
    loop_teardown();
    NEED_ENGINE(AIO_ENGINE_IO_URING);
    ASSERT_PTR_EQ(aio_setup_linux_io_uring(ctx, &error_abort),
                  aio_get_linux_io_uring(ctx));
    loop_teardown();
}

static void names_are_known(void)
{
    AioEngine engine;

    for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
        ASSERT_TRUE(aio_engine_by_name(aio_engine_name(engines[i]), &engine));
        ASSERT_INT_EQ(engine, engines[i]);
    }
    ASSERT_FALSE(aio_engine_by_name("posix", &engine));
}

static void linux_aio_that_was_not_set_up(void)
{
    loop_setup();
    aio_get_linux_aio(ctx);
}

static void io_uring_that_was_not_set_up(void)
{
    loop_setup();
    aio_get_linux_io_uring(ctx);
}

static void an_engine_that_was_not_set_up(void)
{
    loop_setup();
    submit_many(AIO_ENGINE_NATIVE, 1);
}

static void unplugging_what_is_not_plugged(void)
{
    loop_setup();
    raw_aio_setup(ctx, AIO_ENGINE_SYNC, &error_abort);
    raw_aio_unplug(ctx, AIO_ENGINE_SYNC, 0);
}

static void a_context_that_goes_with_requests(void)
{
    loop_setup();
    raw_aio_setup(ctx, AIO_ENGINE_SYNC, &error_abort);
    submit_many(AIO_ENGINE_SYNC, 1);
    aio_context_detach_current();
    aio_context_unref(ctx);
}

TEST_PROGRAM(
    TEST(a_storm_through_threads),
    TEST(a_storm_through_native),
    TEST(a_storm_through_io_uring),
    TEST(a_storm_through_sync),
    TEST(the_batch_limit_changes_in_flight),
    TEST(a_read_past_the_end_has_zeros),
    TEST(a_count_is_had_on_demand),
    TEST(a_flush_is_done),
    TEST(an_error_is_its_own_request_s),
    TEST(a_short_write_is_enospc),
    TEST(a_negative_offset_is_einval),
    TEST(no_bytes_are_done_at_once),
    TEST(a_callback_may_submit_and_wait),
    TEST(cancelling_ends_what_nobody_has_begun),
    TEST(cancelling_can_be_waited_for),
    TEST(unplugged_requests_go_one_by_one),
    TEST(plugged_requests_go_together),
    TEST(a_full_batch_goes_in_spite_of_the_plug),
    TEST(the_ring_s_size_is_its_only_limit),
    TEST(of_a_section_go_together),
    TEST(a_full_batch_goes_in_spite_of_the_section),
    TEST(one_may_wait_in_a_section),
    TEST(a_context_may_go_in_a_section),
    TEST(more_than_the_slots_wait_and_do_not_fail),
    TEST(setting_up_twice_gives_the_same),
    TEST(names_are_known),
    TEST_PANICS(linux_aio_that_was_not_set_up, "aio_get_linux_aio: it has not been set up"),
    TEST_PANICS(io_uring_that_was_not_set_up, "aio_get_linux_io_uring: it has not been set up"),
    TEST_PANICS(an_engine_that_was_not_set_up, "raw_aio_submit: engine native has not been set up"),
    TEST_PANICS(unplugging_what_is_not_plugged, "raw_aio_unplug: sync: it is not plugged"),
    TEST_PANICS(a_context_that_goes_with_requests, "engine sync: 1 requests are outstanding"),
)
