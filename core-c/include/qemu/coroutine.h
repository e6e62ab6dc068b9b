/* SPDX-License-Identifier: MIT */
#ifndef QEMU_COROUTINE_H
#define QEMU_COROUTINE_H
/*
 * Coroutines: functions with a stack of their own, which may stop in the middle
 * (yield) and be gone on with (enter), in another thread too. Entering is
 * asymmetric: who enters waits until the coroutine yields or its entry returns.
 *
 * "In a coroutine" below means: only a function that runs on a coroutine's stack
 * may call, and the call may yield.
 */
#include "qemu/atomic.h"
#include "qemu/osdep.h"
#include "qemu/queue.h"
#include "qemu/timer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The entry of a coroutine. */
typedef void coroutine_fn CoroutineEntry(void *opaque);

/* Where a call stands; the error messages show it. */
#define QEMU_CO_HERE __FILE__ ":" stringify(__LINE__)

/* ---- Making, entering, yielding ---- */

/*
 * Any. Not started; has no context until it is entered. Panics when there is no
 * memory for its stacks. name is kept by pointer, for the error messages.
 */
Coroutine *qemu_coroutine_create_full(CoroutineEntry *entry, void *opaque,
                                      const char *name);
Coroutine *qemu_coroutine_create(CoroutineEntry *entry, void *opaque);
#define qemu_coroutine_create(entry, opaque) \
    qemu_coroutine_create_full((entry), (opaque), (stringify(entry)))
/* The same; NULL when there is no memory. Before Linux 6.13 each stack takes two of the
 * mappings that a process may have (vm.max_map_count, 65530 by default). */
Coroutine *qemu_coroutine_try_create_full(CoroutineEntry *entry, void *opaque,
                                          const char *name);
#define qemu_coroutine_try_create(entry, opaque) \
    qemu_coroutine_try_create_full((entry), (opaque), (stringify(entry)))

/*
 * Any. Runs co here and now, in the calling thread and its current context,
 * until it yields or ends; then, before it returns, those that it woke
 * (aio_co_wake in a coroutine). Panics if co has been entered and has not yielded
 * since, if it has been scheduled elsewhere, or if it has ended.
 */
void qemu_coroutine_enter(Coroutine *co);
void qemu_coroutine_enter_at(Coroutine *co, const char *at);
#define qemu_coroutine_enter(co) qemu_coroutine_enter_at((co), QEMU_CO_HERE)
/* The same, unless co has been entered already. */
void qemu_coroutine_enter_if_inactive(Coroutine *co);
/* The same in a given context, whose home thread calls: what co starts goes there. */
void qemu_aio_coroutine_enter(AioContext *ctx, Coroutine *co);
void qemu_aio_coroutine_enter_at(AioContext *ctx, Coroutine *co,
                                 const char *at);
#define qemu_aio_coroutine_enter(ctx, co) \
    qemu_aio_coroutine_enter_at((ctx), (co), QEMU_CO_HERE)

/* In a coroutine: back to who entered it. Panics in plain code. */
void coroutine_fn qemu_coroutine_yield(void);

/* Any. In plain code one that stands for the thread and is never entered. */
Coroutine *qemu_coroutine_self(void);
/* The context it last ran in; NULL before it was first entered. */
AioContext *qemu_coroutine_get_aio_context(Coroutine *co);
bool qemu_in_coroutine(void);
/* Whether it has been entered and has not yielded since. */
bool qemu_coroutine_entered(Coroutine *co);

/* Any. Ended coroutines are kept for the next ones: this many more, or fewer. */
void qemu_coroutine_inc_pool_size(unsigned additional);
void qemu_coroutine_dec_pool_size(unsigned additional);
/*
 * Any. Bytes of the stack of coroutines that are made from now on, and, in
 * WebAssembly, of the area that their WebAssembly frames are kept in while they
 * have yielded. 0: the default (natively 1 MiB; 128 KiB and 64 KiB).
 */
void qemu_coroutine_set_stack_size(size_t stack, size_t frames);

/* ---- A mutex ---- */

/*
 * Held by a coroutine, in whichever thread it is. Who has to wait yields; the
 * mutex goes to those that wait first come, first served, and nobody gets ahead
 * of them.
 */
struct CoMutex {
    unsigned locked;                    /* the holder and all who wait */
    AioContext *ctx;                    /* the holder's */
    QSLIST_HEAD(, CoWaitRecord) from_push;  /* newest first; any thread pushes */
    QSLIST_HEAD(, CoWaitRecord) to_pop; /* oldest first; who hands over */
    unsigned handoff;                   /* not 0: somebody is to hand over */
    unsigned sequence;
    Coroutine *holder;
};

void qemu_co_mutex_init(CoMutex *mutex);
/* In a coroutine. Panics if it holds the mutex already. */
void coroutine_fn qemu_co_mutex_lock(CoMutex *mutex);
/* In the coroutine that holds it. Never yields. */
void coroutine_fn qemu_co_mutex_unlock(CoMutex *mutex);
/* In a coroutine. Panics unless it holds the mutex. */
void coroutine_fn qemu_co_mutex_assert_locked(CoMutex *mutex);

/* ---- A queue to wait in ---- */

/* Guarded by the lock that is given with each call. */
typedef struct CoQueue {
    QSIMPLEQ_HEAD(, Coroutine) entries;
} CoQueue;

void qemu_co_queue_init(CoQueue *queue);
/* In a coroutine: releases the lock, waits to be woken, takes the lock. lock is
 * a pointer to any kind of lock, or NULL. */
#define qemu_co_queue_wait(queue, lock) \
    qemu_co_queue_wait_impl((queue), QEMU_MAKE_LOCKABLE(lock))
void coroutine_fn qemu_co_queue_wait_impl(CoQueue *queue, QemuLockable *lock);
/* Wakes the one that has waited longest; false: none waits. In a coroutine it
 * runs when that yields, in plain code at once. */
bool qemu_co_queue_next(CoQueue *queue);
/* Wakes all that wait now. */
void qemu_co_queue_restart_all(CoQueue *queue);
/* Plain code: the same as next, without the lock while it runs. */
#define qemu_co_enter_next(queue, lock) \
    qemu_co_enter_next_impl((queue), QEMU_MAKE_LOCKABLE(lock))
bool qemu_co_enter_next_impl(CoQueue *queue, QemuLockable *lock);
bool qemu_co_queue_empty(CoQueue *queue);

/* ---- Many readers or one writer ---- */

/* First come, first served: a reader waits behind a writer that waits. */
typedef struct CoRwlock {
    CoMutex mutex;                      /* guards the rest */
    int owners;                         /* readers; -1: a writer */
    QSIMPLEQ_HEAD(, CoRwTicket) tickets;
} CoRwlock;

void qemu_co_rwlock_init(CoRwlock *lock);
/* All in a coroutine. */
void coroutine_fn qemu_co_rwlock_rdlock(CoRwlock *lock);
void coroutine_fn qemu_co_rwlock_wrlock(CoRwlock *lock);
/* Reader to writer, behind those that wait already, which may write before. */
void coroutine_fn qemu_co_rwlock_upgrade(CoRwlock *lock);
/* Writer to reader; readers that wait next come in too. */
void coroutine_fn qemu_co_rwlock_downgrade(CoRwlock *lock);
void coroutine_fn qemu_co_rwlock_unlock(CoRwlock *lock);

/* ---- Waiting for time, and for an fd ---- */

/* A sleep that can be ended early. One coroutine at a time sleeps there. */
typedef struct QemuCoSleep {
    Coroutine *to_wake;
} QemuCoSleep;

/* In a coroutine. Waits until qemu_co_sleep_wake. */
void coroutine_fn qemu_co_sleep(QemuCoSleep *w);
/* In a coroutine that runs in a context's home thread. ns. */
void coroutine_fn qemu_co_sleep_ns_wakeable(QemuCoSleep *w,
                                            QEMUClockType type, int64_t ns);
static inline void coroutine_fn qemu_co_sleep_ns(QEMUClockType type,
                                                 int64_t ns)
{
    QemuCoSleep w = { NULL };

    qemu_co_sleep_ns_wakeable(&w, type, ns);
}
/* Any, also while the time runs out: w has to live, the sleeper is woken once. Does
 * nothing if nobody sleeps there. */
void qemu_co_sleep_wake(QemuCoSleep *w);

/* In a coroutine that runs in a context's home thread. Takes the place of the
 * fd's handler in that context, and removes it before it returns. */
void coroutine_fn yield_until_fd_readable(int fd);

#ifdef __cplusplus
}
#endif

/* Last: it needs CoMutex. */
#include "qemu/lockable.h"

#endif
