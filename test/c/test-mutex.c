/* SPDX-License-Identifier: MIT */
/* Mutex, recursive mutex, spin lock. */
#include "threads.h"

/* ---- Mutex ---- */

static QemuMutex mutex;
static QemuRecMutex rec_mutex;
static QemuSpin spin;
static int plain;               /* no atomic: the lock has to do it */

static void add_under_mutex(int index, void *opaque)
{
    (void)index;
    for (int i = *(int *)opaque; i > 0; i--) {
        qemu_mutex_lock(&mutex);
        plain++;
        qemu_mutex_unlock(&mutex);
    }
}

static void mutex_excludes(void)
{
    int rounds = test_rounds(50000);

    plain = 0;
    qemu_mutex_init(&mutex);
    test_in_threads(4, add_under_mutex, &rounds);
    ASSERT_INT_EQ(plain, 4 * rounds);
    qemu_mutex_destroy(&mutex);
}

static void expect_busy(void *opaque)
{
    ASSERT_INT_EQ(qemu_mutex_trylock(opaque), -EBUSY);
}

static void expect_free(void *opaque)
{
    ASSERT_INT_EQ(qemu_mutex_trylock(opaque), 0);
    qemu_mutex_unlock(opaque);
}

static void mutex_trylock_tells_busy_from_free(void)
{
    QemuMutex m;

    qemu_mutex_init(&m);
    ASSERT_INT_EQ(qemu_mutex_trylock(&m), 0);
    ASSERT_INT_EQ(qemu_mutex_trylock(&m), -EBUSY);
    test_elsewhere(expect_busy, &m);
    qemu_mutex_unlock(&m);
    test_elsewhere(expect_free, &m);
    qemu_mutex_destroy(&m);
}

static void mutex_unlock_of_a_free_one_panics(void)
{
    QemuMutex m;

    qemu_mutex_init(&m);
    qemu_mutex_unlock(&m);
}

static void mutex_destroy_of_a_locked_one_panics(void)
{
    QemuMutex m;

    qemu_mutex_init(&m);
    qemu_mutex_lock(&m);
    qemu_mutex_destroy(&m);
}

/* Whose turn it is: each thread holds the lock until the other must sleep for
 * it, so that a lost wake-up hangs. */
static void take_long_turns(int index, void *opaque)
{
    uint32_t *waiting = opaque;

    (void)index;
    for (int i = 0; i < 300; i++) {
        qatomic_inc(waiting);
        qemu_mutex_lock(&mutex);
        qatomic_dec(waiting);
        for (int spins = 0; spins < 20000 && !qatomic_read(waiting); spins++) {
            barrier();
        }
        for (int spins = 0; spins < 3000; spins++) {
            barrier();
        }
        plain++;
        qemu_mutex_unlock(&mutex);
    }
}

static void mutex_wakes_who_sleeps_for_it(void)
{
    uint32_t waiting = 0;

    plain = 0;
    qemu_mutex_init(&mutex);
    test_in_threads(4, take_long_turns, &waiting);
    ASSERT_INT_EQ(plain, 4 * 300);
}

/* ---- Recursive mutex ---- */

static void expect_rec_busy(void *opaque)
{
    ASSERT_INT_EQ(qemu_rec_mutex_trylock(opaque), -EBUSY);
}

static void expect_rec_free(void *opaque)
{
    ASSERT_INT_EQ(qemu_rec_mutex_trylock(opaque), 0);
    qemu_rec_mutex_unlock(opaque);
}

static void rec_mutex_is_free_after_as_many_unlocks(void)
{
    QemuRecMutex m;

    qemu_rec_mutex_init(&m);
    qemu_rec_mutex_lock(&m);
    qemu_rec_mutex_lock(&m);
    ASSERT_INT_EQ(qemu_rec_mutex_trylock(&m), 0);
    for (int i = 0; i < 3; i++) {
        test_elsewhere(expect_rec_busy, &m);
        qemu_rec_mutex_unlock(&m);
    }
    test_elsewhere(expect_rec_free, &m);
    qemu_rec_mutex_destroy(&m);
}

static void add_under_rec_mutex(int index, void *opaque)
{
    (void)index;
    for (int i = *(int *)opaque; i > 0; i--) {
        qemu_rec_mutex_lock(&rec_mutex);
        qemu_rec_mutex_lock(&rec_mutex);
        plain++;
        qemu_rec_mutex_unlock(&rec_mutex);
        plain++;
        qemu_rec_mutex_unlock(&rec_mutex);
    }
}

static void rec_mutex_excludes(void)
{
    int rounds = test_rounds(20000);

    plain = 0;
    qemu_rec_mutex_init(&rec_mutex);
    test_in_threads(4, add_under_rec_mutex, &rounds);
    ASSERT_INT_EQ(plain, 8 * rounds);
    qemu_rec_mutex_destroy(&rec_mutex);
}

static void unlock_rec(void *opaque)
{
    qemu_rec_mutex_unlock(opaque);
}

static void rec_mutex_unlock_by_another_thread_panics(void)
{
    QemuRecMutex m;

    qemu_rec_mutex_init(&m);
    qemu_rec_mutex_lock(&m);
    test_elsewhere(unlock_rec, &m);
}

/* ---- Spin lock ---- */

static void add_under_spin(int index, void *opaque)
{
    (void)index;
    for (int i = *(int *)opaque; i > 0; i--) {
        qemu_spin_lock(&spin);
        plain++;
        qemu_spin_unlock(&spin);
    }
}

static void spin_excludes(void)
{
    int rounds = test_rounds(5000);

    plain = 0;
    qemu_spin_init(&spin);
    test_in_threads(2, add_under_spin, &rounds);
    ASSERT_INT_EQ(plain, 2 * rounds);
    qemu_spin_destroy(&spin);
}

static void spin_trylock_is_true_when_it_is_taken(void)
{
    qemu_spin_init(&spin);
    ASSERT_FALSE(qemu_spin_locked(&spin));
    ASSERT_FALSE(qemu_spin_trylock(&spin));
    ASSERT_TRUE(qemu_spin_locked(&spin));
    ASSERT_TRUE(qemu_spin_trylock(&spin));
    qemu_spin_unlock(&spin);
    ASSERT_FALSE(qemu_spin_locked(&spin));
    qemu_spin_destroy(&spin);
}

static void spin_unlock_of_a_free_one_panics(void)
{
    qemu_spin_init(&spin);
    qemu_spin_unlock(&spin);
}

TEST_PROGRAM(
    TEST(mutex_excludes),
    TEST(mutex_trylock_tells_busy_from_free),
    TEST(mutex_wakes_who_sleeps_for_it),
    TEST(rec_mutex_is_free_after_as_many_unlocks),
    TEST(rec_mutex_excludes),
    TEST(spin_excludes),
    TEST(spin_trylock_is_true_when_it_is_taken),
    TEST_PANICS(mutex_unlock_of_a_free_one_panics, "is not locked"),
    TEST_PANICS(mutex_destroy_of_a_locked_one_panics, "is locked"),
    TEST_PANICS(rec_mutex_unlock_by_another_thread_panics,
                "is not locked by this thread"),
    TEST_PANICS(spin_unlock_of_a_free_one_panics, "is not locked"),
)
