/* SPDX-License-Identifier: MIT */
/* The IOThread object. */
#include "block/thread-pool.h"
#include "loop.h"
#include "sysemu/iothread.h"

static IOThread *start(const char *id)
{
    return iothread_create(id, &error_abort);
}

static QemuEvent done;

static void set_done(void *opaque)
{
    (void)opaque;
    qemu_event_set(&done);
}

/* Runs cb in the IOThread and waits for its end. */
static void in_iothread(IOThread *iothread, QEMUBHFunc *cb, void *opaque)
{
    AioContext *c = iothread_get_aio_context(iothread);

    qemu_event_init(&done, false);
    aio_bh_schedule_oneshot(c, cb, opaque);
    qemu_event_wait(&done);
}

/* ---- The object ---- */

static void it_is_known_by_its_id(void)
{
    IOThread *io;
    char *id;

    ASSERT_PTR_EQ(iothread_by_id("io0"), NULL);
    io = start("io0");
    ASSERT_PTR_EQ(iothread_by_id("io0"), io);
    ASSERT_PTR_EQ(iothread_by_id("io1"), NULL);
    id = iothread_get_id(io);
    ASSERT_STR_EQ(id, "io0");
    id[0] = 'x';                /* a copy */
    free(id);
    ASSERT_PTR_EQ(iothread_by_id("io0"), io);
    iothread_destroy(io);
    ASSERT_PTR_EQ(iothread_by_id("io0"), NULL);
}

static void an_id_is_taken_once(void)
{
    IOThread *io = start("io0");
    Error *err = NULL;

    ASSERT_PTR_EQ(iothread_create("io0", &err), NULL);
    ASSERT_TRUE(strstr(error_get_pretty(err), "'io0'") != NULL);
    error_free(err);
    ASSERT_PTR_EQ(iothread_by_id("io0"), io);
    iothread_destroy(io);
    iothread_destroy(start("io0"));
}

typedef struct Home {
    AioContext *expected;
    QemuThread thread;
} Home;

static void look_around(void *opaque)
{
    Home *home = opaque;

    ASSERT_PTR_EQ(qemu_get_current_aio_context(), home->expected);
    ASSERT_TRUE(qemu_in_iothread());
    qemu_thread_get_self(&home->thread);
    qemu_event_set(&done);
}

static void its_thread_is_its_contexts_home(void)
{
    IOThread *io = start("io0");
    Home home = { iothread_get_aio_context(io), { NULL } };

    ASSERT_FALSE(qemu_in_iothread());
    in_iothread(io, look_around, &home);
    ASSERT_FALSE(qemu_thread_is_self(&home.thread));
    ASSERT_PTR_EQ(qemu_get_current_aio_context(), NULL);
    iothread_destroy(io);
}

/* ---- Stopping ---- */

static void stop_is_idempotent(void)
{
    IOThread *io = start("io0");

    iothread_stop(io);
    iothread_stop(io);
    iothread_destroy(io);
}

static void stop_does_not_drain(void)
{
    IOThread *io = start("io0");

    iothread_stop(io);
    /* Still a context, to which things may be scheduled; nobody runs them. */
    ctx = iothread_get_aio_context(io);
    qemu_event_init(&done, false);
    aio_bh_schedule_oneshot(ctx, set_done, NULL);
    qemu_set_current_aio_context(ctx);
    ASSERT_INT_EQ(done.value & 1, 1);
    ASSERT_TRUE(aio_poll(ctx, true));
    qemu_event_wait(&done);
    aio_context_detach_current();
    iothread_destroy(io);
}

static void destroying_one_with_a_scheduled_bottom_half_panics(void)
{
    IOThread *io = start("io0");

    iothread_stop(io);
    aio_bh_schedule_oneshot(iothread_get_aio_context(io), set_done, NULL);
    iothread_destroy(io);
}

static void destroy_leaves_the_context_to_who_holds_it(void)
{
    IOThread *io = start("io0");

    ctx = iothread_get_aio_context(io);
    aio_context_ref(ctx);
    iothread_destroy(io);
    ASSERT_INT_EQ(aio_compute_timeout(ctx), -1);
    aio_context_unref(ctx);
}

/* ---- Properties ---- */

static void expect_refused(bool ok, Error **err, const char *message)
{
    ASSERT_FALSE(ok);
    ASSERT_STR_EQ(error_get_pretty(*err), message);
    error_free(*err);
    *err = NULL;
}

static void properties_are_checked(void)
{
    static const char bad[] = "bad thread-pool-min/thread-pool-max values";
    IOThread *io = start("io0");
    Error *err = NULL;

    expect_refused(iothread_set_thread_pool_min(io, -1, &err), &err,
                   "thread-pool-min value must be in range "
                   "[0, 9223372036854775807]");
    expect_refused(iothread_set_thread_pool_max(io, INT64_MIN, &err), &err,
                   "thread-pool-max value must be in range "
                   "[0, 9223372036854775807]");
    expect_refused(iothread_set_thread_pool_max(io, 0, &err), &err, bad);
    expect_refused(iothread_set_thread_pool_max(io, INT64_C(1) << 40, &err),
                   &err, bad);
    expect_refused(iothread_set_thread_pool_min(io, 65, &err), &err, bad);
    ASSERT_TRUE(iothread_set_thread_pool_max(io, 3, &error_abort));
    ASSERT_TRUE(iothread_set_thread_pool_min(io, 2, &error_abort));
    expect_refused(iothread_set_thread_pool_max(io, 1, &err), &err, bad);
    ctx = iothread_get_aio_context(io);
    ASSERT_INT_EQ(ctx->thread_pool_min, 2);
    ASSERT_INT_EQ(ctx->thread_pool_max, 3);
    ASSERT_FALSE(iothread_set_thread_pool_min(io, -1, NULL));
    iothread_destroy(io);
}

static uint32_t inside, most_inside, jobs_left;

static int job(void *opaque)
{
    uint32_t now = qatomic_fetch_inc(&inside) + 1;

    if (now > qatomic_read(&most_inside)) {
        qatomic_set(&most_inside, now);
    }
    test_nap(UINT_MAX);
    qatomic_dec(&inside);
    return opaque != NULL;
}

static void job_completed(void *opaque, int ret)
{
    (void)opaque;
    ASSERT_INT_EQ(ret, 0);
    if (--jobs_left == 0) {
        qemu_event_set(&done);
    }
}

static void submit_jobs(void *opaque)
{
    ThreadPool *pool = aio_get_thread_pool(qemu_get_current_aio_context());

    for (uint32_t i = jobs_left; i > 0; i--) {
        thread_pool_submit_aio(pool, job, opaque, job_completed, NULL);
    }
}

static void run_jobs(IOThread *io, uint32_t count)
{
    most_inside = 0;
    jobs_left = count;
    in_iothread(io, submit_jobs, NULL);
}

static void the_maximum_changes_while_it_runs(void)
{
    IOThread *io = start("io0");

    iothread_set_thread_pool_max(io, 4, &error_abort);
    run_jobs(io, 50);
    ASSERT_INT_GT(most_inside, 0);
    ASSERT_INT_LE(most_inside, 4);
    iothread_set_thread_pool_max(io, 1, &error_abort);
    run_jobs(io, 50);           /* may begin before the loop has the change */
    run_jobs(io, 50);
    ASSERT_INT_EQ(most_inside, 1);
    iothread_destroy(io);
}

/* ---- Several of them ---- */

static uint32_t ran;

static void count_run(void *opaque)
{
    (void)opaque;
    qatomic_inc(&ran);
}

static void flood(int index, void *opaque)
{
    IOThread **ios = opaque;
    AioContext *c = iothread_get_aio_context(ios[index % 2]);

    for (int i = test_rounds(10000); i > 0; i--) {
        aio_bh_schedule_oneshot(c, count_run, NULL);
    }
}

static void no_bottom_half_of_a_flood_is_lost(void)
{
    IOThread *ios[2] = { start("a"), start("b") };

    ran = 0;
    test_in_threads(4, flood, ios);
    in_iothread(ios[0], set_done, NULL);
    in_iothread(ios[1], set_done, NULL);
    /* Last in, first out within a batch: one more, and all have run. */
    in_iothread(ios[0], set_done, NULL);
    in_iothread(ios[1], set_done, NULL);
    ASSERT_INT_EQ(ran, 4 * test_rounds(10000));
    iothread_destroy(ios[0]);
    iothread_destroy(ios[1]);
}

typedef struct Ball {
    AioContext *sides[2];
    int hits, rounds;
} Ball;

static void hit(void *opaque)
{
    Ball *ball = opaque;

    ASSERT_PTR_EQ(qemu_get_current_aio_context(), ball->sides[ball->hits % 2]);
    if (++ball->hits == ball->rounds) {
        qemu_event_set(&done);
    } else {
        aio_bh_schedule_oneshot(ball->sides[ball->hits % 2], hit, ball);
    }
}

static void two_of_them_wake_each_other(void)
{
    IOThread *a = start("a"), *b = start("b");
    Ball ball = { { iothread_get_aio_context(a), iothread_get_aio_context(b) },
                  0, test_rounds(5000) };

    in_iothread(a, hit, &ball);
    ASSERT_INT_EQ(ball.hits, ball.rounds);
    iothread_destroy(a);
    iothread_destroy(b);
}

static void come_and_go(int index, void *opaque)
{
    (void)opaque;
    for (int i = 0; i < test_rounds(20); i++) {
        char id[16];
        IOThread *io;

        snprintf(id, sizeof(id), "io%d-%d", index, i);
        io = start(id);
        ASSERT_PTR_EQ(iothread_by_id(id), io);
        aio_bh_schedule_oneshot(iothread_get_aio_context(io), count_run, NULL);
        iothread_destroy(io);
    }
}

static void they_come_and_go(void)
{
    ran = 0;
    test_in_threads(2, come_and_go, NULL);
    ASSERT_INT_EQ(ran, 2 * test_rounds(20));
}

TEST_PROGRAM(
    TEST(it_is_known_by_its_id),
    TEST(an_id_is_taken_once),
    TEST(its_thread_is_its_contexts_home),
    TEST(stop_is_idempotent),
    TEST(stop_does_not_drain),
    TEST(destroy_leaves_the_context_to_who_holds_it),
    TEST(properties_are_checked),
    TEST(the_maximum_changes_while_it_runs),
    TEST(no_bottom_half_of_a_flood_is_lost),
    TEST(two_of_them_wake_each_other),
    TEST(they_come_and_go),
    TEST_PANICS(destroying_one_with_a_scheduled_bottom_half_panics,
                "BH 'set_done' leaked"),
)
