/* SPDX-License-Identifier: MIT */
/* Waiting for a condition that a context's work makes true; in QEMU
 * util/aio-wait.c. */
#include "block/aio-wait.h"
#include "loop/loop.h"
#include "loop/bh.h"
#include "port/calls.h"

AioWait global_aio_wait;

static void wake_up(void *opaque)
{
    (void)opaque;                    /* running it is enough to end
                                      * aio_poll() */
}

void aio_wait_kick(void)
{
    /* A read-modify-write orders the caller's stores before this look. */
    if (qatomic_fetch_add(&global_aio_wait.num_waiters, 0)) {
        aio_bh_schedule_oneshot(qemu_get_aio_context(), wake_up, NULL);
    }
}

bool in_aio_context_home_thread(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    return aio_is_home_thread(ctx);
}

void aio_wait_assert_main_thread(void)
{
    if (!qemu_get_aio_context() ||
        !aio_is_home_thread(qemu_get_aio_context())) {
        port_panic("AIO_WAIT_WHILE: neither the context's home thread nor the "
                   "main thread");
    }
}

typedef struct BHWait {
    uint32_t done;
    QEMUBHFunc *cb;
    void *opaque;
    QEMUBH bh;
} BHWait;

static void run_and_kick(void *opaque)
{
    BHWait *wait = opaque;

    CALL_USER(wait->cb, wait->opaque);
    qatomic_mb_set(&wait->done, 1);
    aio_wait_kick();
}

void aio_wait_bh_oneshot(AioContext *ctx, QEMUBHFunc *cb, void *opaque)
{
    AIO_CHECK_CONTEXT(ctx);
    BHWait wait = { .cb = cb, .opaque = opaque };

    aio_wait_assert_main_thread();
    bh_init(&wait.bh, ctx, run_and_kick, &wait, "aio_wait_bh_oneshot");
    qemu_bh_schedule(&wait.bh);
    AIO_WAIT_WHILE(NULL, !qatomic_mb_read(&wait.done));
}
