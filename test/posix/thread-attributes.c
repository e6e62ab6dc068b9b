/* SPDX-License-Identifier: MIT */
/* What can be asked and set of threads before and after they begin: pthread_attr_*, attributes of locks, pthread_once(), cancellation's state. */
#include "topic.h"
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

static void attributes(void)
{
    struct sched_param parameters = { .sched_priority = 77 };
    pthread_attr_t attr;
    size_t size = 0;
    void *stack = NULL;
    int value = -1;

    SHOW_ERROR(pthread_attr_init(&attr));
    SHOW_ERROR(pthread_attr_getdetachstate(&attr, &value));
    SHOW(value == PTHREAD_CREATE_JOINABLE);
    SHOW_ERROR(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED));
    SHOW_ERROR(pthread_attr_getdetachstate(&attr, &value));
    SHOW(value == PTHREAD_CREATE_DETACHED);
    SHOW_ERROR(pthread_attr_setdetachstate(&attr, 77));
    SHOW_ERROR(pthread_attr_getstacksize(&attr, &size));
    SHOW(size >= 64 * 1024);
    SHOW_ERROR(pthread_attr_setstacksize(&attr, 256 * 1024));
    SHOW_ERROR(pthread_attr_getstacksize(&attr, &size));
    SHOW(size);
    SHOW_ERROR(pthread_attr_setstacksize(&attr, 100));
    SHOW_ERROR(pthread_attr_getguardsize(&attr, &size));
    SHOW_ERROR(pthread_attr_setguardsize(&attr, 0));
    SHOW_ERROR(pthread_attr_getguardsize(&attr, &size));
    SHOW(size);
    SHOW_ERROR(pthread_attr_getscope(&attr, &value));
    SHOW(value == PTHREAD_SCOPE_SYSTEM);
    SHOW_ERROR(pthread_attr_setscope(&attr, PTHREAD_SCOPE_SYSTEM));
    SHOW_ERROR(pthread_attr_setscope(&attr, PTHREAD_SCOPE_PROCESS));
    SHOW_ERROR(pthread_attr_setscope(&attr, 77));
    SHOW_ERROR(pthread_attr_getschedpolicy(&attr, &value));
    SHOW(value == SCHED_OTHER);
    SHOW_ERROR(pthread_attr_getschedparam(&attr, &parameters));
    SHOW(parameters.sched_priority);
    SHOW_ERROR(pthread_attr_getinheritsched(&attr, &value));
    SHOW(value == PTHREAD_INHERIT_SCHED);
    SHOW_ERROR(pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED));
    SHOW_ERROR(pthread_attr_setinheritsched(&attr, 77));
    SHOW_ERROR(pthread_attr_setstack(&attr, &attr, 10));
    (void)stack;
    SHOW_ERROR(pthread_attr_destroy(&attr));
}

static void *with_stack(void *arg)
{
    volatile char big[100 * 1024];

    memset((char *)big, 1, sizeof(big));
    *(int *)arg = big[5] + big[sizeof(big) - 1];
    return arg;
}

static void *about_itself(void *arg)
{
    pthread_attr_t attr;
    size_t size = 0;
    void *stack = NULL;

    (void)arg;
    SHOW_ERROR(pthread_getattr_np(pthread_self(), &attr));
    SHOW_ERROR(pthread_attr_getstack(&attr, &stack, &size));
    SHOW((char *)&attr >= (char *)stack && (char *)&attr < (char *)stack + size);
    SHOW(size >= 200 * 1024);
    SHOW_ERROR(pthread_attr_destroy(&attr));
    return NULL;
}

static sem_t ended;

static void *posts(void *arg)
{
    sem_post(&ended);
    return arg;
}

static void made(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    int value = 0;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 256 * 1024);
    SHOW_ERROR(pthread_create(&thread, &attr, with_stack, &value));
    SHOW_ERROR(pthread_join(thread, NULL));
    SHOW(value);
    SHOW_ERROR(pthread_create(&thread, &attr, about_itself, NULL));
    SHOW_ERROR(pthread_join(thread, NULL));
    sem_init(&ended, 0, 0);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    SHOW_ERROR(pthread_create(&thread, &attr, posts, NULL));
    SHOW(sem_wait(&ended));
    pthread_attr_destroy(&attr);
    SHOW_ERROR(pthread_join(pthread_self(), NULL));
    SHOW(pthread_equal(pthread_self(), pthread_self()) != 0);
    SHOW(pthread_getconcurrency());
    SHOW_ERROR(pthread_setconcurrency(0));
    SHOW_ERROR(pthread_setconcurrency(-1));
}

static void lock_attributes(void)
{
    pthread_mutexattr_t mutex;
    pthread_condattr_t cond;
    pthread_rwlockattr_t rwlock;
    pthread_barrierattr_t barrier;
    clockid_t clock = 77;
    int value = -1;

    SHOW_ERROR(pthread_mutexattr_init(&mutex));
    SHOW_ERROR(pthread_mutexattr_gettype(&mutex, &value));
    SHOW(value == PTHREAD_MUTEX_DEFAULT);
    SHOW_ERROR(pthread_mutexattr_settype(&mutex, PTHREAD_MUTEX_RECURSIVE));
    SHOW_ERROR(pthread_mutexattr_gettype(&mutex, &value));
    SHOW(value == PTHREAD_MUTEX_RECURSIVE);
    SHOW_ERROR(pthread_mutexattr_settype(&mutex, 77));
    SHOW_ERROR(pthread_mutexattr_getpshared(&mutex, &value));
    SHOW(value == PTHREAD_PROCESS_PRIVATE);
    SHOW_ERROR(pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED));
    SHOW_ERROR(pthread_mutexattr_setpshared(&mutex, 77));
    SHOW_ERROR(pthread_mutexattr_getrobust(&mutex, &value));
    SHOW(value == PTHREAD_MUTEX_STALLED);
    SHOW_ERROR(pthread_mutexattr_setrobust(&mutex, 77));
    SHOW_ERROR(pthread_mutexattr_getprotocol(&mutex, &value));
    SHOW(value == PTHREAD_PRIO_NONE);
    SHOW_ERROR(pthread_mutexattr_setprotocol(&mutex, PTHREAD_PRIO_NONE));
    SHOW_ERROR(pthread_mutexattr_setprotocol(&mutex, 77));
    SHOW_ERROR(pthread_mutexattr_destroy(&mutex));
    SHOW_ERROR(pthread_condattr_init(&cond));
    SHOW_ERROR(pthread_condattr_getclock(&cond, &clock));
    SHOW(clock == CLOCK_REALTIME);
    SHOW_ERROR(pthread_condattr_setclock(&cond, CLOCK_MONOTONIC));
    SHOW_ERROR(pthread_condattr_getclock(&cond, &clock));
    SHOW(clock == CLOCK_MONOTONIC);
    SHOW_ERROR(pthread_condattr_setclock(&cond, 77));
    SHOW_ERROR(pthread_condattr_setclock(&cond, CLOCK_PROCESS_CPUTIME_ID));
    SHOW_ERROR(pthread_condattr_getpshared(&cond, &value));
    SHOW(value);
    SHOW_ERROR(pthread_condattr_setpshared(&cond, 77));
    SHOW_ERROR(pthread_condattr_destroy(&cond));
    SHOW_ERROR(pthread_rwlockattr_init(&rwlock));
    SHOW_ERROR(pthread_rwlockattr_getpshared(&rwlock, &value));
    SHOW(value);
    SHOW_ERROR(pthread_rwlockattr_setpshared(&rwlock, 77));
    SHOW_ERROR(pthread_rwlockattr_destroy(&rwlock));
    SHOW_ERROR(pthread_barrierattr_init(&barrier));
    SHOW_ERROR(pthread_barrierattr_setpshared(&barrier, 77));
    SHOW_ERROR(pthread_barrierattr_destroy(&barrier));
}

static char order[64];

static void cleans(void *arg)
{
    strcat(order, arg);
}

static void *with_cleanup(void *arg)
{
    int run = *(int *)arg;

    pthread_cleanup_push(cleans, "1");
    pthread_cleanup_push(cleans, "2");
    if (run == 2) {
        pthread_exit(NULL);
    }
    pthread_cleanup_pop(run);
    pthread_cleanup_pop(0);
    return NULL;
}

static void cancellation(void)
{
    int old = -1;
    pthread_t thread;

    SHOW_ERROR(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old));
    SHOW(old == PTHREAD_CANCEL_ENABLE);
    SHOW_ERROR(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old));
    SHOW(old == PTHREAD_CANCEL_DISABLE);
    SHOW_ERROR(pthread_setcancelstate(77, NULL));
    SHOW_ERROR(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old));
    SHOW(old == PTHREAD_CANCEL_DEFERRED);
    SHOW_ERROR(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &old));
    SHOW_ERROR(pthread_setcanceltype(77, NULL));
    pthread_testcancel();
    for (int run = 0; run < 3; run++) {
        pthread_create(&thread, NULL, with_cleanup, &run);
        pthread_join(thread, NULL);
        printf("clean-up %d = %s\n", run, order);
        order[0] = '\0';
    }
}

static void topic(void)
{
    attributes();
    made();
    lock_attributes();
    cancellation();
}
