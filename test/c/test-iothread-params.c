/* SPDX-License-Identifier: MIT */
/* An IOThread's properties and its GMainContext. */
#include "block/thread-pool.h"
#include "loop.h"
#include "sysemu/iothread.h"

static IOThread *iothread;
static AioContext *io_ctx;

static void setup(void)
{
    iothread = iothread_create("io", &error_abort);
    io_ctx = iothread_get_aio_context(iothread);
}

static void teardown(void)
{
    iothread_destroy(iothread);
}

/* Runs fn in the IOThread, to its end. */
typedef struct There {
    void (*fn)(void *opaque);
    void *opaque;
    uint32_t done;
} There;

static void run_there(void *opaque)
{
    There *there = opaque;

    there->fn(there->opaque);
    qatomic_mb_set(&there->done, 1);
}

static void in_iothread(void (*fn)(void *opaque), void *opaque)
{
    There there = { fn, opaque, 0 };

    aio_bh_schedule_oneshot(io_ctx, run_there, &there);
    TEST_WAIT_UNTIL(qatomic_mb_read(&there.done));
}

/* ---- Values ---- */

static void the_defaults(void)
{
    setup();
    ASSERT_INT_EQ(qatomic_read(&io_ctx->poll_max_ns), 32768);
    ASSERT_INT_EQ(qatomic_read(&io_ctx->poll_grow), 0);
    ASSERT_INT_EQ(qatomic_read(&io_ctx->poll_shrink), 0);
    ASSERT_INT_EQ(qatomic_read(&io_ctx->aio_max_batch), 0);
    ASSERT_INT_EQ(qatomic_read(&io_ctx->thread_pool_min), 0);
    ASSERT_INT_EQ(qatomic_read(&io_ctx->thread_pool_max), 64);
    teardown();
}

static void they_change_while_it_runs(void)
{
    setup();
    ASSERT_TRUE(iothread_set_poll_max_ns(iothread, 1000, &error_abort));
    ASSERT_TRUE(iothread_set_poll_grow(iothread, 3, &error_abort));
    ASSERT_TRUE(iothread_set_poll_shrink(iothread, 4, &error_abort));
    ASSERT_TRUE(iothread_set_aio_max_batch(iothread, 5, &error_abort));
    ASSERT_TRUE(iothread_set_thread_pool_max(iothread, 7, &error_abort));
    ASSERT_TRUE(iothread_set_thread_pool_min(iothread, 6, &error_abort));
    ASSERT_INT_EQ(qatomic_read(&io_ctx->poll_max_ns), 1000);
    ASSERT_INT_EQ(qatomic_read(&io_ctx->poll_grow), 3);
    ASSERT_INT_EQ(qatomic_read(&io_ctx->poll_shrink), 4);
    ASSERT_INT_EQ(qatomic_read(&io_ctx->aio_max_batch), 5);
    ASSERT_INT_EQ(qatomic_read(&io_ctx->thread_pool_max), 7);
    ASSERT_INT_EQ(qatomic_read(&io_ctx->thread_pool_min), 6);
    teardown();
}

/* Runs in the IOThread, because its loop changes poll_ns, too. */
static void changes_poll_grow(void *opaque)
{
    (void)opaque;
    qatomic_set(&io_ctx->poll_ns, 8000);
    iothread_set_poll_grow(iothread, 3, &error_abort);
    ASSERT_INT_EQ(qatomic_read(&io_ctx->poll_ns), 0);
}

static void a_change_begins_polling_anew(void)
{
    setup();
    in_iothread(changes_poll_grow, NULL);
    teardown();
}

static void the_ends_of_the_range_are_fine(void)
{
    setup();
    ASSERT_TRUE(iothread_set_poll_max_ns(iothread, INT64_MAX, &error_abort));
    ASSERT_TRUE(iothread_set_poll_max_ns(iothread, 0, &error_abort));
    ASSERT_TRUE(iothread_set_poll_grow(iothread, INT64_MAX, &error_abort));
    ASSERT_TRUE(iothread_set_poll_shrink(iothread, INT64_MAX, &error_abort));
    ASSERT_TRUE(iothread_set_aio_max_batch(iothread, INT64_MAX, &error_abort));
    ASSERT_TRUE(iothread_set_thread_pool_max(iothread, INT_MAX, &error_abort));
    teardown();
}

typedef bool Setter(IOThread *iothread, int64_t value, Error **errp);

static void negative_values_are_refused_by_name(void)
{
    static const struct {
        const char *name;
        Setter *set;
    } all[] = {
        { "poll-max-ns", iothread_set_poll_max_ns },
        { "poll-grow", iothread_set_poll_grow },
        { "poll-shrink", iothread_set_poll_shrink },
        { "aio-max-batch", iothread_set_aio_max_batch },
        { "thread-pool-min", iothread_set_thread_pool_min },
        { "thread-pool-max", iothread_set_thread_pool_max },
    };

    setup();
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        Error *err = NULL;
        char expected[128];
        snprintf(expected, sizeof(expected),
                 "%s value must be in range [0, 9223372036854775807]",
                 all[i].name);
        ASSERT_FALSE(all[i].set(iothread, -1, &err));
        ASSERT_STR_EQ(error_get_pretty(err), expected);
        error_free(err);
        ASSERT_FALSE(all[i].set(iothread, INT64_MIN, NULL));
    }
    ASSERT_INT_EQ(qatomic_read(&io_ctx->poll_max_ns), 32768);
    teardown();
}

static void expect_bad_pool_values(Setter *set, int64_t value)
{
    Error *err = NULL;

    ASSERT_FALSE(set(iothread, value, &err));
    ASSERT_STR_EQ(error_get_pretty(err),
                  "bad thread-pool-min/thread-pool-max values");
    error_free(err);
}

static void so_are_pool_sizes_that_do_not_fit(void)
{
    setup();
    expect_bad_pool_values(iothread_set_thread_pool_min, 65);
    expect_bad_pool_values(iothread_set_thread_pool_max, 0);
    expect_bad_pool_values(iothread_set_thread_pool_max, INT64_C(1) << 31);
    iothread_set_thread_pool_min(iothread, 3, &error_abort);
    expect_bad_pool_values(iothread_set_thread_pool_max, 2);
    ASSERT_INT_EQ(qatomic_read(&io_ctx->thread_pool_min), 3);
    ASSERT_INT_EQ(qatomic_read(&io_ctx->thread_pool_max), 64);
    teardown();
}

static uint32_t at_work, may_end;

static int work(void *opaque)
{
    (void)opaque;
    qatomic_inc(&at_work);
    TEST_WAIT_UNTIL(qatomic_mb_read(&may_end));
    return 0;
}

static uint32_t completed;

static void complete(void *opaque, int ret)
{
    (void)opaque;
    ASSERT_INT_EQ(ret, 0);
    qatomic_inc(&completed);
}

static void submit(void *opaque)
{
    for (int i = 0; i < *(int *)opaque; i++) {
        thread_pool_submit_aio(aio_get_thread_pool(io_ctx), work, NULL,
                               complete, NULL);
    }
}

/* One thread at first; as soon as the limit is 4, four of the requests run. */
static void a_pool_at_work_takes_new_limits(void)
{
    int count = 4;

    setup();
    iothread_set_thread_pool_max(iothread, 1, &error_abort);
    in_iothread(submit, &count);
    TEST_WAIT_UNTIL(qatomic_mb_read(&at_work) == 1);
    iothread_set_thread_pool_max(iothread, 4, &error_abort);
    in_iothread(submit, &count);
    TEST_WAIT_UNTIL(qatomic_mb_read(&at_work) == 4);
    qatomic_mb_set(&may_end, 1);
    TEST_WAIT_UNTIL(qatomic_mb_read(&completed) == 8);
    teardown();
}

/* ---- The GMainContext ---- */

static void note_journal(void *opaque)
{
    journal_cb(opaque);
}

static void its_thread_drives_it_once_it_was_asked_for(void)
{
    GMainContext *context;

    setup();
    in_iothread(note_journal, "a");
    context = iothread_get_g_main_context(iothread);
    ASSERT_PTR_NE(context, NULL);
    ASSERT_PTR_EQ(iothread_get_g_main_context(iothread), context);
    for (int i = 0; i < 50; i++) {
        in_iothread(note_journal, "b");
    }
    ASSERT_INT_EQ(strlen(journal), 51);
    teardown();
}

static uint32_t source_runs;

static gboolean source_prepare(GSource *source, gint *timeout)
{
    (void)source;
    *timeout = -1;
    return qatomic_read(&source_runs) < 5;
}

static gboolean source_dispatch(GSource *source, GSourceFunc callback,
                                gpointer user_data)
{
    (void)source;
    (void)callback;
    (void)user_data;
    ASSERT_PTR_EQ(qemu_get_current_aio_context(), io_ctx);
    qatomic_inc(&source_runs);
    return true;
}

static void other_sources_run_in_its_thread(void)
{
    static GSourceFuncs funcs = { .prepare = source_prepare,
                                  .dispatch = source_dispatch };
    GSource *source;

    setup();
    source = g_source_new(&funcs, sizeof(GSource));
    g_source_attach(source, iothread_get_g_main_context(iothread));
    TEST_WAIT_UNTIL(qatomic_mb_read(&source_runs) == 5);
    g_source_destroy(source);
    g_source_unref(source);
    teardown();
}

static void expect_thread_default(void *opaque)
{
    ASSERT_PTR_EQ(g_main_context_get_thread_default(), opaque);
}

static void it_is_the_thread_s_default(void)
{
    GMainContext *context;

    setup();
    context = iothread_get_g_main_context(iothread);
    in_iothread(note_journal, "a");        /* at the latest now it drives it */
    in_iothread(expect_thread_default, context);
    ASSERT_PTR_EQ(g_main_context_get_thread_default(), NULL);
    teardown();
}

static bool never_polled(void *opaque)
{
    *(bool *)opaque = true;
    return false;
}

static void there_is_no_polling_in_user_space_from_then_on(void)
{
    static bool polled;
    EventNotifier e;

    setup();
    iothread_set_poll_max_ns(iothread, SCALE_MS, &error_abort);
    iothread_get_g_main_context(iothread);
    ASSERT_INT_EQ(event_notifier_init(&e, 0), 0);
    in_iothread(note_journal, "a");
    aio_set_fd_handler(io_ctx, event_notifier_get_fd(&e), false, NULL, NULL,
                       never_polled, &polled);
    for (int i = 0; i < 10; i++) {
        in_iothread(note_journal, "b");
    }
    ASSERT_FALSE(polled);
    aio_set_fd_handler(io_ctx, event_notifier_get_fd(&e), false, NULL, NULL,
                       NULL, NULL);
    event_notifier_cleanup(&e);
    teardown();
}

static void it_stops_whichever_it_drives(void)
{
    for (int i = 0; i < test_rounds(20); i++) {
        setup();
        if (i % 2) {
            iothread_get_g_main_context(iothread);
        }
        if (i % 4 >= 2) {
            in_iothread(note_journal, "a");
        }
        iothread_stop(iothread);
        iothread_stop(iothread);
        teardown();
    }
}

TEST_PROGRAM(
    TEST(the_defaults),
    TEST(they_change_while_it_runs),
    TEST(a_change_begins_polling_anew),
    TEST(the_ends_of_the_range_are_fine),
    TEST(negative_values_are_refused_by_name),
    TEST(so_are_pool_sizes_that_do_not_fit),
    TEST(a_pool_at_work_takes_new_limits),
    TEST(its_thread_drives_it_once_it_was_asked_for),
    TEST(other_sources_run_in_its_thread),
    TEST(it_is_the_thread_s_default),
    TEST(there_is_no_polling_in_user_space_from_then_on),
    TEST(it_stops_whichever_it_drives),
)
