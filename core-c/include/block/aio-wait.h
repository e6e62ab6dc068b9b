/* SPDX-License-Identifier: MIT */
#ifndef QEMU_AIO_WAIT_H
#define QEMU_AIO_WAIT_H
/* Waiting for a condition that the work of a context makes true; in QEMU
 * util/aio-wait.c. */
#include "qemu/main-loop.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Counts the threads inside AIO_WAIT_WHILE(). */
typedef struct AioWait {
    unsigned num_waiters;
} AioWait;
extern AioWait global_aio_wait;

/* Makes a thread that waits in AIO_WAIT_WHILE() look at its condition again. Call it
 * after every change that may make such a condition false. Any thread. */
void aio_wait_kick(void);
/* Runs cb(opaque) in ctx's home thread and polls the main context until it has run.
 * The caller holds a reference to ctx until then. Main thread only. */
void aio_wait_bh_oneshot(AioContext *ctx, QEMUBHFunc *cb, void *opaque);
/* Returns true in ctx's home thread. Any thread. */
bool in_aio_context_home_thread(AioContext *ctx);
/* Panics with the name of AIO_WAIT_WHILE() outside the main thread. */
void aio_wait_assert_main_thread(void);

#if AIO_API_VERSION < 900
#define AIO_WAIT_POLL_MAIN_(ctx)                                             \
    do {                                                                     \
        if (ctx) {                                                           \
            aio_context_release(ctx);                                        \
        }                                                                    \
        aio_poll(qemu_get_aio_context(), true);                              \
        if (ctx) {                                                           \
            aio_context_acquire(ctx);                                        \
        }                                                                    \
    } while (0)
#else
#define AIO_WAIT_POLL_MAIN_(ctx) aio_poll(qemu_get_aio_context(), true)
#endif

/*
 * Polls until cond is false, and returns true if it had to. ctx's home thread polls ctx.
 * The main thread polls the main context; before QEMU 9.0 it releases ctx (if not NULL)
 * during each poll, once, and acquires it again. A thread that changes cond calls
 * aio_wait_kick() afterwards. Panics in other threads. The caller holds a reference to ctx.
 */
#define AIO_WAIT_WHILE(ctx, cond)                                            \
    ({                                                                       \
        bool waited_ = false;                                                \
        AioContext *ctx_ = (ctx);                                            \
        /* Pairs with aio_wait_kick: it sees us waiting, or we see cond. */  \
        qatomic_inc(&global_aio_wait.num_waiters);                           \
        if (ctx_ && in_aio_context_home_thread(ctx_)) {                      \
            while ((cond)) {                                                 \
                aio_poll(ctx_, true);                                        \
                waited_ = true;                                              \
            }                                                                \
        } else {                                                             \
            aio_wait_assert_main_thread();                                   \
            while ((cond)) {                                                 \
                AIO_WAIT_POLL_MAIN_(ctx_);                                   \
                waited_ = true;                                              \
            }                                                                \
        }                                                                    \
        qatomic_dec(&global_aio_wait.num_waiters);                           \
        waited_;                                                             \
    })

#ifdef __cplusplus
}
#endif

#endif
