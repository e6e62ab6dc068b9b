/* SPDX-License-Identifier: MIT */
/* A thread-pool program: requests, their completions, cancelling them. */
#include "qemu/osdep.h"
#include "block/aio.h"
#include "block/block.h"
#include "block/thread-pool.h"
#include "qapi/error.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"

static AioContext *ctx;
static ThreadPool *pool;
static int active;

typedef struct {
    BlockAIOCB *aiocb;
    int n;
    int ret;
} WorkerTestData;

static int worker_cb(void *opaque)
{
    WorkerTestData *data = opaque;

    return qatomic_fetch_inc(&data->n);
}

static int long_cb(void *opaque)
{
    WorkerTestData *data = opaque;

    if (qatomic_cmpxchg(&data->n, 0, 1) == 0) {
        struct timespec pause = { .tv_nsec = 1000 * 1000 };
        nanosleep(&pause, NULL);
        qatomic_or(&data->n, 2);
    }
    return 0;
}

static void done_cb(void *opaque, int ret)
{
    WorkerTestData *data = opaque;

    data->ret = ret;
    data->aiocb = NULL;
    active--;
}

static void submit(void)
{
    WorkerTestData data = { .n = 0 };

    thread_pool_submit(pool, worker_cb, &data);
    while (qatomic_read(&data.n) == 0) {
        aio_poll(ctx, false);
    }
    printf("submit %d\n", data.n);
}

static void submit_aio(void)
{
    WorkerTestData data = { .n = 0, .ret = -EINPROGRESS };

    data.aiocb = thread_pool_submit_aio(pool, worker_cb, &data, done_cb, &data);
    active = 1;
    printf("before %d\n", data.ret == -EINPROGRESS);
    while (data.ret == -EINPROGRESS) {
        aio_poll(ctx, true);
    }
    printf("after %d %d %d\n", active, data.n, data.ret);
}

static void submit_many(void)
{
    static WorkerTestData data[100];
    int good = 0;

    for (int i = 0; i < 100; i++) {
        data[i].n = 0;
        data[i].ret = -EINPROGRESS;
        thread_pool_submit_aio(pool, worker_cb, &data[i], done_cb, &data[i]);
    }
    active = 100;
    while (active > 0) {
        aio_poll(ctx, true);
    }
    for (int i = 0; i < 100; i++) {
        good += data[i].n == 1 && data[i].ret == 0;
    }
    printf("many %d\n", good);
}

static void cancel(bool sync)
{
    static WorkerTestData data[100];
    int cancelled = 0, run = 0, other = 0;

    memset(data, 0, sizeof(data));
    for (int i = 0; i < 100; i++) {
        data[i].ret = -EINPROGRESS;
        data[i].aiocb = thread_pool_submit_aio(pool, long_cb, &data[i],
                                               done_cb, &data[i]);
    }
    active = 100;
    aio_notify(ctx);
    aio_poll(ctx, false);
    for (int i = 0; i < 100; i++) {
        if (data[i].aiocb && qatomic_cmpxchg(&data[i].n, 0, 4) == 0) {
            if (sync) {
                bdrv_aio_cancel(data[i].aiocb);
            } else {
                bdrv_aio_cancel_async(data[i].aiocb);
            }
        }
    }
    while (active > 0) {
        aio_poll(ctx, true);
    }
    for (int i = 0; i < 100; i++) {
        cancelled += data[i].ret == -ECANCELED && data[i].n == 4;
        run += data[i].ret == 0;
        other += data[i].ret != 0 && data[i].ret != -ECANCELED;
    }
    printf("cancel %d: all %d, some %d, other %d\n", sync, cancelled + run,
           cancelled > 0, other);
}

int main(void)
{
    qemu_init_main_loop(&error_abort);
    ctx = qemu_get_current_aio_context();
    pool = aio_get_thread_pool(ctx);
    printf("one pool %d\n", pool == aio_get_thread_pool(ctx));
    submit();
    submit_aio();
    submit_many();
    cancel(false);
    cancel(true);
    return 0;
}
