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
ThreadPoolAio *thread_pool_new_aio(AioContext *ctx);
/* NULL is fine. Panics if a request is outstanding; waits for the threads. */
void thread_pool_free_aio(ThreadPoolAio *pool);
#if AIO_API_VERSION < 1000
/* The names of these two before QEMU 10.0. */
ThreadPool *thread_pool_new(AioContext *ctx);
void thread_pool_free(ThreadPool *pool);
#endif
/* The pool of this thread's context. Panics if the thread has none. */
ThreadPoolAio *aio_get_current_thread_pool(void);
/* cb may be NULL. Cancelling removes a request that no thread has begun. */
BlockAIOCB *thread_pool_submit_aio(ThreadPoolAio *pool, ThreadPoolFunc *func,
                                   void *arg, BlockCompletionFunc *cb,
                                   void *opaque);
/* In a coroutine of ctx's home thread: waits for the job, returns its result. */
int coroutine_fn thread_pool_submit_co(ThreadPoolAio *pool,
                                       ThreadPoolFunc *func, void *arg);
#if AIO_API_VERSION < 1000
void thread_pool_submit(ThreadPool *pool, ThreadPoolFunc *func, void *arg);
#endif
/* Takes over ctx's thread_pool_min and _max. */
void thread_pool_update_params(ThreadPoolAio *pool, AioContext *ctx);

/* Since QEMU 8.1 the pool is that of the current context. */
#if AIO_API_VERSION >= 801
static inline BlockAIOCB *thread_pool_submit_aio_801(ThreadPoolFunc *func,
                                                     void *arg,
                                                     BlockCompletionFunc *cb,
                                                     void *opaque)
{
    return thread_pool_submit_aio(aio_get_current_thread_pool(), func, arg, cb,
                                  opaque);
}
#define thread_pool_submit_aio thread_pool_submit_aio_801

static inline int coroutine_fn thread_pool_submit_co_801(ThreadPoolFunc *func,
                                                         void *arg)
{
    return thread_pool_submit_co(aio_get_current_thread_pool(), func, arg);
}
#define thread_pool_submit_co thread_pool_submit_co_801
#endif
#if AIO_API_VERSION >= 801 && AIO_API_VERSION < 1000
static inline void thread_pool_submit_801(ThreadPoolFunc *func, void *arg)
{
    thread_pool_submit(aio_get_current_thread_pool(), func, arg);
}
#define thread_pool_submit thread_pool_submit_801
#endif

#ifdef __cplusplus
}
#endif

#endif
