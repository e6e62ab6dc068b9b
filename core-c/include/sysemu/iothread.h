/* SPDX-License-Identifier: MIT */
#ifndef SYSEMU_IOTHREAD_H
#define SYSEMU_IOTHREAD_H
/* A thread that runs one AioContext: iothread.c. */
#include "block/aio.h"

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

/* Properties; changeable while it runs. Values from 0 to INT64_MAX. */
bool iothread_set_thread_pool_min(IOThread *iothread, int64_t value,
                                  Error **errp);
bool iothread_set_thread_pool_max(IOThread *iothread, int64_t value,
                                  Error **errp);

#endif
