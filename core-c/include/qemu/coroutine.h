/* SPDX-License-Identifier: MIT */
#ifndef QEMU_COROUTINE_H
#define QEMU_COROUTINE_H
/*
 * Coroutines: functions with a stack of their own, which can be suspended (they yield)
 * and resumed (they are entered), also in another thread. Coroutines are asymmetric:
 * qemu_coroutine_enter() returns when the coroutine yields or its entry function
 * returns. Names are QEMU's (include/qemu/coroutine.h).
 *
 * "In a coroutine only" below means that the caller must be running in a coroutine;
 * unless a comment says otherwise, the call may yield.
 *
 * A coroutine is freed when its entry function returns. The caller makes sure that the
 * coroutine, mutex, queue or lock that it passes lives until the call returns.
 */
#include "qemu/atomic.h"
#include "qemu/osdep.h"
#include "qemu/queue.h"
#include "qemu/timer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The entry function of a coroutine: the coroutine ends when it returns. */
typedef void coroutine_fn CoroutineEntry(void *opaque);

/* The place of a call in the source, which the error messages show. */
#define QEMU_CO_HERE __FILE__ ":" stringify(__LINE__)

/* ---- Making, entering, yielding ---- */

/*
 * Makes a coroutine that runs entry(opaque) when it is first entered; it has no context
 * before. name is kept by pointer, for error messages. Panics if there is no memory for
 * its stack. A coroutine that is never entered is never freed. Any thread.
 */
Coroutine *qemu_coroutine_create_full(CoroutineEntry *entry, void *opaque,
                                      const char *name);
/* Makes a coroutine as qemu_coroutine_create_full() does, named after its entry
 * function. Any thread. */
Coroutine *qemu_coroutine_create(CoroutineEntry *entry, void *opaque);
#define qemu_coroutine_create(entry, opaque) \
    qemu_coroutine_create_full((entry), (opaque), (stringify(entry)))
/* Makes a coroutine as qemu_coroutine_create_full() does, but returns NULL if there is
 * no memory. Before Linux 6.13 each stack takes two of the process's mappings, which
 * vm.max_map_count limits (65530 by default). Any thread. */
Coroutine *qemu_coroutine_try_create_full(CoroutineEntry *entry, void *opaque,
                                          const char *name);
#define qemu_coroutine_try_create(entry, opaque) \
    qemu_coroutine_try_create_full((entry), (opaque), (stringify(entry)))

/*
 * Starts or resumes co in the calling thread and its current context, and returns when
 * co yields or ends. Coroutines that co woke (aio_co_wake) are entered before it
 * returns. Panics if co is already running, has been scheduled elsewhere, or has ended.
 * Any thread.
 */
void qemu_coroutine_enter(Coroutine *co);
/* Enters co for qemu_coroutine_enter(); `at` is the place of the call. Any thread. */
void qemu_coroutine_enter_at(Coroutine *co, const char *at);
#define qemu_coroutine_enter(co) qemu_coroutine_enter_at((co), QEMU_CO_HERE)
/* Enters co as qemu_coroutine_enter() does, but does nothing if co has been entered and
 * has not yielded since. Any thread. */
void qemu_coroutine_enter_if_inactive(Coroutine *co);
/* Enters co as qemu_coroutine_enter() does, but in the context ctx, to which co then
 * belongs. ctx's home thread only. */
void qemu_aio_coroutine_enter(AioContext *ctx, Coroutine *co);
/* Enters co for qemu_aio_coroutine_enter(); `at` is the place of the call. */
void qemu_aio_coroutine_enter_at(AioContext *ctx, Coroutine *co,
                                 const char *at);
#define qemu_aio_coroutine_enter(ctx, co) \
    qemu_aio_coroutine_enter_at((ctx), (co), QEMU_CO_HERE)

/* Suspends the calling coroutine: qemu_coroutine_enter() returns to its caller. Panics
 * outside a coroutine. */
void coroutine_fn qemu_coroutine_yield(void);

/* Returns the calling coroutine; outside one, an object that stands for the thread and
 * must not be entered. Any thread. */
Coroutine *qemu_coroutine_self(void);
/* Returns the context in which co was last entered, or NULL if it never was. Takes no
 * reference. Any thread. */
AioContext *qemu_coroutine_get_aio_context(Coroutine *co);
/* Returns true if the caller is running in a coroutine. Any thread. */
bool qemu_in_coroutine(void);
/* Returns true if co has been entered and has not yielded since. The thread that runs
 * co, or the caller's knowledge that none does. */
bool qemu_coroutine_entered(Coroutine *co);

/* Raises the number of ended coroutines that are kept for reuse. Any thread. */
void qemu_coroutine_inc_pool_size(unsigned additional);
/* Lowers it again, by what was added. Any thread. */
void qemu_coroutine_dec_pool_size(unsigned additional);
/*
 * Sets the sizes, in bytes, of coroutines that are made from now on: of the stack and,
 * in WebAssembly, of the area that holds their WebAssembly frames while they are
 * suspended. 0 means the default: 1 MiB natively, 128 KiB and 64 KiB in WebAssembly.
 * Any thread. Not in QEMU.
 */
void qemu_coroutine_set_stack_size(size_t stack, size_t frames);

/* ---- A mutex ---- */

/*
 * A mutex that a coroutine holds, also when it changes threads. A coroutine that has to
 * wait for it yields. The mutex is fair: it goes to the coroutine that has waited
 * longest.
 */
struct CoMutex {
    unsigned locked;                    /* counts the holder and all that wait */
    AioContext *ctx;                    /* the holder's context */
    QSLIST_HEAD(, CoWaitRecord) from_push;  /* newest first; any thread pushes */
    QSLIST_HEAD(, CoWaitRecord) to_pop; /* oldest first; only the thread that hands
                                         * the mutex over uses it */
    unsigned handoff;                   /* ticket of an unlock that found no waiter
                                         * yet; 0: none */
    unsigned sequence;
    Coroutine *holder;
};

/* Initialises an unlocked mutex. Any thread. */
void qemu_co_mutex_init(CoMutex *mutex);
/* Locks the mutex. Panics if the calling coroutine holds it already, or outside a
 * coroutine. In a coroutine only. */
void coroutine_fn qemu_co_mutex_lock(CoMutex *mutex);
/* Unlocks the mutex and wakes the coroutine that has waited longest. Panics if the
 * caller does not hold it. In a coroutine only; does not yield. */
void coroutine_fn qemu_co_mutex_unlock(CoMutex *mutex);
/* Panics unless the calling coroutine holds the mutex. In a coroutine only; does not
 * yield. */
void coroutine_fn qemu_co_mutex_assert_locked(CoMutex *mutex);

/* ---- A queue to wait in ---- */

/* A condition variable for coroutines. The lock that is passed to its functions
 * protects it, or one context's home thread alone uses it. */
typedef struct CoQueue {
    QSIMPLEQ_HEAD(, Coroutine) entries;
} CoQueue;

/* Initialises an empty queue. Any thread. */
void qemu_co_queue_init(CoQueue *queue);
/* Releases the lock, waits to be woken, and takes the lock again. lock points to any
 * kind of lock, which the caller holds, or is NULL. In a coroutine only. */
#define qemu_co_queue_wait(queue, lock) \
    qemu_co_queue_wait_impl((queue), QEMU_MAKE_LOCKABLE(lock))
/* Does the work of qemu_co_queue_wait(). In a coroutine only. */
void coroutine_fn qemu_co_queue_wait_impl(CoQueue *queue, QemuLockable *lock);
/* Wakes the coroutine that has waited longest, and returns false if none waits. Called
 * in a coroutine, it runs when the caller yields; otherwise before the call returns.
 * The caller holds the queue's lock. */
bool qemu_co_queue_next(CoQueue *queue);
/* Wakes all coroutines that are waiting now. The caller holds the queue's lock. */
void qemu_co_queue_restart_all(CoQueue *queue);
/* Wakes a coroutine as qemu_co_queue_next() does, but releases the lock while that
 * coroutine runs. The caller holds the lock, or lock is NULL. */
#define qemu_co_enter_next(queue, lock) \
    qemu_co_enter_next_impl((queue), QEMU_MAKE_LOCKABLE(lock))
/* Does the work of qemu_co_enter_next(). */
bool qemu_co_enter_next_impl(CoQueue *queue, QemuLockable *lock);
/* Returns true if no coroutine waits. The caller holds the queue's lock. */
bool qemu_co_queue_empty(CoQueue *queue);

/* ---- Many readers or one writer ---- */

/* A lock for many readers or one writer. It is fair: a reader waits behind a writer
 * that came before it. */
typedef struct CoRwlock {
    CoMutex mutex;                      /* guards the rest */
    int owners;                         /* number of readers; -1: a writer */
    QSIMPLEQ_HEAD(, CoRwTicket) tickets;
} CoRwlock;

/* Initialises an unlocked lock. Any thread. */
void qemu_co_rwlock_init(CoRwlock *lock);
/* Takes the lock for reading. In a coroutine only. */
void coroutine_fn qemu_co_rwlock_rdlock(CoRwlock *lock);
/* Takes the lock for writing. In a coroutine only. */
void coroutine_fn qemu_co_rwlock_wrlock(CoRwlock *lock);
/* Turns a reader into a writer. Coroutines that already wait come first, so another one
 * may write in between. Panics if the lock is not held for reading. In a coroutine
 * only. */
void coroutine_fn qemu_co_rwlock_upgrade(CoRwlock *lock);
/* Turns a writer into a reader and admits the readers that wait next. Panics if the
 * lock is not held for writing. In a coroutine only. */
void coroutine_fn qemu_co_rwlock_downgrade(CoRwlock *lock);
/* Releases the lock, held either way. Panics if it is not held. In a coroutine only. */
void coroutine_fn qemu_co_rwlock_unlock(CoRwlock *lock);

/* ---- Waiting for time, and for an fd ---- */

/* A sleep that can be ended early. One coroutine at a time may use it. */
typedef struct QemuCoSleep {
    Coroutine *to_wake;
} QemuCoSleep;

/* Sleeps until qemu_co_sleep_wake(w). In a coroutine only. */
void coroutine_fn qemu_co_sleep(QemuCoSleep *w);
/* Sleeps for ns nanoseconds of the clock `type`, or until qemu_co_sleep_wake(w). Panics
 * in a thread without a context. In a coroutine only. */
void coroutine_fn qemu_co_sleep_ns_wakeable(QemuCoSleep *w,
                                            QEMUClockType type, int64_t ns);
/* Sleeps for ns nanoseconds of the clock `type`. Panics in a thread without a context.
 * In a coroutine only. */
static inline void coroutine_fn qemu_co_sleep_ns(QEMUClockType type,
                                                 int64_t ns)
{
    QemuCoSleep w = { NULL };

    qemu_co_sleep_ns_wakeable(&w, type, ns);
}
/* Wakes the coroutine that sleeps on w, or does nothing if none does. If the time
 * expires at the same moment, the coroutine is still woken only once. w must live until
 * the call returns. Any thread. */
void qemu_co_sleep_wake(QemuCoSleep *w);

/* Waits until fd is readable. Replaces the fd's handler in the current context, and
 * removes it before it returns. Panics in a thread without a context. In a coroutine
 * only. */
void coroutine_fn yield_until_fd_readable(int fd);

#ifdef __cplusplus
}
#endif

/* Included last because it needs CoMutex. */
#include "qemu/lockable.h"

#endif
