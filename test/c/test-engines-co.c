/* SPDX-License-Identifier: MIT */
/* Coroutines that wait for requests. */
#include "block/raw-aio.h"
#include "loop.h"
#include "qemu/coroutine.h"

enum { COUNT = 40 };

static const AioEngine engines[] = { AIO_ENGINE_THREADS, AIO_ENGINE_NATIVE,
                                     AIO_ENGINE_IO_URING, AIO_ENGINE_SYNC };
static int fd;
static AioEngine engine;
static int begun, done;

static int transfer(int type, char *bytes, int64_t offset)
{
    struct iovec iov = { bytes, 16 };
    RawAioOp op = { .engine = engine, .type = type, .fd = fd, .iov = &iov,
                    .niov = 1, .offset = offset };

    return raw_co_submit(ctx, &op);
}

/* Writes a block of its own and reads it again. */
static void coroutine_fn write_and_read(void *opaque)
{
    int n = (int)(intptr_t)opaque;
    char wrote[16], bytes[16];

    begun++;
    snprintf(wrote, sizeof(wrote), "block %d", n);
    ASSERT_INT_EQ(transfer(QEMU_AIO_WRITE, wrote, 16 * n), 0);
    ASSERT_INT_EQ(transfer(QEMU_AIO_READ, bytes, 16 * n), 0);
    ASSERT_STR_EQ(bytes, wrote);
    done++;
}

static void coroutines_wait_side_by_side(void)
{
    fd = test_file();
    loop_setup();
    for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
        engine = engines[i];
        if (!raw_aio_setup(ctx, engine, NULL)) {
            continue;
        }
        begun = done = 0;
        for (int n = 0; n < COUNT; n++) {
            qemu_coroutine_enter(qemu_coroutine_create(
                write_and_read, (void *)(intptr_t)n));
        }
        ASSERT_INT_EQ(begun, COUNT);
        ASSERT_INT_EQ(done, 0);
        while (done < COUNT) {
            aio_poll(ctx, true);
        }
    }
    loop_teardown();
}

TEST_PROGRAM(
    TEST(coroutines_wait_side_by_side),
)
