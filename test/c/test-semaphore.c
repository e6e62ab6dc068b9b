/* SPDX-License-Identifier: MIT */
/* Semaphores. */
#include "threads.h"

#define MS INT64_C(1000000)

static int64_t now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
}

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

TEST_PROGRAM(
    TEST(sem_counts),
    TEST(sem_timedwait_times_out),
    TEST(sem_loses_no_token_and_no_wakeup),
    TEST(sem_wakes_all_that_sleep),
    TEST(sem_may_be_freed_by_who_took_it),
)
