/* SPDX-License-Identifier: MIT */
#ifndef BLOCK_POOL_THREADS_H
#define BLOCK_POOL_THREADS_H
/* What the files of a thread pool share: thread-pool.c, its home thread's side,
 * pool-threads.c, that of its threads, and context-pool.c, a context's own pool. */
#include "block/block.h"
#include "block/pool.h"
#include "loop/loop.h"

typedef struct Request Request;
typedef QSIMPLEQ_HEAD(, Request) RequestQueue;

typedef enum { REQUEST_QUEUED, REQUEST_TAKEN } RequestState;

struct Request {
    BlockAIOCB common;
    ThreadPool *pool;
    ThreadPoolFunc *func;
    void *arg;
    RequestState state;               /* under the lock */
    int ret;
    QSIMPLEQ_ENTRY(Request) next;     /* queued, finished or completing */
    QLIST_ENTRY(Request) all;         /* the pool's requests */
};

struct ThreadPool {
    AioContext *ctx;
    QEMUBH *completion_bh;
    QEMUBH *new_thread_bh;
    QemuMutex lock;
    QemuCond work;                    /* queued is not empty, or stopping */
    QemuCond stopped;                 /* a thread left */

    /* Under the lock. */
    RequestQueue queued;
    RequestQueue finished;
    int threads;                      /* started or being started */
    int idle;                         /* of them wait on work */
    int min_threads;
    int max_threads;
    bool waking;                      /* one that was idle is on its way */
    bool starting;                    /* so is one that is new */
    bool start_scheduled;             /* or will be when new_thread_bh runs */
    bool stopping;
    bool abandoned;                   /* its home thread was lost */

    /* The home thread's. */
    RequestQueue completing;
    QLIST_HEAD(, Request) requests;   /* that have not ended */
    int outstanding;                  /* submitted, call-back not run yet */
};

/* Under the lock: its result is set. True: the completion bottom half must be
 * scheduled. */
static inline bool thread_pool_finish(ThreadPool *pool, Request *request)
{
    bool first = QSIMPLEQ_EMPTY(&pool->finished);

    QSIMPLEQ_INSERT_TAIL(&pool->finished, request, next);
    return first;
}

/*
 * A thread that is woken before the lock is free goes back to sleep at once, on the
 * lock, which costs a job four more system calls. The pool is still there when the lock
 * is free: the caller is its home thread, or a thread whose end thread_pool_free waits
 * for.
 */
static inline void thread_pool_unlock(ThreadPool *pool, bool wake)
{
    qemu_mutex_unlock(&pool->lock);
    if (wake) {
        qemu_cond_signal(&pool->work);
    }
}

/* Under the lock: something is queued; sees to it that a thread comes. True: one
 * that is idle, which the caller wakes when it has released the lock
 * (thread_pool_unlock). */
bool thread_pool_summon(ThreadPool *pool);
/* Under the lock: one more, unless one is being started. */
void thread_pool_start_thread(ThreadPool *pool);
/* As thread_pool_new_aio. NULL: out of memory. */
ThreadPool *thread_pool_try_new(AioContext *ctx);
/* The home thread was lost: jobs that no thread has taken are dropped, the pool's threads
 * end, and the last one frees it. */
void thread_pool_abandon(ThreadPool *pool);
/* Called without the lock by whoever has found that an abandoned pool has no thread any
 * more: it and its requests are freed. */
void thread_pool_end_abandoned(ThreadPool *pool);
/* Frees one that no thread serves any more. */
void thread_pool_destroy(ThreadPool *pool);
/* new_thread_bh's call-back. Home. */
void thread_pool_new_thread_bh(void *opaque);

#endif
