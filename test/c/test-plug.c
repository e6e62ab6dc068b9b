/* SPDX-License-Identifier: MIT */
/* Requests that are held back, and what submits them before the plug is pulled. More of it: test-engines. */
#include "block/block.h"
#include "block/raw-aio.h"
#include "loop.h"

static int fd, ended;
static char bytes[16];
static struct iovec iov = { bytes, sizeof(bytes) };

static void note_end(void *opaque, int ret)
{
    (void)opaque;
    ASSERT_INT_EQ(ret, 0);
    ended++;
}

static void submit(int n)
{
    RawAioOp op = { .engine = AIO_ENGINE_NATIVE, .type = QEMU_AIO_READ, .fd = fd, .iov = &iov, .niov = 1 };

    for (int i = 0; i < n; i++) {
        ASSERT_TRUE(raw_aio_submit(ctx, &op, note_end, NULL));
    }
}

static uint64_t submissions(void)
{
    AioEngineStats stats;

    raw_aio_get_stats(ctx, AIO_ENGINE_NATIVE, &stats);
    return stats.submissions;
}

static void wait_for(int n)
{
    while (ended < n) {
        aio_poll(ctx, true);
    }
}

#define SETUP()                                                              \
    do {                                                                     \
        Error *err = NULL;                                                   \
                                                                             \
        fd = test_file();                                                    \
        loop_setup();                                                        \
        if (!raw_aio_setup(ctx, AIO_ENGINE_NATIVE, &err)) {                  \
            TEST_SKIP(error_get_pretty(err));                                \
        }                                                                    \
    } while (0)

static void an_inner_plug_has_a_limit_of_its_own(void)
{
    SETUP();
    raw_aio_plug(ctx, AIO_ENGINE_NATIVE);
    raw_aio_plug(ctx, AIO_ENGINE_NATIVE);
    submit(8);
    ASSERT_INT_EQ(submissions(), 0);
    raw_aio_unplug(ctx, AIO_ENGINE_NATIVE, 8);
    ASSERT_INT_EQ(submissions(), 1);
    submit(7);
    raw_aio_plug(ctx, AIO_ENGINE_NATIVE);
    raw_aio_unplug(ctx, AIO_ENGINE_NATIVE, 8);
    ASSERT_INT_EQ(submissions(), 1);
    raw_aio_unplug(ctx, AIO_ENGINE_NATIVE, 0);
    ASSERT_INT_EQ(submissions(), 2);
    wait_for(15);
    loop_teardown();
}

static void a_completion_submits_what_fills_a_batch_by_now(void)
{
    SETUP();
    submit(1);
    raw_aio_plug(ctx, AIO_ENGINE_NATIVE);
    submit(5);
    ASSERT_INT_EQ(submissions(), 1);
    aio_context_set_aio_params(ctx, 4, &error_abort);
    wait_for(6);
    ASSERT_INT_EQ(submissions(), 2);
    /* Fewer than a batch are held back at a completion, too. */
    submit(4);
    ASSERT_INT_EQ(submissions(), 3);
    submit(3);
    wait_for(10);
    ASSERT_INT_EQ(submissions(), 3);
    raw_aio_unplug(ctx, AIO_ENGINE_NATIVE, 0);
    ASSERT_INT_EQ(submissions(), 4);
    wait_for(13);
    loop_teardown();
}

TEST_PROGRAM(
    TEST(an_inner_plug_has_a_limit_of_its_own),
    TEST(a_completion_submits_what_fills_a_batch_by_now),
)
