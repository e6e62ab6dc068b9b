/* SPDX-License-Identifier: MIT */
/* Conditions. */
#include "threads.h"

#define MS INT64_C(1000000)

static int64_t now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
}

static QemuMutex lock;
static QemuCond cond;

static int waiting, woken, allowed;        /* under lock */

static void wait_for_leave(int index, void *opaque)
{
    (void)index;
    (void)opaque;
    qemu_mutex_lock(&lock);
    waiting++;
    while (allowed == 0) {
        qemu_cond_wait(&cond, &lock);
    }
    allowed--;
    woken++;
    qemu_mutex_unlock(&lock);
}

/* A thread that has counted itself is in the wait as soon as the lock is free. */
static void lock_when_waiting(int count)
{
    for (;;) {
        qemu_mutex_lock(&lock);
        if (waiting == count) {
            return;
        }
        qemu_mutex_unlock(&lock);
    }
}

static void start_waiters(TestGang *gang, int count)
{
    waiting = woken = allowed = 0;
    qemu_mutex_init(&lock);
    qemu_cond_init(&cond);
    test_gang_start(gang, count, wait_for_leave, NULL);
    lock_when_waiting(count);
}

static void cond_signal_wakes_one_each(void)
{
    TestGang gang;

    start_waiters(&gang, 3);
    for (int i = 0; i < 3; i++) {
        allowed++;
        qemu_cond_signal(&cond);
        qemu_mutex_unlock(&lock);
        qemu_mutex_lock(&lock);
    }
    qemu_mutex_unlock(&lock);
    test_gang_join(&gang);
    ASSERT_INT_EQ(woken, 3);
    qemu_cond_destroy(&cond);
}

static void cond_broadcast_wakes_all(void)
{
    TestGang gang;

    start_waiters(&gang, 4);
    allowed = 4;
    qemu_cond_broadcast(&cond);
    qemu_mutex_unlock(&lock);
    test_gang_join(&gang);
    ASSERT_INT_EQ(woken, 4);
    qemu_cond_destroy(&cond);
}

static void cond_destroy_under_a_waiter_panics(void)
{
    TestGang gang;

    start_waiters(&gang, 1);
    qemu_cond_destroy(&cond);
}

static void cond_timedwait_times_out_holding_the_mutex(void)
{
    int64_t start = now_ns();

    qemu_mutex_init(&lock);
    qemu_cond_init(&cond);
    qemu_mutex_lock(&lock);
    ASSERT_FALSE(qemu_cond_timedwait(&cond, &lock, 20));
    ASSERT_INT_GE(now_ns() - start, 20 * MS);
    ASSERT_FALSE(qemu_cond_timedwait(&cond, &lock, 0));
    ASSERT_INT_EQ(qemu_mutex_trylock(&lock), -EBUSY);
    qemu_mutex_unlock(&lock);
}

static void signal_once(void *opaque)
{
    (void)opaque;
    qemu_mutex_lock(&lock);
    qemu_cond_signal(&cond);
    qemu_mutex_unlock(&lock);
}

static void cond_timedwait_is_true_when_signalled(void)
{
    TestCall call = { signal_once, NULL };
    QemuThread thread;

    qemu_mutex_init(&lock);
    qemu_cond_init(&cond);
    qemu_mutex_lock(&lock);
    qemu_thread_create(&thread, "signal", test_call, &call,
                       QEMU_THREAD_JOINABLE);
    /* The thread gets the lock only when this one is in the wait. */
    ASSERT_TRUE(qemu_cond_timedwait(&cond, &lock, 60000));
    qemu_mutex_unlock(&lock);
    qemu_thread_join(&thread);
}

/* A buffer of one place, two producers, two consumers. */
static int place, produced, consumed;
static QemuCond changed;

static void produce_or_consume(int index, void *opaque)
{
    int items = *(int *)opaque;

    for (int i = 0; i < items; i++) {
        bool producer = index < 2;
        qemu_mutex_lock(&lock);
        while (place != !producer) {
            /* Some wait with a time-out that sometimes strikes. */
            if (index & 1) {
                qemu_cond_timedwait(&changed, &lock, 1);
            } else {
                qemu_cond_wait(&changed, &lock);
            }
        }
        place = producer;
        *(producer ? &produced : &consumed) += 1;
        qemu_cond_broadcast(&changed);
        qemu_mutex_unlock(&lock);
    }
}

static void cond_loses_no_wakeup(void)
{
    int items = test_rounds(2000);

    place = produced = consumed = 0;
    qemu_mutex_init(&lock);
    qemu_cond_init(&changed);
    test_in_threads(4, produce_or_consume, &items);
    ASSERT_INT_EQ(produced, 2 * items);
    ASSERT_INT_EQ(consumed, 2 * items);
    qemu_cond_destroy(&changed);
}

TEST_PROGRAM(
    TEST(cond_signal_wakes_one_each),
    TEST(cond_broadcast_wakes_all),
    TEST(cond_timedwait_times_out_holding_the_mutex),
    TEST(cond_timedwait_is_true_when_signalled),
    TEST(cond_loses_no_wakeup),
    TEST_PANICS(cond_destroy_under_a_waiter_panics, "somebody waits"),
)
