/* SPDX-License-Identifier: MIT */
#ifndef QEMU_THREAD_H
#define QEMU_THREAD_H
/*
 * Locks, conditions and threads, under QEMU's names (include/qemu/thread.h), built on
 * the port's futex. Any thread may call each function unless a comment says
 * otherwise; the object must live until the call returns.
 *
 * The thread that owns a WebAssembly runtime must not wait (port_may_wait() is
 * false). It takes a mutex by spinning. Calls that could take long (waiting for a
 * condition, event or semaphore, joining a thread) panic there with their name.
 */
#include "qemu/atomic.h"
#include "qemu/osdep.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A mutex. state is 0: free, 1: locked, 2: locked and a thread may be sleeping on
 * it. */
struct QemuMutex {
    uint32_t state;
};
/* A mutex that its owner may lock again. */
typedef struct QemuRecMutex {
    QemuMutex lock;
    void *owner;          /* the record of the thread that holds it */
    unsigned depth;       /* used by the owner only */
} QemuRecMutex;
/* A condition variable. inside counts the threads that wait, or were woken and have
 * not returned from the wait yet. */
typedef struct QemuCond {
    uint32_t sequence;    /* the futex: each signal increments it */
    uint32_t inside;
} QemuCond;
/* A counting semaphore. */
typedef struct QemuSemaphore {
    uint32_t count;       /* bit 31: a thread may be sleeping */
    uint32_t inside;
} QemuSemaphore;
/* A flag that threads can wait for. */
typedef struct QemuEvent {
    uint32_t value;
    uint32_t inside;
} QemuEvent;
/* A spin lock. */
struct QemuSpin {
    uint32_t value;
};
/* A counter and a lock in one word: bits 0-1 are the lock's state, the rest the
 * count. */
typedef struct QemuLockCnt {
    uint32_t count;
} QemuLockCnt;
/* A thread, as qemu_thread_create() fills it in. */
typedef struct QemuThread {
    struct QemuThreadRecord *record;
} QemuThread;

#define QEMU_THREAD_JOINABLE 0
#define QEMU_THREAD_DETACHED 1

/* Initialises an unlocked mutex; zeroed memory is one, too. */
void qemu_mutex_init(QemuMutex *mutex);
/* Ends the use of a mutex, which nobody holds. */
void qemu_mutex_destroy(QemuMutex *mutex);
/* Locks the mutex, waiting until it is free. */
void qemu_mutex_lock(QemuMutex *mutex);
/* Locks the mutex if it is free. Returns 0 if it was, else -EBUSY. */
int qemu_mutex_trylock(QemuMutex *mutex);
/* Unlocks the mutex, which the calling thread holds. */
void qemu_mutex_unlock(QemuMutex *mutex);

/* Initialises an unlocked recursive mutex; zeroed memory is one, too. */
void qemu_rec_mutex_init(QemuRecMutex *mutex);
/* Ends the use of a recursive mutex, which nobody holds. */
void qemu_rec_mutex_destroy(QemuRecMutex *mutex);
/* Locks the mutex, or locks it once more if the calling thread holds it. */
void qemu_rec_mutex_lock(QemuRecMutex *mutex);
/* Locks the mutex as qemu_rec_mutex_lock() does, but without waiting. Returns 0 if
 * the caller holds it now, else -EBUSY. */
int qemu_rec_mutex_trylock(QemuRecMutex *mutex);
/* Undoes one lock of the calling thread, which holds the mutex. */
void qemu_rec_mutex_unlock(QemuRecMutex *mutex);

/*
 * Initialises a condition variable.
 *
 * A condition, semaphore or event may be destroyed, and its memory reused, as soon as
 * every waiter has been woken: right after a broadcast with the mutex held, a post
 * for each waiter, or a set. Destroying it waits until they have left, for which they
 * need no lock. It panics if a thread that was not woken is still waiting.
 */
void qemu_cond_init(QemuCond *cond);
/* Waits until the threads that were woken have left, and ends the condition's use. */
void qemu_cond_destroy(QemuCond *cond);
/* Wakes one waiting thread. Hold the mutex, or the condition may be destroyed
 * first. */
void qemu_cond_signal(QemuCond *cond);
/* Wakes all waiting threads. Hold the mutex, as for qemu_cond_signal(). */
void qemu_cond_broadcast(QemuCond *cond);
/* Releases the mutex, which the caller holds, waits for a signal, and locks it
 * again. */
void qemu_cond_wait(QemuCond *cond, QemuMutex *mutex);
/* Waits as qemu_cond_wait() does, but at most ms milliseconds. Returns false if they
 * have passed first. */
bool qemu_cond_timedwait(QemuCond *cond, QemuMutex *mutex, int ms);

/* Initialises a semaphore with the count init. */
void qemu_sem_init(QemuSemaphore *sem, int init);
/* Waits until the threads that were woken have left, and ends the semaphore's use. */
void qemu_sem_destroy(QemuSemaphore *sem);
/* Adds 1 to the count and wakes a waiting thread. */
void qemu_sem_post(QemuSemaphore *sem);
/* Waits until the count is above 0, and subtracts 1. */
void qemu_sem_wait(QemuSemaphore *sem);
/* Waits as qemu_sem_wait() does, but at most ms milliseconds (0: not at all). Returns
 * 0, or -1 if they have passed. */
int qemu_sem_timedwait(QemuSemaphore *sem, int ms);

/* Initialises an event, set if init is true. */
void qemu_event_init(QemuEvent *ev, bool init);
/* Waits until the threads that were woken have left, and ends the event's use. */
void qemu_event_destroy(QemuEvent *ev);
/* Sets the event and wakes all waiting threads. */
void qemu_event_set(QemuEvent *ev);
/* Clears the event. */
void qemu_event_reset(QemuEvent *ev);
/* Waits until the event is set. */
void qemu_event_wait(QemuEvent *ev);

/* Initialises an unlocked spin lock. */
void qemu_spin_init(QemuSpin *spin);
/* Ends the use of a spin lock, which nobody holds. */
void qemu_spin_destroy(QemuSpin *spin);
/* Locks it, spinning until it is free. */
void qemu_spin_lock(QemuSpin *spin);
/* Locks it if it is free. Returns true if it was NOT locked, as in QEMU. */
bool qemu_spin_trylock(QemuSpin *spin);
/* Returns true if a thread holds it. */
bool qemu_spin_locked(QemuSpin *spin);
/* Unlocks it; the calling thread holds it. */
void qemu_spin_unlock(QemuSpin *spin);

/*
 * Initialises a LockCnt with the count 0, unlocked.
 *
 * Readers count themselves, writers lock. Inserting an element into a list needs the
 * lock only; an element may be freed while the lock is held and the count is 0.
 */
void qemu_lockcnt_init(QemuLockCnt *lockcnt);
/* Ends its use; the lock is free and the count is 0. */
void qemu_lockcnt_destroy(QemuLockCnt *lockcnt);
/* Adds 1 to the count. Waits only while the count is 0 and a thread holds the
 * lock. */
void qemu_lockcnt_inc(QemuLockCnt *lockcnt);
/* Subtracts 1 from the count. */
void qemu_lockcnt_dec(QemuLockCnt *lockcnt);
/* Subtracts 1. If that made the count 0, takes the lock and returns true. */
bool qemu_lockcnt_dec_and_lock(QemuLockCnt *lockcnt);
/* If the count is 1, sets it to 0, takes the lock and returns true; else does
 * nothing. */
bool qemu_lockcnt_dec_if_lock(QemuLockCnt *lockcnt);
/* Takes the lock; readers that have counted themselves go on. */
void qemu_lockcnt_lock(QemuLockCnt *lockcnt);
/* Releases the lock, which the calling thread holds. */
void qemu_lockcnt_unlock(QemuLockCnt *lockcnt);
/* Releases the lock and adds 1 to the count, in one step. */
void qemu_lockcnt_inc_and_unlock(QemuLockCnt *lockcnt);
/* Returns the count. */
unsigned qemu_lockcnt_count(QemuLockCnt *lockcnt);

/* Starts a thread that runs start_routine(arg); mode is QEMU_THREAD_JOINABLE or
 * QEMU_THREAD_DETACHED. name is copied. Panics with it if no thread can be
 * started. */
void qemu_thread_create(QemuThread *thread, const char *name,
                        void *(*start_routine)(void *), void *arg, int mode);
/* Starts a thread as qemu_thread_create() does, but returns 0 or -errno (-EAGAIN: the
 * limit of threads is reached). */
int qemu_thread_try_create(QemuThread *thread, const char *name,
                           void *(*start_routine)(void *), void *arg,
                           int mode);
/* Waits for the end of a joinable thread and returns what its start routine returned.
 * Call it once for each joinable thread. */
void *qemu_thread_join(QemuThread *thread);
/* Sets *thread to the calling thread. */
void qemu_thread_get_self(QemuThread *thread);
/* Returns true if *thread is the calling thread. */
bool qemu_thread_is_self(QemuThread *thread);
/* Ends the calling thread; qemu_thread_join() returns retval, as does pthread_join() for a thread of
 * pthread_create(). */
QEMU_NORETURN void qemu_thread_exit(void *retval);

#ifdef __cplusplus
}
#endif

#endif
