/* SPDX-License-Identifier: MIT */
#ifndef TEST_CONTEXTS_H
#define TEST_CONTEXTS_H
/* IOThreads with a context each, and coroutines that run in them. */
#include "block/aio.h"
#include "qapi/error.h"
#include "qemu/coroutine.h"
#include "sysemu/iothread.h"
#include "threads.h"

enum { MAX_CONTEXTS = 5 };

static IOThread *iothreads[MAX_CONTEXTS];
static AioContext *contexts[MAX_CONTEXTS];
static int context_count;
static uint32_t running;        /* coroutines that have not ended */

static inline void contexts_start(int count)
{
    char id[16];

    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof(id), "thread-%d", i);
        iothreads[i] = iothread_create(id, &error_abort);
        contexts[i] = iothread_get_aio_context(iothreads[i]);
    }
    context_count = count;
}

static inline void contexts_stop(void)
{
    for (int i = 0; i < context_count; i++) {
        iothread_destroy(iothreads[i]);
    }
    context_count = 0;
}

/* Its entry ends with run_done(). */
static inline void run_in(int context, CoroutineEntry *entry, void *opaque)
{
    qatomic_inc(&running);
    aio_co_schedule(contexts[context], (qemu_coroutine_create)(entry, opaque));
}

static inline void run_done(void)
{
    qatomic_dec(&running);
}

static inline void run_wait(void)
{
    TEST_WAIT_UNTIL(qatomic_mb_read(&running) == 0);
}

/* A coroutine that has run up to its first yield. */
static inline Coroutine *start(CoroutineEntry *entry, void *opaque)
{
    Coroutine *co = (qemu_coroutine_create)(entry, opaque);

    qemu_coroutine_enter(co);
    return co;
}

/* Lets the others of this thread run. */
static inline void coroutine_fn take_turns(void)
{
    aio_co_schedule(qemu_get_current_aio_context(), qemu_coroutine_self());
    qemu_coroutine_yield();
}

/* ---- A worker of many, which does what chance says ---- */

typedef struct Worker {
    int number;
    uint64_t seed;
} Worker;

static Worker workers[32];

/* count of them run entry(worker), spread over the contexts, to their ends. */
static inline void run_workers(int count, CoroutineEntry *entry, uint64_t seed)
{
    for (int i = 0; i < count; i++) {
        workers[i].number = i;
        workers[i].seed = test_random(&seed);
        run_in(i % context_count, entry, &workers[i]);
    }
    run_wait();
}

/* 0 … below - 1. */
static inline int chance(Worker *worker, int below)
{
    return (int)(test_random(&worker->seed) % (uint64_t)below);
}

#endif
