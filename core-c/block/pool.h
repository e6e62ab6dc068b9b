/* SPDX-License-Identifier: MIT */
#ifndef BLOCK_POOL_H
#define BLOCK_POOL_H
/*
 * Requests and the thread pool for callers that can be told of a failure. As their
 * namesakes; NULL: out of memory, nothing has changed and no call-back follows.
 */
#include "block/thread-pool.h"

void *aio_try_get(const AIOCBInfo *aiocb_info, BlockCompletionFunc *cb,
                  void *opaque);
/* Home. The context's pool, made by the first call. */
ThreadPool *thread_pool_try_get(AioContext *ctx);
BlockAIOCB *thread_pool_try_submit(ThreadPool *pool, ThreadPoolFunc *func,
                                   void *arg, BlockCompletionFunc *cb,
                                   void *opaque);

#endif
