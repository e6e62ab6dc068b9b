/* SPDX-License-Identifier: MIT */
/*
 * The host-I/O thread: some hosts give a file to one worker alone (OPFS, Deno).
 * That worker opens and closes files in JavaScript, and in between serves the
 * requests on them here, whichever context they come from.
 */
#include "loop/aio-context.h"
#include "runtime.h"

typedef struct HostIORequest {
    AioContext *ctx;
    int (*func)(void *);
    void *arg;
    BlockCompletionFunc *cb;
    void *opaque;
    int ret;
    QSLIST_ENTRY(HostIORequest) next;
} HostIORequest;

/* Pushed by any thread, taken as a whole by the one that serves. */
static QSLIST_HEAD(, HostIORequest) submitted;
/* What the thread sleeps on: moves on with every request and message. */
static uint32_t doorbell;

WASM_EXPORT("rt_host_io_ring")
void rt_host_io_ring(void)
{
    qatomic_inc(&doorbell);
    port_notify32(&doorbell, 1);
}

static void complete_bh(void *opaque)
{
    HostIORequest *request = opaque;

    aio_stat_add(&request->ctx->stats.jobs, 1);
    request->cb(request->opaque, request->ret);
    free(request);
}

void rt_host_io_submit(AioContext *ctx, int (*func)(void *), void *arg,
                       BlockCompletionFunc *cb, void *opaque)
{
    HostIORequest *request = malloc(sizeof(*request));

    if (!request) {
        port_panic("rt_host_io_submit: out of memory");
    }
    *request = (HostIORequest){ .ctx = ctx, .func = func, .arg = arg,
                                .cb = cb, .opaque = opaque };
    QSLIST_INSERT_HEAD_ATOMIC(&submitted, request, next);
    rt_host_io_ring();
}

/* Oldest first. */
static void serve(void)
{
    QSLIST_HEAD(, HostIORequest) taken, queue;
    HostIORequest *request;

    QSLIST_INIT(&queue);
    QSLIST_MOVE_ATOMIC(&taken, &submitted);
    while ((request = QSLIST_FIRST(&taken))) {
        QSLIST_REMOVE_HEAD(&taken, next);
        QSLIST_INSERT_HEAD(&queue, request, next);
    }
    while ((request = QSLIST_FIRST(&queue))) {
        QSLIST_REMOVE_HEAD(&queue, next);
        request->ret = request->func(request->arg);
        aio_bh_schedule_oneshot(request->ctx, complete_bh, request);
    }
}

/* Its worker: serves until a message that was posted waits to be received. */
WASM_EXPORT("rt_host_io_run")
void rt_host_io_run(uint32_t received)
{
    uint32_t *posted = &wasm_thread_self()->posted;

    for (;;) {
        /* Read before looking: whoever adds after the look moves it on. */
        uint32_t seen = qatomic_mb_read(&doorbell);

        if (qatomic_mb_read(posted) != received) {
            return;
        }
        if (qatomic_mb_read(&submitted.slh_first)) {
            serve();
        } else {
            port_futex_wait(&doorbell, seen, -1);
        }
    }
}
