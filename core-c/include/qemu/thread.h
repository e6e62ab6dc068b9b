/* SPDX-License-Identifier: MIT */
#ifndef QEMU_THREAD_H
#define QEMU_THREAD_H
/*
 * Locks, conditions and threads, all on the port's futex.
 *
 * A thread that may not wait (port_may_wait() is false: the thread that owns a
 * WebAssembly runtime) takes a lock by spinning; what could keep it for long
 * (cond, event, semaphore wait, join) panics there by name.
 */
#include "qemu/atomic.h"
#include "qemu/osdep.h"

#ifdef __cplusplus
extern "C" {
#endif

/* 0 free, 1 locked, 2 locked and somebody may sleep. */
struct QemuMutex {
    uint32_t state;
};
typedef struct QemuRecMutex {
    QemuMutex lock;
    void *owner;          /* the locking thread's record */
    unsigned depth;       /* touched by the owner only */
} QemuRecMutex;
/* inside: threads that wait, or have been woken and not returned yet. */
typedef struct QemuCond {
    uint32_t sequence;    /* the futex: each signal moves it on */
    uint32_t inside;
} QemuCond;
typedef struct QemuSemaphore {
    uint32_t count;       /* bit 31: somebody may sleep */
    uint32_t inside;
} QemuSemaphore;
typedef struct QemuEvent {
    uint32_t value;
    uint32_t inside;
} QemuEvent;
struct QemuSpin {
    uint32_t value;
};
/* A counter and a lock in one word: bits 0-1 lock state, count in the rest. */
typedef struct QemuLockCnt {
    uint32_t count;
} QemuLockCnt;
typedef struct QemuThread {
    struct QemuThreadRecord *record;
} QemuThread;

#define QEMU_THREAD_JOINABLE 0
#define QEMU_THREAD_DETACHED 1

void qemu_mutex_init(QemuMutex *mutex);
void qemu_mutex_destroy(QemuMutex *mutex);
void qemu_mutex_lock(QemuMutex *mutex);
/* 0 if taken, -EBUSY if not. */
int qemu_mutex_trylock(QemuMutex *mutex);
void qemu_mutex_unlock(QemuMutex *mutex);

void qemu_rec_mutex_init(QemuRecMutex *mutex);
void qemu_rec_mutex_destroy(QemuRecMutex *mutex);
void qemu_rec_mutex_lock(QemuRecMutex *mutex);
int qemu_rec_mutex_trylock(QemuRecMutex *mutex);
void qemu_rec_mutex_unlock(QemuRecMutex *mutex);

/*
 * A condition, semaphore or event may be destroyed, and its memory used for something
 * else, as soon as every waiter has been woken: with the mutex held, right after a
 * broadcast, a post for each waiter, or a set. Destroying it waits until they have
 * left, which takes them no lock. It panics if somebody waits who was not woken.
 */
void qemu_cond_init(QemuCond *cond);
void qemu_cond_destroy(QemuCond *cond);
/* Signal under the mutex, or destroy may overtake it. */
void qemu_cond_signal(QemuCond *cond);
void qemu_cond_broadcast(QemuCond *cond);
void qemu_cond_wait(QemuCond *cond, QemuMutex *mutex);
/* False if ms milliseconds passed first. The mutex is held again either way. */
bool qemu_cond_timedwait(QemuCond *cond, QemuMutex *mutex, int ms);

void qemu_sem_init(QemuSemaphore *sem, int init);
void qemu_sem_destroy(QemuSemaphore *sem);
void qemu_sem_post(QemuSemaphore *sem);
void qemu_sem_wait(QemuSemaphore *sem);
/* 0 if taken, -1 after ms milliseconds (ms 0: no wait). */
int qemu_sem_timedwait(QemuSemaphore *sem, int ms);

void qemu_event_init(QemuEvent *ev, bool init);
void qemu_event_destroy(QemuEvent *ev);
void qemu_event_set(QemuEvent *ev);
void qemu_event_reset(QemuEvent *ev);
void qemu_event_wait(QemuEvent *ev);

void qemu_spin_init(QemuSpin *spin);
void qemu_spin_destroy(QemuSpin *spin);
void qemu_spin_lock(QemuSpin *spin);
bool qemu_spin_trylock(QemuSpin *spin);    /* true if it is NOT taken */
bool qemu_spin_locked(QemuSpin *spin);
void qemu_spin_unlock(QemuSpin *spin);

/*
 * LockCnt: readers count, writers lock. A thing may be freed while the lock is
 * held and the count is 0; insertion into a list needs the lock alone.
 */
void qemu_lockcnt_init(QemuLockCnt *lockcnt);
void qemu_lockcnt_destroy(QemuLockCnt *lockcnt);
/* Waits only while the count is 0 and somebody holds the lock. */
void qemu_lockcnt_inc(QemuLockCnt *lockcnt);
void qemu_lockcnt_dec(QemuLockCnt *lockcnt);
/* True: the count fell from 1 to 0 and the lock is held now. */
bool qemu_lockcnt_dec_and_lock(QemuLockCnt *lockcnt);
/* The same if the count is 1; else changes nothing and is false. */
bool qemu_lockcnt_dec_if_lock(QemuLockCnt *lockcnt);
void qemu_lockcnt_lock(QemuLockCnt *lockcnt);
void qemu_lockcnt_unlock(QemuLockCnt *lockcnt);
void qemu_lockcnt_inc_and_unlock(QemuLockCnt *lockcnt);
unsigned qemu_lockcnt_count(QemuLockCnt *lockcnt);

/* Panics with the thread's name when the machine has no thread left. */
void qemu_thread_create(QemuThread *thread, const char *name,
                        void *(*start_routine)(void *), void *arg, int mode);
/* The same, but 0 or -errno (-EAGAIN: at the limit). */
int qemu_thread_try_create(QemuThread *thread, const char *name,
                           void *(*start_routine)(void *), void *arg,
                           int mode);
/* Waits for the end of a joinable thread and gives what it returned. */
void *qemu_thread_join(QemuThread *thread);
void qemu_thread_get_self(QemuThread *thread);
bool qemu_thread_is_self(QemuThread *thread);
QEMU_NORETURN void qemu_thread_exit(void *retval);

#ifdef __cplusplus
}
#endif

#endif
