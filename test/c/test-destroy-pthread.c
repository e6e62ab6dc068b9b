/* SPDX-License-Identifier: MIT */
/*
 * What pthreads and C11's threads wait on, destroyed at once: destroy.h. Natively it is
 * the C library's own; ThreadSanitizer does not know C11's, and takes a barrier to be
 * read after the wait.
 */
#include "destroy.h"
#include "port/sanitize.h"
#include <pthread.h>
#include <semaphore.h>
#include <threads.h>

/* ---- Conditions ---- */

static pthread_mutex_t plock = PTHREAD_MUTEX_INITIALIZER;

static void pcond_make(void)
{
    pthread_cond_init(object, NULL);
}

static void pcond_wait(int round)
{
    const struct timespec past = { 0, 0 };

    pthread_mutex_lock(&plock);
    waiting++;
    while (!ready) {
        if (round % TIMED) {
            pthread_cond_wait(object, &plock);
        } else {
            pthread_cond_timedwait(object, &plock, &past);
        }
    }
    pthread_mutex_unlock(&plock);
}

static void pcond_broadcast_and_destroy(int round)
{
    for (unsigned turn = 0; !ready; turn++) {
        pthread_mutex_lock(&plock);
        if (waiting == WAITERS) {
            ready = true;
            pthread_cond_broadcast(object);
            pthread_cond_destroy(object);
            object_drop(round);
        }
        pthread_mutex_unlock(&plock);
        test_nap(turn);
    }
}

static void pthread_cond_after_a_broadcast(void)
{
    run(&(Kind){ pcond_make, pcond_broadcast_and_destroy, pcond_wait, WAITERS });
}

#if !defined(WITH_TSAN)
static mtx_t c11_lock;

static void ccond_make(void)
{
    static bool is_made;

    if (!is_made) {
        is_made = mtx_init(&c11_lock, mtx_plain) == thrd_success;
    }
    ASSERT_INT_EQ(cnd_init(object), thrd_success);
}

static void ccond_wait(int round)
{
    (void)round;
    mtx_lock(&c11_lock);
    waiting++;
    while (!ready) {
        cnd_wait(object, &c11_lock);
    }
    mtx_unlock(&c11_lock);
}

static void ccond_broadcast_and_destroy(int round)
{
    for (unsigned turn = 0; !ready; turn++) {
        mtx_lock(&c11_lock);
        if (waiting == WAITERS) {
            ready = true;
            cnd_broadcast(object);
            cnd_destroy(object);
            object_drop(round);
        }
        mtx_unlock(&c11_lock);
        test_nap(turn);
    }
}

static void c11_cond_after_a_broadcast(void)
{
    run(&(Kind){ ccond_make, ccond_broadcast_and_destroy, ccond_wait, WAITERS });
}

#endif

/* ---- Semaphores ---- */

static void psem_make(void)
{
    ASSERT_INT_EQ(sem_init(object, 0, 0), 0);
}

static void psem_post(int round)
{
    (void)round;
    ASSERT_INT_EQ(sem_post(object), 0);
}

static void psem_take_and_destroy(int round)
{
    while (sem_wait(object)) {
        continue;
    }
    sem_destroy(object);
    object_drop(round);
}

static void posix_semaphore_by_who_took(void)
{
    run(&(Kind){ psem_make, psem_take_and_destroy, psem_post, 1 });
}

/* ---- Barriers ---- */

#if !defined(WITH_TSAN)

static void barrier_make(void)
{
    ASSERT_INT_EQ(pthread_barrier_init(object, NULL, WAITERS + 1), 0);
}

static void barrier_wait(int round)
{
    if (pthread_barrier_wait(object) == PTHREAD_BARRIER_SERIAL_THREAD) {
        ASSERT_INT_EQ(pthread_barrier_destroy(object), 0);
        object_drop(round);
    }
}

static void barrier_by_the_serial_thread(void)
{
    run(&(Kind){ barrier_make, barrier_wait, barrier_wait, WAITERS });
}

/* Whoever is the first to know that it is needed no more. */
static void barrier_wait_and_race(int round)
{
    static uint32_t destroyed;

    pthread_barrier_wait(object);
    if (qatomic_cmpxchg(&destroyed, (uint32_t)round, (uint32_t)round + 1) ==
        (uint32_t)round) {
        ASSERT_INT_EQ(pthread_barrier_destroy(object), 0);
        object_drop(round);
    }
}

static void barrier_by_the_first(void)
{
    run(&(Kind){ barrier_make, barrier_wait_and_race, barrier_wait_and_race,
                 WAITERS });
}

#endif

static void pmutex_make(void)
{
    pthread_mutex_init(object, NULL);
    pthread_mutex_lock(object);
}

static void pmutex_unlock(int round)
{
    (void)round;
    pthread_mutex_unlock(object);
}

static void pmutex_take_and_destroy(int round)
{
    TEST_WAIT_UNTIL(round % 2 || pthread_mutex_trylock(object) == 0);
    if (round % 2) {
        pthread_mutex_lock(object);
    }
    pthread_mutex_unlock(object);
    ASSERT_INT_EQ(pthread_mutex_destroy(object), 0);
    object_drop(round);
}

static void pthread_mutex_by_the_next(void)
{
    run(&(Kind){ pmutex_make, pmutex_unlock, pmutex_take_and_destroy, 1 });
}

static void rwlock_make(void)
{
    pthread_rwlock_init(object, NULL);
    pthread_rwlock_wrlock(object);
}

static void rwlock_unlock(int round)
{
    (void)round;
    pthread_rwlock_unlock(object);
}

static void rwlock_take_and_destroy(int round)
{
    if (round % 3 == 0) {
        pthread_rwlock_rdlock(object);
    } else if (round % 3 == 1) {
        pthread_rwlock_wrlock(object);
    } else {
        TEST_WAIT_UNTIL(pthread_rwlock_tryrdlock(object) == 0);
    }
    pthread_rwlock_unlock(object);
    ASSERT_INT_EQ(pthread_rwlock_destroy(object), 0);
    object_drop(round);
}

static void rwlock_by_the_next(void)
{
    run(&(Kind){ rwlock_make, rwlock_unlock, rwlock_take_and_destroy, 1 });
}

static void rwlock_read_make(void)
{
    pthread_rwlock_init(object, NULL);
    pthread_rwlock_rdlock(object);
}

static void rwlock_write_and_destroy(int round)
{
    TEST_WAIT_UNTIL(round % 3 || pthread_rwlock_trywrlock(object) == 0);
    if (round % 3) {
        pthread_rwlock_wrlock(object);
    }
    pthread_rwlock_unlock(object);
    ASSERT_INT_EQ(pthread_rwlock_destroy(object), 0);
    object_drop(round);
}

static void rwlock_by_a_writer_after_a_reader(void)
{
    run(&(Kind){ rwlock_read_make, rwlock_unlock, rwlock_write_and_destroy, 1 });
}

TEST_PROGRAM(
    TEST(pthread_cond_after_a_broadcast),
    TEST(posix_semaphore_by_who_took),
#if !defined(WITH_TSAN)
    TEST(c11_cond_after_a_broadcast),
    TEST(barrier_by_the_serial_thread),
    TEST(barrier_by_the_first),
#endif
    TEST(pthread_mutex_by_the_next),
    TEST(rwlock_by_the_next),
    TEST(rwlock_by_a_writer_after_a_reader),
)
