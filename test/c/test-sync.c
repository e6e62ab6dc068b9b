/* SPDX-License-Identifier: MIT */
/* Condition, semaphore, event, futex. */
#include "qemu/futex.h"
#include "threads.h"

#define MS INT64_C(1000000)

static int64_t now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
}

static QemuMutex lock;
static QemuCond cond;

/* ---- Condition ---- */

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

/* ---- Semaphore ---- */

static void sem_counts(void)
{
    QemuSemaphore sem;

    qemu_sem_init(&sem, 2);
    ASSERT_INT_EQ(qemu_sem_timedwait(&sem, 0), 0);
    qemu_sem_wait(&sem);
    ASSERT_INT_EQ(qemu_sem_timedwait(&sem, 0), -1);
    qemu_sem_post(&sem);
    ASSERT_INT_EQ(qemu_sem_timedwait(&sem, 0), 0);
    qemu_sem_destroy(&sem);
}

static void sem_timedwait_times_out(void)
{
    QemuSemaphore sem;
    int64_t start = now_ns();

    qemu_sem_init(&sem, 0);
    ASSERT_INT_EQ(qemu_sem_timedwait(&sem, 20), -1);
    ASSERT_INT_GE(now_ns() - start, 20 * MS);
    /* It left no trace: what is posted now is there once. */
    qemu_sem_post(&sem);
    ASSERT_INT_EQ(qemu_sem_timedwait(&sem, 20), 0);
    ASSERT_INT_EQ(qemu_sem_timedwait(&sem, 0), -1);
    qemu_sem_destroy(&sem);
}

typedef struct Tokens {
    QemuSemaphore sem;
    int rounds;
    uint32_t taken;
    uint32_t timeouts;
} Tokens;

static void pass_tokens(int index, void *opaque)
{
    Tokens *tokens = opaque;

    for (int i = 0; i < tokens->rounds; i++) {
        if (index < 2) {
            qemu_sem_post(&tokens->sem);
        } else if (index == 2) {
            qemu_sem_wait(&tokens->sem);
            qatomic_inc(&tokens->taken);
        } else {
            while (qemu_sem_timedwait(&tokens->sem, 1)) {
                qatomic_inc(&tokens->timeouts);
            }
            qatomic_inc(&tokens->taken);
        }
    }
}

static void sem_loses_no_token_and_no_wakeup(void)
{
    Tokens tokens = { .rounds = test_rounds(20000) };

    qemu_sem_init(&tokens.sem, 0);
    test_in_threads(4, pass_tokens, &tokens);
    ASSERT_INT_EQ(tokens.taken, 2 * tokens.rounds);
    ASSERT_INT_EQ(qemu_sem_timedwait(&tokens.sem, 0), -1);
}

static void sleep_for_a_token(int index, void *opaque)
{
    Tokens *tokens = opaque;

    (void)index;
    for (int i = 0; i < tokens->rounds; i++) {
        qemu_sem_wait(&tokens->sem);
        qatomic_inc(&tokens->taken);
    }
}

/*
 * Posts come in ones, twos and threes while three threads sleep, so that some
 * post finds no mark, and some sleeper leaves while others sleep on.
 */
static void sem_wakes_all_that_sleep(void)
{
    Tokens tokens = { .rounds = test_rounds(400) };
    uint32_t posted = 0;
    TestGang gang;

    qemu_sem_init(&tokens.sem, 0);
    test_gang_start(&gang, 3, sleep_for_a_token, &tokens);
    for (uint32_t i = 0; posted < 3 * (uint32_t)tokens.rounds; i++) {
        for (uint32_t k = 0; k <= i % 3; k++) {
            qemu_sem_post(&tokens.sem);
            posted += 1;
            if (posted == 3 * (uint32_t)tokens.rounds) {
                break;
            }
        }
        TEST_WAIT_UNTIL(qatomic_read(&tokens.taken) == posted);
        test_nap(UINT_MAX);               /* lets them fall asleep */
    }
    test_gang_join(&gang);
}

static void *post_it(void *opaque)
{
    qemu_sem_post(opaque);
    return NULL;
}

/* Under AddressSanitizer this sees a post that touches what it has posted. */
static void sem_may_be_freed_by_who_took_it(void)
{
    for (int i = 0; i < test_rounds(200); i++) {
        QemuSemaphore *sem = malloc(sizeof(*sem));
        QemuThread thread;

        qemu_sem_init(sem, 0);
        qemu_thread_create(&thread, "post", post_it, sem,
                           QEMU_THREAD_DETACHED);
        qemu_sem_wait(sem);
        qemu_sem_destroy(sem);
        memset(sem, 0x55, sizeof(*sem));
        free(sem);
    }
}

/* ---- Event ---- */

static void event_wait_returns_while_it_is_set(void)
{
    QemuEvent ev;

    qemu_event_init(&ev, true);
    qemu_event_wait(&ev);
    qemu_event_wait(&ev);
    qemu_event_reset(&ev);
    qemu_event_set(&ev);
    qemu_event_set(&ev);
    qemu_event_wait(&ev);
    qemu_event_destroy(&ev);
}

static QemuEvent gate;
static uint32_t passed;

static void pass_gate(int index, void *opaque)
{
    (void)index;
    (void)opaque;
    qatomic_inc(&passed);
    qemu_event_wait(&gate);
    qatomic_inc(&passed);
}

static void event_set_wakes_all_waiters(void)
{
    TestGang gang;

    passed = 0;
    qemu_event_init(&gate, false);
    test_gang_start(&gang, 4, pass_gate, NULL);
    TEST_WAIT_UNTIL(qatomic_read(&passed) == 4);
    qemu_event_set(&gate);
    test_gang_join(&gang);
    ASSERT_INT_EQ(passed, 8);
}

static void event_reset_makes_wait_wait(void)
{
    TestGang gang;

    passed = 0;
    qemu_event_init(&gate, true);
    qemu_event_reset(&gate);
    test_gang_start(&gang, 1, pass_gate, NULL);
    TEST_WAIT_UNTIL(qatomic_read(&passed) == 1);
    for (int i = 0; i < 100000; i++) {
        ASSERT_INT_EQ(qatomic_read(&passed), 1);
    }
    qemu_event_set(&gate);
    test_gang_join(&gang);
}

static void event_reset_does_not_forget_a_waiter(void)
{
    for (int i = 0; i < 20; i++) {
        TestGang gang;

        passed = 0;
        qemu_event_init(&gate, false);
        test_gang_start(&gang, 1, pass_gate, NULL);
        TEST_WAIT_UNTIL(qatomic_read(&passed) == 1);
        test_nap(UINT_MAX);               /* lets it fall asleep */
        qemu_event_reset(&gate);
        qemu_event_set(&gate);
        test_gang_join(&gang);
    }
}

/*
 * The protocol of its users: the waiter resets, then looks whether there is
 * work, then waits; the setter makes work, then sets. Plain data is published by
 * the event alone.
 */
typedef struct Work {
    QemuEvent made, taken;
    int rounds;
    int item;                  /* no atomic */
} Work;

static void make_or_take(int index, void *opaque)
{
    Work *work = opaque;

    for (int i = 1; i <= work->rounds; i++) {
        if (index == 0) {
            work->item = i;
            qemu_event_set(&work->made);
            qemu_event_wait(&work->taken);
            qemu_event_reset(&work->taken);
        } else {
            qemu_event_wait(&work->made);
            qemu_event_reset(&work->made);
            ASSERT_INT_EQ(work->item, i);
            qemu_event_set(&work->taken);
        }
    }
}

static void event_publishes_what_was_written_before_set(void)
{
    Work work = { .rounds = test_rounds(20000) };

    qemu_event_init(&work.made, false);
    qemu_event_init(&work.taken, false);
    test_in_threads(2, make_or_take, &work);
}

typedef struct Flood {
    QemuEvent ev;
    uint32_t made;
    int rounds;
} Flood;

static void flood(int index, void *opaque)
{
    Flood *f = opaque;
    uint32_t all = 3 * (uint32_t)f->rounds;

    if (index > 0) {
        for (int i = 0; i < f->rounds; i++) {
            qatomic_inc(&f->made);
            qemu_event_set(&f->ev);
        }
        return;
    }
    for (;;) {
        qemu_event_reset(&f->ev);
        if (qatomic_read(&f->made) == all) {
            return;
        }
        /* A set that was lost leaves this asleep. */
        qemu_event_wait(&f->ev);
    }
}

static void event_loses_no_set(void)
{
    Flood f = { .rounds = test_rounds(50000) };

    qemu_event_init(&f.ev, false);
    test_in_threads(4, flood, &f);
}

/* ---- Futex ---- */

static void futex_wait_returns_when_the_word_differs(void)
{
    uint32_t word = 1;

    qemu_futex_wait(&word, 0);
    qemu_futex_wake(&word, INT_MAX);
}

static void turn_word(void *opaque)
{
    qatomic_mb_set((uint32_t *)opaque, 1);
    qemu_futex_wake(opaque, 1);
}

static void futex_wake_ends_a_wait(void)
{
    for (int i = 0; i < 100; i++) {
        uint32_t word = 0;
        TestCall call = { turn_word, &word };
        QemuThread thread;

        qemu_thread_create(&thread, "wake", test_call, &call,
                           QEMU_THREAD_JOINABLE);
        while (!qatomic_mb_read(&word)) {
            qemu_futex_wait(&word, 0);
        }
        qemu_thread_join(&thread);
    }
}

TEST_MAIN(
    TEST(cond_signal_wakes_one_each),
    TEST(cond_broadcast_wakes_all),
    TEST(cond_timedwait_times_out_holding_the_mutex),
    TEST(cond_timedwait_is_true_when_signalled),
    TEST(cond_loses_no_wakeup),
    TEST(sem_counts),
    TEST(sem_timedwait_times_out),
    TEST(sem_loses_no_token_and_no_wakeup),
    TEST(sem_wakes_all_that_sleep),
    TEST(sem_may_be_freed_by_who_took_it),
    TEST(event_wait_returns_while_it_is_set),
    TEST(event_set_wakes_all_waiters),
    TEST(event_reset_makes_wait_wait),
    TEST(event_reset_does_not_forget_a_waiter),
    TEST(event_publishes_what_was_written_before_set),
    TEST(event_loses_no_set),
    TEST(futex_wait_returns_when_the_word_differs),
    TEST(futex_wake_ends_a_wait),
    TEST_PANICS(cond_destroy_under_a_waiter_panics, "somebody waits"),
)
