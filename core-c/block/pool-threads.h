/* SPDX-License-Identifier: MIT */
#ifndef BLOCK_POOL_THREADS_H
#define BLOCK_POOL_THREADS_H
/* Shared by the files of a thread pool: thread-pool.c, its home thread's side;
 * pool-threads.c, its threads' side; and context-pool.c, the pool of a context. */
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
    QemuCond work;                    /* signalled when queued is not empty, or on
                                       * stopping */
    QemuCond stopped;                 /* signalled when a thread has left */

    /* Protected by the lock. */
    RequestQueue queued;
    RequestQueue finished;
    int threads;                      /* started or being started */
    int idle;                         /* those of them that wait for work */
    int min_threads;
    int max_threads;
    bool waking;                      /* an idle thread has been woken and not come yet */
    bool starting;                    /* a new thread is being started */
    bool start_scheduled;             /* new_thread_bh will start one */
    bool stopping;
    bool abandoned;                   /* its home thread was lost */

    /* Used by the home thread only. */
    RequestQueue completing;
    QLIST_HEAD(, Request) requests;   /* that have not ended */
    int outstanding;                  /* submitted, call-back not run yet */
};

/* Appends a request whose result is set to those that have finished. Returns true if the
 * completion bottom half must be scheduled. Called with the lock held. */
static inline bool thread_pool_finish(ThreadPool *pool, Request *request)
{
    bool first = QSIMPLEQ_EMPTY(&pool->finished);

    QSIMPLEQ_INSERT_TAIL(&pool->finished, request, next);
    return first;
}

/*
 * Unlocks, and then wakes a thread if wake is true. A thread that is woken before the
 * lock is free would go back to sleep on the lock, which costs a job four more system
 * calls. The pool still exists when the lock is free: the caller is its home thread, or a
 * thread whose end thread_pool_free_aio() waits for.
 */
static inline void thread_pool_unlock(ThreadPool *pool, bool wake)
{
    qemu_mutex_unlock(&pool->lock);
    if (wake) {
        qemu_cond_signal(&pool->work);
    }
}

/* Makes sure that a thread comes for what is queued. Returns true if it is an idle
 * thread, which the caller wakes when it has released the lock (thread_pool_unlock).
 * Called with the lock held. */
bool thread_pool_summon(ThreadPool *pool);
/* Starts one more thread, unless one is being started. Called with the lock held. */
void thread_pool_start_thread(ThreadPool *pool);
/* The same as thread_pool_new_aio(), but returns NULL if there is no memory. */
ThreadPool *thread_pool_try_new(AioContext *ctx);
/* Called when the home thread was lost: jobs that no thread has begun are dropped, the
 * threads end, and the last one frees the pool. */
void thread_pool_abandon(ThreadPool *pool);
/* Frees an abandoned pool that has no thread any more, with its requests. Called without
 * the lock, once, by the thread that has found this. */
void thread_pool_end_abandoned(ThreadPool *pool);
/* Frees a pool that no thread serves any more. */
void thread_pool_destroy(ThreadPool *pool);
/* The call-back of new_thread_bh. Home thread only. */
void thread_pool_new_thread_bh(void *opaque);

#endif
