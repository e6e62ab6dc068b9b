/* SPDX-License-Identifier: MIT */
#ifndef QEMU_THREAD_POOL_H
#define QEMU_THREAD_POOL_H
/*
 * Blocking work off the loop: util/thread-pool.c. A pool belongs to one
 * context; requests are submitted in its home thread and their call-backs run
 * there, first finished first.
 */
#include "block/aio.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs in a pool thread; what it returns is the request's result. */
typedef int ThreadPoolFunc(void *opaque);

/* Home of ctx. Threads start as requests come: ctx's thread-pool-min and -max. */
ThreadPool *thread_pool_new(AioContext *ctx);
/* NULL is fine. Panics if a request is outstanding; waits for the threads. */
void thread_pool_free(ThreadPool *pool);
/* cb may be NULL. Cancelling removes a request that no thread has begun. */
BlockAIOCB *thread_pool_submit_aio(ThreadPool *pool, ThreadPoolFunc *func,
                                   void *arg, BlockCompletionFunc *cb,
                                   void *opaque);
/* In a coroutine of ctx's home thread: waits for the job, returns its result. */
int coroutine_fn thread_pool_submit_co(ThreadPool *pool, ThreadPoolFunc *func,
                                       void *arg);
void thread_pool_submit(ThreadPool *pool, ThreadPoolFunc *func, void *arg);
/* Takes over ctx's thread_pool_min and _max. */
void thread_pool_update_params(ThreadPool *pool, AioContext *ctx);

#ifdef __cplusplus
}
#endif

#endif
