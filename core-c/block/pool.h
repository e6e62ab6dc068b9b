/* SPDX-License-Identifier: MIT */
#ifndef BLOCK_POOL_H
#define BLOCK_POOL_H
/*
 * Requests and the thread pool, for callers that can handle a failure. These are
 * the same as the functions without "try", but return NULL if there is no memory;
 * nothing has changed then, and no call-back follows.
 */
#include "block/thread-pool.h"

void *aio_try_get(const AIOCBInfo *aiocb_info, BlockCompletionFunc *cb,
                  void *opaque);
/* Returns the context's pool, which the first call makes. Home thread only. */
ThreadPool *thread_pool_try_get(AioContext *ctx);
BlockAIOCB *thread_pool_try_submit(ThreadPool *pool, ThreadPoolFunc *func,
                                   void *arg, BlockCompletionFunc *cb,
                                   void *opaque);

#endif
