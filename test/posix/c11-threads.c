/* SPDX-License-Identifier: MIT */
/* The threads of C11: thrd_, mtx_, cnd_, tss_, call_once. */
#include "topic.h"
#include <threads.h>
#include <time.h>

enum { THREADS = 4 };

static tss_t key;
static once_flag flag = ONCE_FLAG_INIT;
static mtx_t plain, recursive, timed;
static cnd_t cond;
static int onces, freed, turn, detached_ran;
static thread_local int mine = 5;

static void count_once(void)
{
    onces++;
}

static void destroy(void *data)
{
    __atomic_add_fetch(&freed, *(int *)data, __ATOMIC_SEQ_CST);
    free(data);
}

static int body(void *arg)
{
    int *number = malloc(sizeof(*number));

    call_once(&flag, count_once);
    *number = *(int *)arg;
    tss_set(key, number);
    mine += *number;
    mtx_lock(&plain);
    while (turn != *number) {
        cnd_wait(&cond, &plain);
    }
    printf("thread %d has %d\n", *(int *)tss_get(key), mine);
    turn++;
    cnd_broadcast(&cond);
    mtx_unlock(&plain);
    if (*number == 4) {
        thrd_exit(44);
    }
    return *number * 10;
}

static int tries(void *arg)
{
    return mtx_trylock(arg) == thrd_busy;
}

static int detached(void *arg)
{
    mtx_lock(&plain);
    detached_ran = 1;
    cnd_signal(&cond);
    mtx_unlock(&plain);
    (void)arg;
    return 0;
}

static void topic(void)
{
    static int numbers[THREADS] = { 1, 2, 3, 4 };
    thrd_t threads[THREADS];
    struct timespec ts;
    int results[THREADS];

    SHOW(thrd_success);
    SHOW(tss_create(&key, destroy));
    SHOW(mtx_init(&plain, mtx_plain));
    SHOW(mtx_init(&recursive, mtx_plain | mtx_recursive));
    SHOW(mtx_init(&timed, mtx_timed));
    SHOW(cnd_init(&cond));

    for (int i = 0; i < THREADS; i++) {
        thrd_create(&threads[i], body, &numbers[i]);
    }
    mtx_lock(&plain);
    turn = 1;
    cnd_broadcast(&cond);
    mtx_unlock(&plain);
    for (int i = 0; i < THREADS; i++) {
        thrd_join(threads[i], &results[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        SHOW(results[i]);
    }
    SHOW(onces);
    SHOW(freed);
    SHOW(tss_get(key) == NULL);
    SHOW(mine);

    SHOW(mtx_lock(&recursive));
    SHOW(mtx_trylock(&recursive));
    thrd_create(&threads[0], tries, &recursive);
    thrd_join(threads[0], &results[0]);
    printf("another thread: mtx_trylock is busy = %d\n", results[0]);
    SHOW(mtx_unlock(&recursive));
    SHOW(mtx_unlock(&recursive));
    SHOW(mtx_trylock(&plain));
    SHOW(mtx_trylock(&plain) == thrd_busy);
    timespec_get(&ts, TIME_UTC);
    SHOW(cnd_timedwait(&cond, &plain, &ts) == thrd_timedout);
    SHOW(mtx_trylock(&plain) == thrd_busy);
    SHOW(mtx_unlock(&plain));
    SHOW(mtx_lock(&timed));
    SHOW(mtx_timedlock(&timed, &ts) == thrd_timedout);
    SHOW(mtx_unlock(&timed));
    SHOW(mtx_timedlock(&timed, &ts) == thrd_success);

    mtx_lock(&plain);
    SHOW(thrd_create(&threads[0], detached, NULL));
    SHOW(thrd_detach(threads[0]));
    while (!detached_ran) {
        cnd_wait(&cond, &plain);
    }
    mtx_unlock(&plain);
    SHOW(thrd_equal(thrd_current(), thrd_current()) != 0);
    SHOW((thrd_equal)(thrd_current(), threads[1]) != 0);
    ts = (struct timespec){ 0, 1000 };
    SHOW(thrd_sleep(&ts, NULL));
    thrd_yield();

    SHOW(tss_set(key, &ts));
    tss_delete(key);
    SHOW(tss_create(&key, NULL));
    SHOW(tss_get(key) == NULL);
    cnd_destroy(&cond);
    mtx_destroy(&plain);
}
