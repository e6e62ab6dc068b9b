/* SPDX-License-Identifier: MIT */
#ifndef QEMU_AIO_WAIT_H
#define QEMU_AIO_WAIT_H
/* Waiting for a condition that a context's work makes true: util/aio-wait.c */
#include "qemu/main-loop.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct AioWait {
    unsigned num_waiters;
} AioWait;
extern AioWait global_aio_wait;

/* Wakes those that wait in AIO_WAIT_WHILE, to look at their condition. Any. */
void aio_wait_kick(void);
/* Runs cb in ctx's home thread and waits for it. Main thread. */
void aio_wait_bh_oneshot(AioContext *ctx, QEMUBHFunc *cb, void *opaque);
/* True in ctx's home thread. */
bool in_aio_context_home_thread(AioContext *ctx);
/* Panics, naming the macro, outside the main thread. */
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
 * While cond is true: in ctx's home thread polls ctx; in the main thread
 * releases ctx once (if not NULL; before 9.0), polls the main context, acquires it. Whoever
 * changes cond elsewhere calls aio_wait_kick. True if it waited.
 */
#define AIO_WAIT_WHILE(ctx, cond)                                            \
    ({                                                                       \
        bool waited_ = false;                                                \
        AioContext *ctx_ = (ctx);                                            \
        /* Pairs with aio_wait_kick: it sees the waiter, or we its cond. */  \
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
