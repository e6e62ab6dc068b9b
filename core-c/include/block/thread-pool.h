/* SPDX-License-Identifier: MIT */
#ifndef QEMU_THREAD_POOL_H
#define QEMU_THREAD_POOL_H
/*
 * The thread pool runs blocking work outside the loop; in QEMU
 * util/thread-pool.c. A pool belongs to one context: its requests are submitted
 * in the context's home thread, and their call-backs run there, in the order in
 * which the work was finished.
 */
#include "block/aio.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The work of a request. Runs in a pool thread; returns the request's result. */
typedef int ThreadPoolFunc(void *opaque);

/* Makes a pool for ctx, whose limits on threads it takes over. Threads are
 * started as requests come. Panics if there is no memory. The caller frees the
 * pool before the context goes. ctx's home thread only. */
ThreadPoolAio *thread_pool_new_aio(AioContext *ctx);
/* Frees a pool (or NULL) after its threads have ended, which it waits for. Panics
 * if a request is outstanding. Home thread only. */
void thread_pool_free_aio(ThreadPoolAio *pool);
#if AIO_API_VERSION < 1000
/* The name of thread_pool_new_aio() before QEMU 10.0. Home thread only. */
ThreadPool *thread_pool_new(AioContext *ctx);
/* The name of thread_pool_free_aio() before QEMU 10.0. Home thread only. */
void thread_pool_free(ThreadPool *pool);
#endif
/* Returns the pool of the calling thread's context. Panics if the thread is no
 * context's home, or there is no memory. */
ThreadPoolAio *aio_get_current_thread_pool(void);
/*
 * Runs func(arg) in a pool thread, then cb(opaque, result) in the home thread; cb
 * may be NULL. bdrv_aio_cancel() ends a request that no thread has begun with
 * -ECANCELED. Panics if there is no memory. The pool must live until the
 * call-back has run. Home thread only.
 */
BlockAIOCB *thread_pool_submit_aio(ThreadPoolAio *pool, ThreadPoolFunc *func,
                                   void *arg, BlockCompletionFunc *cb,
                                   void *opaque);
/* Runs func(arg) in a pool thread, waits for it and returns its result. In a
 * coroutine in the home thread only. */
int coroutine_fn thread_pool_submit_co(ThreadPoolAio *pool,
                                       ThreadPoolFunc *func, void *arg);
#if AIO_API_VERSION < 1000
/* Runs func(arg) in a pool thread; nobody is told of its end. Home thread
 * only. */
void thread_pool_submit(ThreadPool *pool, ThreadPoolFunc *func, void *arg);
#endif
/* Takes over ctx's limits on threads (aio_context_set_thread_pool_params). Home
 * thread only. */
void thread_pool_update_params(ThreadPoolAio *pool, AioContext *ctx);

/* Since QEMU 8.1 the functions below take no pool: they use the current
 * context's. */
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

/* thread_pool_submit_co() since QEMU 8.1. In a coroutine in the home thread
 * only. */
static inline int coroutine_fn thread_pool_submit_co_801(ThreadPoolFunc *func,
                                                         void *arg)
{
    return thread_pool_submit_co(aio_get_current_thread_pool(), func, arg);
}
#define thread_pool_submit_co thread_pool_submit_co_801
#endif
#if AIO_API_VERSION >= 801 && AIO_API_VERSION < 1000
/* thread_pool_submit() of QEMU 8.1 to 9.2. Home thread only. */
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
