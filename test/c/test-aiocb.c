/* SPDX-License-Identifier: MIT */
/* Requests: getting, counting, cancelling. */
#include "block/block.h"
#include "loop.h"

static int called, result;

static void completed(void *opaque, int ret)
{
    ASSERT_PTR_EQ(opaque, &result);
    called++;
    result = ret;
}

typedef struct Request {
    BlockAIOCB common;
    int steps;                  /* bottom halves until it completes */
    int outcome;
} Request;

static void step(void *opaque)
{
    Request *request = opaque;

    if (--request->steps > 0) {
        aio_bh_schedule_oneshot(ctx, step, request);
        return;
    }
    request->common.cb(request->common.opaque, request->outcome);
    qemu_aio_unref(request);
}

static void cancel_request(BlockAIOCB *acb)
{
    Request *request = container_of(acb, Request, common);

    request->outcome = -ECANCELED;
    request->steps = 2;
}

static AioContext *request_context(BlockAIOCB *acb)
{
    (void)acb;
    return ctx;
}

static const AIOCBInfo info = {
    .aiocb_size = sizeof(Request),
    .cancel_async = cancel_request,
    .get_aio_context = request_context,
};
static const AIOCBInfo uncancellable = {
    .aiocb_size = sizeof(Request),
    .get_aio_context = request_context,
};
static const AIOCBInfo contextless = {
    .aiocb_size = sizeof(Request),
    .cancel_async = cancel_request,
};

static Request *start(const AIOCBInfo *aiocb_info, int steps)
{
    Request *request = qemu_aio_get(aiocb_info, NULL, completed, &result);

    called = 0;
    result = 1;
    request->steps = steps;
    request->outcome = 0;
    aio_bh_schedule_oneshot(ctx, step, request);
    return request;
}

static void get_fills_in_the_head(void)
{
    BlockDriverState *bs = (BlockDriverState *)&called;
    Request *request = qemu_aio_get(&info, bs, completed, &result);

    ASSERT_PTR_EQ(request->common.aiocb_info, &info);
    ASSERT_PTR_EQ(request->common.bs, bs);
    ASSERT_TRUE(request->common.cb == completed);
    ASSERT_PTR_EQ(request->common.opaque, &result);
    ASSERT_INT_EQ(request->common.refcnt, 1);
    qemu_aio_unref(request);
}

/* Under AddressSanitizer too many and too few of them are seen. */
static void the_last_unref_frees(void)
{
    Request *request = qemu_aio_get(&info, NULL, completed, &result);

    qemu_aio_ref(request);
    qemu_aio_ref(request);
    ASSERT_INT_EQ(request->common.refcnt, 3);
    qemu_aio_unref(request);
    qemu_aio_unref(request);
    ASSERT_INT_EQ(request->common.refcnt, 1);
    request->steps = 7;
    qemu_aio_unref(request);
}

static void unref_of_a_free_one_panics(void)
{
    Request request = { .common = { .aiocb_info = &info, .refcnt = 0 } };

    qemu_aio_unref(&request);
}

static void cancel_async_returns_before_the_callback(void)
{
    Request *request;

    loop_setup();
    request = start(&info, 100);
    bdrv_aio_cancel_async(&request->common);
    ASSERT_INT_EQ(called, 0);
    while (!called) {
        aio_poll(ctx, true);
    }
    ASSERT_INT_EQ(called, 1);
    ASSERT_INT_EQ(result, -ECANCELED);
    loop_teardown();
    ASSERT_INT_EQ(called, 1);
}

static void cancel_returns_after_the_callback(void)
{
    Request *request;

    loop_setup();
    request = start(&info, 100);
    bdrv_aio_cancel(&request->common);
    ASSERT_INT_EQ(called, 1);
    ASSERT_INT_EQ(result, -ECANCELED);
    loop_teardown();
    ASSERT_INT_EQ(called, 1);
}

static void what_cannot_be_cancelled_ends_as_it_would(void)
{
    Request *request;

    loop_setup();
    request = start(&uncancellable, 3);
    bdrv_aio_cancel_async(&request->common);
    ASSERT_INT_EQ(request->steps, 3);
    bdrv_aio_cancel(&request->common);
    ASSERT_INT_EQ(called, 1);
    ASSERT_INT_EQ(result, 0);
    loop_teardown();
}

static void cancelling_without_a_context_panics(void)
{
    loop_setup();
    bdrv_aio_cancel(&start(&contextless, 1)->common);
}

TEST_PROGRAM(
    TEST(get_fills_in_the_head),
    TEST(the_last_unref_frees),
    TEST(cancel_async_returns_before_the_callback),
    TEST(cancel_returns_after_the_callback),
    TEST(what_cannot_be_cancelled_ends_as_it_would),
    TEST_PANICS(unref_of_a_free_one_panics, "freed already"),
    TEST_PANICS(cancelling_without_a_context_panics, "no get_aio_context"),
)
