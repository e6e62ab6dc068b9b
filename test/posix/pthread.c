/* SPDX-License-Identifier: MIT */
/* pthreads: mutexes, condition variables, read-write locks, barriers, keys, once, cleanup functions, semaphores. */
#include "topic.h"
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

enum { THREADS = 4 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_barrier_t barrier;
static pthread_key_t first_key, second_key;
static int stage, serials, onces;

static void *run(void *(*fn)(void *), void *arg)
{
    pthread_t thread;
    void *value = NULL;

    if (pthread_create(&thread, NULL, fn, arg) || pthread_join(thread, &value)) {
        printf("there is no thread\n");
    }
    return value;
}

static void run_all(void *(*fn)(void *))
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, fn, NULL);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

static struct timespec now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return ts;
}

/* ---- Ending ---- */

static void cleanup(void *arg)
{
    printf("cleanup %s\n", (char *)arg);
}

static void first_destructor(void *data)
{
    printf("destructor of %s\n", (char *)data);
    pthread_setspecific(second_key, "set by a destructor");
}

static void second_destructor(void *data)
{
    printf("destructor of %s\n", (char *)data);
}

static void *exits(void *arg)
{
    pthread_cleanup_push(cleanup, "first");
    pthread_cleanup_push(cleanup, "second");
    pthread_setspecific(first_key, "a value");
    pthread_exit("left");
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return arg;
}

static void *pops(void *arg)
{
    pthread_cleanup_push(cleanup, "popped");
    pthread_cleanup_pop(1);
    pthread_cleanup_push(cleanup, "not called");
    pthread_cleanup_pop(0);
    return arg;
}

static void *joins_itself(void *arg)
{
    SHOW_ERROR(pthread_join(pthread_self(), NULL));
    return arg;
}

/* ---- Mutexes and conditions ---- */

static void *tries_mutex(void *m)
{
    printf("another thread: unlock = %s\n", errno_name(pthread_mutex_unlock(m)));
    printf("another thread: trylock = %s\n", errno_name(pthread_mutex_trylock(m)));
    return NULL;
}

static void mutexes(void)
{
    pthread_mutexattr_t attr;
    pthread_mutex_t check, recursive;
    struct timespec ts = now();
    int type;

    SHOW_ERROR(pthread_mutexattr_init(&attr));
    SHOW_ERROR(pthread_mutexattr_settype(&attr, 99));
    SHOW_ERROR(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK));
    SHOW_ERROR(pthread_mutexattr_gettype(&attr, &type));
    SHOW(type == PTHREAD_MUTEX_ERRORCHECK);
    SHOW_ERROR(pthread_mutex_init(&check, &attr));
    SHOW_ERROR(pthread_mutex_unlock(&check));
    SHOW_ERROR(pthread_mutex_lock(&check));
    SHOW_ERROR(pthread_mutex_lock(&check));
    SHOW_ERROR(pthread_mutex_timedlock(&check, &ts));
    SHOW_ERROR(pthread_mutex_trylock(&check));
    run(tries_mutex, &check);
    SHOW_ERROR(pthread_mutex_destroy(&check));
    SHOW_ERROR(pthread_mutex_unlock(&check));
    SHOW_ERROR(pthread_mutex_destroy(&check));

    SHOW_ERROR(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE));
    SHOW_ERROR(pthread_mutex_init(&recursive, &attr));
    SHOW_ERROR(pthread_mutex_lock(&recursive));
    SHOW_ERROR(pthread_mutex_trylock(&recursive));
    run(tries_mutex, &recursive);
    SHOW_ERROR(pthread_mutex_unlock(&recursive));
    SHOW_ERROR(pthread_mutex_unlock(&recursive));
    SHOW_ERROR(pthread_mutex_unlock(&recursive));

    SHOW_ERROR(pthread_mutex_lock(&mutex));
    SHOW_ERROR(pthread_mutex_trylock(&mutex));
    SHOW_ERROR(pthread_mutex_timedlock(&mutex, &ts));
    SHOW_ERROR(pthread_cond_timedwait(&cond, &mutex, &ts));
    SHOW_ERROR(pthread_mutex_trylock(&mutex));
    ts.tv_nsec = 1000000000;
    SHOW_ERROR(pthread_cond_timedwait(&cond, &mutex, &ts));
    SHOW_ERROR(pthread_mutex_timedlock(&mutex, &ts));
    SHOW_ERROR(pthread_mutex_unlock(&mutex));
}

static void *takes_its_turn(void *arg)
{
    pthread_mutex_lock(&mutex);
    while (stage == 0) {
        pthread_cond_wait(&cond, &mutex);
    }
    stage++;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
    return arg;
}

static void *opens(void *arg)
{
    pthread_mutex_lock(&mutex);
    stage = 1;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
    return arg;
}

/* ---- Read-write locks, barriers, once ---- */

static void *tries_rwlock(void *arg)
{
    struct timespec ts = now();

    printf("another thread: tryrdlock = %s\n", errno_name(pthread_rwlock_tryrdlock(&rwlock)));
    printf("another thread: trywrlock = %s\n", errno_name(pthread_rwlock_trywrlock(&rwlock)));
    printf("another thread: timedrdlock = %s\n", errno_name(pthread_rwlock_timedrdlock(&rwlock, &ts)));
    printf("another thread: timedwrlock = %s\n", errno_name(pthread_rwlock_timedwrlock(&rwlock, &ts)));
    return arg;
}

static void *waits_at_barrier(void *arg)
{
    for (int i = 0; i < 50; i++) {
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
            __atomic_add_fetch(&serials, 1, __ATOMIC_SEQ_CST);
        }
    }
    return arg;
}

static void count_once(void)
{
    onces++;
}

static void *calls_once(void *arg)
{
    pthread_once(&once, count_once);
    return arg;
}

/* ---- Keys ---- */

static sem_t value_set, key_anew;

static void *has_old_value(void *arg)
{
    pthread_setspecific(second_key, "of the old key");
    sem_post(&value_set);
    sem_wait(&key_anew);
    printf("a new key in another thread = %s\n", pthread_getspecific(second_key) ? "not NULL" : "NULL");
    return arg;
}

static void keys(void)
{
    pthread_key_t some[64];
    pthread_t thread;
    int value = 0;

    sem_init(&value_set, 0, 0);
    sem_init(&key_anew, 0, 0);
    pthread_create(&thread, NULL, has_old_value, NULL);
    sem_wait(&value_set);
    SHOW_ERROR(pthread_key_delete(second_key));
    SHOW_ERROR(pthread_key_create(&second_key, second_destructor));
    sem_post(&key_anew);
    pthread_join(thread, NULL);

    SHOW_ERROR(pthread_key_delete(first_key));
    SHOW_ERROR(pthread_key_delete(first_key));
    SHOW_ERROR(pthread_setspecific(first_key, "x"));
    for (int i = 0; i < 64; i++) {
        if (pthread_key_create(&some[i], NULL) || pthread_getspecific(some[i])) {
            printf("key %d is missing, or not NULL\n", i);
        }
        pthread_setspecific(some[i], &value);
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 64; i++) {
            pthread_key_delete(some[i]);
        }
        for (int i = 0; i < 64; i++) {
            pthread_key_create(&some[i], NULL);
            if (pthread_getspecific(some[i])) {
                printf("a new key is not NULL\n");
            }
            pthread_setspecific(some[i], &value);
        }
    }
}

static void topic(void)
{
    pthread_attr_t attr;
    struct timespec ts;
    sem_t semaphore;
    size_t size;
    int value;

    SHOW_ERROR(pthread_key_create(&first_key, first_destructor));
    SHOW_ERROR(pthread_key_create(&second_key, second_destructor));
    printf("exits = %s\n", (char *)run(exits, NULL));
    printf("pops = %s\n", (char *)run(pops, "returned"));
    run(joins_itself, NULL);

    mutexes();
    {
        pthread_t threads[THREADS + 1];
        for (int i = 0; i <= THREADS; i++) {
            pthread_create(&threads[i], NULL, i < THREADS ? takes_its_turn : opens, NULL);
        }
        for (int i = 0; i <= THREADS; i++) {
            pthread_join(threads[i], NULL);
        }
        SHOW(stage);
    }

    SHOW_ERROR(pthread_rwlock_rdlock(&rwlock));
    SHOW_ERROR(pthread_rwlock_rdlock(&rwlock));
    SHOW_ERROR(pthread_rwlock_trywrlock(&rwlock));
    SHOW_ERROR(pthread_rwlock_unlock(&rwlock));
    SHOW_ERROR(pthread_rwlock_unlock(&rwlock));
    SHOW_ERROR(pthread_rwlock_wrlock(&rwlock));
    SHOW_ERROR(pthread_rwlock_wrlock(&rwlock));
    SHOW_ERROR(pthread_rwlock_rdlock(&rwlock));
    run(tries_rwlock, NULL);
    SHOW_ERROR(pthread_rwlock_unlock(&rwlock));

    SHOW_ERROR(pthread_barrier_init(&barrier, NULL, 0));
    SHOW_ERROR(pthread_barrier_init(&barrier, NULL, THREADS));
    run_all(waits_at_barrier);
    SHOW(serials);
    SHOW_ERROR(pthread_barrier_destroy(&barrier));
    run_all(calls_once);
    SHOW(onces);

    keys();

    SHOW(sem_init(&semaphore, 0, 2));
    SHOW(sem_wait(&semaphore));
    SHOW(sem_trywait(&semaphore));
    SHOW(sem_trywait(&semaphore));
    ts = now();
    SHOW(sem_timedwait(&semaphore, &ts));
    SHOW(sem_post(&semaphore));
    SHOW(sem_getvalue(&semaphore, &value));
    SHOW(value);
    SHOW(sem_timedwait(&semaphore, &ts));
    SHOW(sem_init(&semaphore, 0, 0x80000000u));

    SHOW_ERROR(pthread_attr_init(&attr));
    SHOW_ERROR(pthread_attr_setdetachstate(&attr, 7));
    SHOW_ERROR(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED));
    SHOW_ERROR(pthread_attr_getdetachstate(&attr, &value));
    SHOW(value == PTHREAD_CREATE_DETACHED);
    SHOW_ERROR(pthread_attr_setstacksize(&attr, 16));
    SHOW_ERROR(pthread_attr_setstacksize(&attr, 1 << 20));
    SHOW_ERROR(pthread_attr_getstacksize(&attr, &size));
    SHOW(size);
    SHOW(pthread_equal(pthread_self(), pthread_self()) != 0);
}
