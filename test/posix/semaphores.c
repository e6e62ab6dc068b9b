/* SPDX-License-Identifier: MIT */
/* POSIX semaphores, with and without names; detached threads; timed waits of C11. */
#include <pthread.h>
#include <semaphore.h>
#include <threads.h>
#include <time.h>
#include "topic.h"

static const char *opened(sem_t *sem)
{
    return sem == SEM_FAILED ? errno_name(errno) : "ok";
}

static void *posts(void *opaque)
{
    sem_t *sem = sem_open("/topic-rendezvous", 0);

    printf("another thread opens it = %s\n", sem == opaque ? "the same" : "another one");
    sem_post(sem);
    sem_close(sem);
    return NULL;
}

static void names(void)
{
    sem_t *one = sem_open("/topic-rendezvous", O_CREAT | O_EXCL, 0600, 0), *two;
    pthread_t thread;
    int value = -1;

    printf("sem_open O_EXCL = %s\n", opened(one));
    errno = 0;
    printf("sem_open O_EXCL again = %s\n", opened(sem_open("/topic-rendezvous", O_CREAT | O_EXCL, 0600, 0)));
    two = sem_open("/topic-rendezvous", O_CREAT, 0600, 5);
    printf("sem_open O_CREAT of one that exists = %s\n", two == one ? "the same" : "another one");
    SHOW(sem_getvalue(two, &value));
    printf("its value = %d\n", value);
    pthread_create(&thread, NULL, posts, one);
    SHOW(sem_wait(one));
    pthread_join(thread, NULL);
    SHOW(sem_close(two));
    SHOW(sem_unlink("/topic-rendezvous"));
    SHOW(sem_unlink("/topic-rendezvous"));
    errno = 0;
    printf("sem_open after sem_unlink = %s\n", opened(sem_open("/topic-rendezvous", 0)));
    SHOW(sem_post(one));
    SHOW(sem_trywait(one));
    SHOW(sem_close(one));
    errno = 0;
    printf("sem_open of / = %s\n", opened(sem_open("/", O_CREAT, 0600, 0)));
    errno = 0;
    printf("sem_open of a/b = %s\n", opened(sem_open("/a/b", O_CREAT, 0600, 0)));
    errno = 0;
    printf("sem_open with too large a value = %s\n", opened(sem_open("/topic-large", O_CREAT, 0600, 0x80000000u)));
    SHOW(sem_unlink("/topic-large"));
}

static void unnamed(void)
{
    const struct timespec past = { 1, 0 }, bad = { 1, 1000000000 };
    sem_t sem;
    int value = -1;

    SHOW(sem_init(&sem, 0, 2));
    SHOW(sem_timedwait(&sem, &bad));
    SHOW(sem_timedwait(&sem, &past));
    SHOW(sem_trywait(&sem));
    SHOW(sem_timedwait(&sem, &past));
    SHOW(sem_timedwait(&sem, &bad));
    SHOW(sem_trywait(&sem));
    SHOW(sem_post(&sem));
    SHOW(sem_getvalue(&sem, &value));
    printf("the value = %d\n", value);
    SHOW(sem_destroy(&sem));
    SHOW(sem_init(&sem, 0, 0x80000000u));
    SHOW(sem_init(&sem, 0, 0x7fffffff));
    SHOW(sem_post(&sem));
}

static void *waits(void *opaque)
{
    sem_wait(opaque);
    return NULL;
}

static void detached(void)
{
    /* The thread may still wait for it when this function has returned. */
    static sem_t sem;
    pthread_attr_t attr;
    pthread_t thread;
    int state;

    sem_init(&sem, 0, 0);
    SHOW_ERROR(pthread_attr_init(&attr));
    SHOW_ERROR(pthread_attr_getdetachstate(&attr, &state));
    printf("joinable = %d\n", state == PTHREAD_CREATE_JOINABLE);
    SHOW_ERROR(pthread_attr_setdetachstate(&attr, 99));
    SHOW_ERROR(pthread_attr_setstacksize(&attr, 1));
    SHOW_ERROR(pthread_create(&thread, &attr, waits, &sem));
    SHOW_ERROR(pthread_detach(thread));
    SHOW_ERROR(pthread_detach(thread));
    SHOW_ERROR(pthread_join(thread, NULL));
    SHOW(sem_post(&sem));
    SHOW_ERROR(pthread_attr_destroy(&attr));
}

static int calls;

static void once(void)
{
    calls++;
}

static void c11(void)
{
    const struct timespec past = { 1, 0 };
    once_flag flag = ONCE_FLAG_INIT;
    mtx_t mutex;
    cnd_t cond;

    call_once(&flag, once);
    call_once(&flag, once);
    printf("call_once = %d\n", calls);
    mtx_init(&mutex, mtx_timed);
    cnd_init(&cond);
    mtx_lock(&mutex);
    printf("cnd_timedwait = %d\n", cnd_timedwait(&cond, &mutex, &past) == thrd_timedout);
    printf("mtx_trylock = %d\n", mtx_trylock(&mutex) == thrd_busy);
    printf("mtx_timedlock = %d\n", mtx_timedlock(&mutex, &past) == thrd_timedout);
    mtx_unlock(&mutex);
}

static void topic(void)
{
    names();
    unnamed();
    detached();
    c11();
}
