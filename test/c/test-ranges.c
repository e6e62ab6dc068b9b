/* SPDX-License-Identifier: MIT */
/* Requests that have a length without data, and FUA, on files of this machine: through each engine. */
#include "block/block.h"
#include "block/raw-aio.h"
#include "loop.h"

enum { SIZE = 300000, FROM = 777, LENGTH = 150000 };

static int fd;
static uint8_t content[SIZE];
static RawAioExtent extents[2];

typedef struct Request {
    struct iovec iov;
    BlockAIOCB *acb;
    bool ended;
    int ret;
} Request;

static void request_ended(void *opaque, int ret)
{
    Request *request = opaque;

    ASSERT_FALSE(request->ended);
    request->ended = true;
    request->ret = ret;
}

static void start(Request *request, RawAioOp op, void *memory, size_t size)
{
    *request = (Request){ .iov = { memory, size } };
    op.fd = fd;
    op.iov = &request->iov;
    op.niov = 1;
    request->acb = raw_aio_submit(ctx, &op, request_ended, request);
    ASSERT_TRUE(request->acb);
    ASSERT_FALSE(request->ended);
}

static int await(Request *request)
{
    while (!request->ended) {
        aio_poll(ctx, true);
    }
    return request->ret;
}

static int range(AioEngine engine, int type, int flags, int64_t offset, int64_t bytes)
{
    Request request;

    start(&request, (RawAioOp){ .engine = engine, .type = type, .flags = flags, .offset = offset, .bytes = bytes }, extents, sizeof(extents));
    return await(&request);
}

/* Returns how many requests the engine has carried out. */
static uint64_t requests_of(AioEngine engine)
{
    AioEngineStats stats;

    raw_aio_get_stats(ctx, engine, &stats);
    return stats.requests;
}

static void fill(void)
{
    memset(content, 'x', SIZE);
    ASSERT_INT_EQ(ftruncate(fd, 0), 0);
    ASSERT_INT_EQ(pwrite(fd, content, SIZE, 0), SIZE);
}

/* Asserts that the file has zeros in a range, and beside it what it had. */
static void assert_content(int64_t from, int64_t to, int64_t size)
{
    ASSERT_INT_EQ(pread(fd, content, SIZE, 0), size);
    for (int64_t i = 0; i < size; i++) {
        ASSERT_INT_EQ(content[i], i >= from && i < to ? 0 : 'x');
    }
}

static void check(AioEngine engine)
{
    bool is_queue = engine == AIO_ENGINE_NATIVE || engine == AIO_ENGINE_IO_URING;
    uint64_t before;
    Request request;

    fill();
    before = requests_of(engine);
    ASSERT_INT_EQ(range(engine, QEMU_AIO_WRITE_ZEROES, BDRV_REQ_MAY_UNMAP, FROM, LENGTH), 0);
    assert_content(FROM, FROM + LENGTH, SIZE);
    if (is_queue) {
        ASSERT_INT_EQ(requests_of(engine) - before, 3);       /* pieces of 64 KiB */
    }
    before = requests_of(engine);
    ASSERT_INT_EQ(range(engine, QEMU_AIO_WRITE_ZEROES | RAW_AIO_COUNT, BDRV_REQ_FUA, 0, 10), 0);
    if (is_queue) {
        ASSERT_INT_EQ(requests_of(engine) - before, 2);       /* and a flush */
    }
    /* The file grows. */
    fill();
    ASSERT_INT_EQ(ftruncate(fd, 1000), 0);
    ASSERT_INT_EQ(range(engine, QEMU_AIO_WRITE_ZEROES, 0, 900, 200000), 0);
    assert_content(900, 200900, 200900);

    fill();
    before = requests_of(engine);
    start(&request, (RawAioOp){ .engine = engine, .type = QEMU_AIO_WRITE | RAW_AIO_COUNT, .flags = BDRV_REQ_FUA, .offset = 100 },
          (uint8_t[1000]){ 0 }, 1000);
    ASSERT_INT_EQ(await(&request), 1000);
    assert_content(100, 1100, SIZE);
    if (is_queue) {
        ASSERT_INT_EQ(requests_of(engine) - before, 2);
    }

    /* A hint that nothing is done about. */
    fill();
    ASSERT_INT_EQ(range(engine, QEMU_AIO_DISCARD, 0, 0, SIZE), 0);
    assert_content(0, 0, SIZE);

    ASSERT_INT_EQ(range(engine, RAW_AIO_BLOCK_STATUS, 0, 4096, INT64_MAX - 4096), 1);
    ASSERT_INT_EQ(extents[0].bytes, INT64_MAX - 4096);
    ASSERT_INT_EQ(extents[0].flags, BDRV_BLOCK_DATA);
    ASSERT_INT_EQ(range(engine, RAW_AIO_BLOCK_STATUS, 0, 4096, 0), 0);

    ASSERT_INT_EQ(range(engine, QEMU_AIO_WRITE_ZEROES, 0, 4096, 0), 0);
    ASSERT_INT_EQ(range(engine, QEMU_AIO_WRITE_ZEROES, 0, 4096, -1), -EINVAL);
    ASSERT_INT_EQ(range(engine, QEMU_AIO_WRITE_ZEROES, 0, -1, 4096), -EINVAL);
    ASSERT_INT_EQ(range(engine, QEMU_AIO_DISCARD, 0, 4096, INT64_MAX), -EINVAL);
    start(&request, (RawAioOp){ .engine = engine, .type = RAW_AIO_BLOCK_STATUS, .bytes = 10 }, extents, sizeof(extents[0]) - 1);
    ASSERT_INT_EQ(await(&request), -EINVAL);

    /* Nobody would wait for its end: 2^62 bytes. Sync does it all in the call. */
    if (engine != AIO_ENGINE_SYNC) {
        start(&request, (RawAioOp){ .engine = engine, .type = QEMU_AIO_WRITE_ZEROES, .bytes = INT64_C(1) << 62 }, extents, sizeof(extents));
        bdrv_aio_cancel_async(request.acb);
        ASSERT_INT_EQ(await(&request), -ECANCELED);
        start(&request, (RawAioOp){ .engine = engine, .type = QEMU_AIO_WRITE_ZEROES, .bytes = INT64_C(1) << 62 }, extents, sizeof(extents));
        do {
            aio_poll(ctx, false);
        } while (pread(fd, content, 1, 65536) == 1 && content[0] == 'x');
        bdrv_aio_cancel_async(request.acb);
        ASSERT_INT_EQ(await(&request), -ECANCELED);
    }
}

static void each_engine(void)
{
    static const AioEngine engines[] = { AIO_ENGINE_THREADS, AIO_ENGINE_NATIVE, AIO_ENGINE_IO_URING, AIO_ENGINE_SYNC };
    unsigned available = 0;

    fd = test_file();
    for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
        Error *err = NULL;

        loop_setup();
        if (raw_aio_setup(ctx, engines[i], &err)) {
            available++;
            check(engines[i]);
        } else {
            fprintf(stderr, "%s: %s\n", aio_engine_name(engines[i]), error_get_pretty(err));
            error_free(err);
        }
        loop_teardown();
    }
    ASSERT_INT_GE(available, 2);
    close(fd);
}

static void two_types_at_once(void)
{
    loop_setup();
    raw_aio_setup(ctx, AIO_ENGINE_SYNC, &error_abort);
    range(AIO_ENGINE_SYNC, QEMU_AIO_DISCARD | QEMU_AIO_WRITE_ZEROES, 0, 0, 10);
}

TEST_PROGRAM(
    TEST(each_engine),
    TEST_PANICS(two_types_at_once, "raw_aio_submit: unknown request type 0x30"),
)
