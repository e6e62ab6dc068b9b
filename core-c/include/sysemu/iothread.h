/* SPDX-License-Identifier: MIT */
#ifndef SYSEMU_IOTHREAD_H
#define SYSEMU_IOTHREAD_H
/* A thread that runs one AioContext: iothread.c. */
#include "block/aio.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Starts it and waits until it runs; id must be new. NULL and *errp if not. */
IOThread *iothread_create(const char *id, Error **errp);
/* Stops it and frees it. */
void iothread_destroy(IOThread *iothread);
/* Idempotent. Does not drain: what is still scheduled stays on the context. */
void iothread_stop(IOThread *iothread);
/* A copy, which the caller frees. */
char *iothread_get_id(IOThread *iothread);
AioContext *iothread_get_aio_context(IOThread *iothread);
/* NULL if there is none. */
IOThread *iothread_by_id(const char *id);
/* True in a thread whose context is not the main one. */
bool qemu_in_iothread(void);

/*
 * The GMainContext that the thread drives from now on, in aio_poll's place; there
 * is no polling in user space from then on.
 */
GMainContext *iothread_get_g_main_context(IOThread *iothread);

/*
 * Properties; changeable while it runs. Values from 0 to INT64_MAX, else false
 * and *errp. poll-max-ns (32768): ns of polling before a sleep at most, 0 for
 * none; poll-grow (0: 2) and poll-shrink (0: back to 0): how it adapts;
 * aio-max-batch (0: the engine's default): requests in a submission.
 */
bool iothread_set_poll_max_ns(IOThread *iothread, int64_t value, Error **errp);
bool iothread_set_poll_grow(IOThread *iothread, int64_t value, Error **errp);
bool iothread_set_poll_shrink(IOThread *iothread, int64_t value, Error **errp);
bool iothread_set_aio_max_batch(IOThread *iothread, int64_t value,
                                Error **errp);
bool iothread_set_thread_pool_min(IOThread *iothread, int64_t value,
                                  Error **errp);
bool iothread_set_thread_pool_max(IOThread *iothread, int64_t value,
                                  Error **errp);

#ifdef __cplusplus
}
#endif

#endif
