/* SPDX-License-Identifier: MIT */
/* Numbers that are too large, and more of something than there can be: served, or refused
 * by name. */
#include "coroutine/coroutine.h"
#include "loop.h"
#include "port/sanitize.h"
#include "qemu/main-loop.h"
#include <pthread.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/select.h>

/* ---- Deadlines at the end of time ---- */

static void never(void *opaque)
{
    (void)opaque;
    TEST_FAIL("292 years are over");
}

static void timers_at_the_end_of_time(void)
{
    static const int64_t ends[] = { INT64_MAX, INT64_MAX - 1, INT64_MAX / 2 };
    static const int scales[] = { SCALE_NS, SCALE_US, SCALE_MS };

    loop_setup();
    for (int clock = 0; clock < QEMU_CLOCK_MAX; clock++) {
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
            for (size_t j = 0; j < ARRAY_SIZE(scales); j++) {
                QEMUTimer *timer = aio_timer_new(ctx, (QEMUClockType)clock,
                                                 scales[j], never, NULL);
                int64_t timeout;

                timer_mod(timer, ends[i]);
                timer_mod_anticipate(timer, ends[i]);
                ASSERT_FALSE(aio_poll(ctx, false));
                /* Years away; -1 where the clock is off. */
                timeout = aio_compute_timeout(ctx);
                ASSERT_TRUE(timeout > 30000000 * NANOSECONDS_PER_SECOND ||
                            (timeout == -1 && clock == QEMU_CLOCK_VIRTUAL));
                ASSERT_TRUE(timer_pending(timer));
                timer_free(timer);
            }
        }
    }
    ASSERT_INT_EQ(qemu_timeout_ns_to_ms(INT64_MAX), INT32_MAX);
    loop_teardown();
}

static void timers_before_the_beginning(void)
{
    QEMUTimer timer;

    loop_setup();
    timer_setup(&timer, journal_cb, "t");
    timer.scale = SCALE_MS;
    timer_mod(&timer, INT64_MIN);
    while (timer_pending(&timer)) {
        aio_poll(ctx, true);
    }
    ASSERT_STR_EQ(journal, "t");
    loop_teardown();
}

/* A poll that sleeps towards such a deadline, is woken, and goes by the others. */
static void wake(void *opaque)
{
    aio_notify(opaque);
}

static void a_poll_sleeps_towards_the_end_of_time(void)
{
    WhenAsleep w;
    QEMUTimer timer;

    loop_setup();
    timer_setup(&timer, never, NULL);
    timer_mod_ns(&timer, INT64_MAX);
    ASSERT_FALSE(aio_poll(ctx, false));        /* arming it has notified the loop */
    when_asleep(&w, wake, ctx);
    ASSERT_FALSE(when_asleep_poll(&w));
    when_asleep_join(&w);
    timer_del(&timer);
    loop_teardown();
}

/* ---- Sleeps ---- */

static QemuCoSleep co_sleep;

static void coroutine_fn sleep_for_ever(void *opaque)
{
    qemu_co_sleep_ns_wakeable(&co_sleep, QEMU_CLOCK_REALTIME, *(int64_t *)opaque);
    journal_add('w');
}

static void coroutines_sleep_to_the_end_of_time(void)
{
    int64_t longest = INT64_MAX, nearly = INT64_MAX - 1;

    loop_setup();
    for (int i = 0; i < 2; i++) {
        qemu_coroutine_enter(qemu_coroutine_create(sleep_for_ever,
                                                   i ? &nearly : &longest));
        ASSERT_FALSE(aio_poll(ctx, false));
        qemu_co_sleep_wake(&co_sleep);
    }
    ASSERT_STR_EQ(journal, "ww");
    loop_teardown();
}

static sem_t sem;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond;
static int waiting;

static const struct timespec at_the_end = { INT64_MAX, 999999999 };

static void *take(void *opaque)
{
    int ret;

    while ((ret = sem_timedwait(&sem, &at_the_end)) < 0 && errno == EINTR) {
        continue;
    }
    *(int *)opaque = ret;
    return NULL;
}

static void *wait_for_cond(void *opaque)
{
    pthread_mutex_lock(&mutex);
    waiting = 1;
    *(int *)opaque = pthread_cond_timedwait(&cond, &mutex, &at_the_end);
    waiting = 2;
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void pthreads_wait_to_the_end_of_time(void)
{
    const struct timespec before = { INT64_MIN, 0 };
    pthread_t threads[2];
    int taken = -2, signalled = -2;

    ASSERT_INT_EQ(sem_init(&sem, 0, 0), 0);
    ASSERT_INT_EQ(pthread_cond_init(&cond, NULL), 0);
    pthread_mutex_lock(&mutex);
#if defined(__wasm__)
    /* The C library's own may call this an error. */
    ASSERT_INT_EQ(sem_timedwait(&sem, &before), -1);
    ASSERT_INT_EQ(errno, ETIMEDOUT);
    ASSERT_INT_EQ(pthread_cond_timedwait(&cond, &mutex, &before), ETIMEDOUT);
#else
    (void)before;
#endif
    pthread_mutex_unlock(&mutex);
    pthread_create(&threads[0], NULL, take, &taken);
    pthread_create(&threads[1], NULL, wait_for_cond, &signalled);
    for (int turn = 0, state = 0; state < 2; turn++) {
        pthread_mutex_lock(&mutex);
        state = waiting;
        if (state == 1) {
            pthread_cond_broadcast(&cond);
        }
        pthread_mutex_unlock(&mutex);
        test_nap((unsigned)turn);
    }
    ASSERT_INT_EQ(sem_post(&sem), 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    ASSERT_INT_EQ(taken, 0);
    ASSERT_INT_EQ(signalled, 0);
}

/* It ends because the descriptor is ready, whatever the time-out. */
static void select_takes_any_time_out(void)
{
    struct timeval tv = { INT32_MAX, 999999 };
    struct timespec ts = { INT64_MAX, 999999999 };
    int ends[2];
    fd_set set;

    ASSERT_INT_EQ(pipe(ends), 0);
    ASSERT_INT_EQ(write(ends[1], "x", 1), 1);
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    ASSERT_INT_EQ(select(ends[0] + 1, &set, NULL, NULL, &tv), 1);
#if defined(__wasm__)
    tv = (struct timeval){ INT64_MAX, 999999 };
    ASSERT_INT_EQ(select(ends[0] + 1, &set, NULL, NULL, &tv), 1);
#endif
    ASSERT_INT_EQ(pselect(ends[0] + 1, &set, NULL, NULL, &ts, NULL), 1);
}

/* ---- File descriptors ---- */

static void an_fd_of_half_a_billion(void)
{
    loop_setup();
    /* Removing what is not there is no error, and looking for it needs no memory. */
    aio_set_fd_handler(ctx, 500000000, false, NULL, NULL, NULL, NULL);
    aio_set_fd_poll(ctx, INT_MAX, never, never);
    aio_set_fd_handler(ctx, 500000000, false, never, NULL, NULL, NULL);
}

static void the_largest_fd(void)
{
    loop_setup();
    aio_set_fd_handler(ctx, INT_MAX, false, never, NULL, NULL, NULL);
}

static void a_negative_fd(void)
{
    loop_setup();
    aio_set_fd_handler(ctx, INT_MIN, false, never, NULL, NULL, NULL);
}

/* ---- Coroutines ---- */

#if !defined(WITH_ASAN) && !defined(WITH_TSAN) && !defined(__wasm__)
static void coroutine_fn yield_once(void *opaque)
{
    qemu_coroutine_yield();
    ++*(int *)opaque;
}

/* As many as there can be at a time; with those that are there one can go on. */
static void a_hundred_thousand_coroutines(void)
{
    enum { MANY = 100000 };
    Coroutine **cos = malloc(MANY * sizeof(*cos)), *another;
    int made = 0, ended = 0;

    ASSERT_TRUE(cos);
    qemu_coroutine_set_stack_size(64 * 1024, 1024);
    while (made < MANY &&
           (cos[made] = qemu_coroutine_try_create(yield_once, &ended))) {
        qemu_coroutine_enter(cos[made++]);
    }
    ASSERT_INT_GE(made, 10000);
    for (int i = 0; i < made; i++) {
        qemu_coroutine_enter(cos[i]);
    }
    ASSERT_INT_EQ(ended, made);
    another = qemu_coroutine_try_create(yield_once, &ended);
    ASSERT_TRUE(another);
    qemu_coroutine_enter(another);
    qemu_coroutine_enter(another);
    free(cos);
}
#endif

TEST_PROGRAM(
    TEST(timers_at_the_end_of_time),
    TEST(timers_before_the_beginning),
    TEST(a_poll_sleeps_towards_the_end_of_time),
    TEST(coroutines_sleep_to_the_end_of_time),
    TEST(pthreads_wait_to_the_end_of_time),
    TEST(select_takes_any_time_out),
    TEST_PANICS(an_fd_of_half_a_billion, "aio_set_fd_handler: fd 500000000: Bad file"),
    TEST_PANICS(the_largest_fd, "aio_set_fd_handler: fd 2147483647: Bad file"),
    TEST_PANICS(a_negative_fd, "aio_set_fd_handler: fd -2147483648"),
#if !defined(WITH_ASAN) && !defined(WITH_TSAN) && !defined(__wasm__)
    TEST(a_hundred_thousand_coroutines),
#endif
)
