/* SPDX-License-Identifier: MIT */
/* LockCnt: readers count, writers lock, and the last reader may do both. */
#include "threads.h"

static QemuLockCnt cnt;

static void inc_and_dec_count(void)
{
    qemu_lockcnt_init(&cnt);
    ASSERT_INT_EQ(qemu_lockcnt_count(&cnt), 0);
    qemu_lockcnt_inc(&cnt);
    qemu_lockcnt_inc(&cnt);
    ASSERT_INT_EQ(qemu_lockcnt_count(&cnt), 2);
    qemu_lockcnt_dec(&cnt);
    ASSERT_INT_EQ(qemu_lockcnt_count(&cnt), 1);
    qemu_lockcnt_dec(&cnt);
    ASSERT_INT_EQ(qemu_lockcnt_count(&cnt), 0);
    qemu_lockcnt_destroy(&cnt);
}

static void dec_and_lock_locks_on_the_last_only(void)
{
    qemu_lockcnt_init(&cnt);
    qemu_lockcnt_inc(&cnt);
    qemu_lockcnt_inc(&cnt);
    ASSERT_FALSE(qemu_lockcnt_dec_and_lock(&cnt));
    ASSERT_INT_EQ(qemu_lockcnt_count(&cnt), 1);
    ASSERT_TRUE(qemu_lockcnt_dec_and_lock(&cnt));
    ASSERT_INT_EQ(qemu_lockcnt_count(&cnt), 0);
    qemu_lockcnt_unlock(&cnt);
    qemu_lockcnt_destroy(&cnt);
}

static void dec_if_lock_changes_nothing_unless_the_count_is_one(void)
{
    qemu_lockcnt_init(&cnt);
    ASSERT_FALSE(qemu_lockcnt_dec_if_lock(&cnt));
    ASSERT_INT_EQ(qemu_lockcnt_count(&cnt), 0);
    qemu_lockcnt_inc(&cnt);
    qemu_lockcnt_inc(&cnt);
    ASSERT_FALSE(qemu_lockcnt_dec_if_lock(&cnt));
    ASSERT_INT_EQ(qemu_lockcnt_count(&cnt), 2);
    qemu_lockcnt_dec(&cnt);
    ASSERT_TRUE(qemu_lockcnt_dec_if_lock(&cnt));
    ASSERT_INT_EQ(qemu_lockcnt_count(&cnt), 0);
    qemu_lockcnt_inc_and_unlock(&cnt);
    ASSERT_INT_EQ(qemu_lockcnt_count(&cnt), 1);
    qemu_lockcnt_dec(&cnt);
    qemu_lockcnt_destroy(&cnt);
}

/* ---- Who waits and who does not ---- */

static void dec_then_inc(void *opaque)
{
    (void)opaque;
    qemu_lockcnt_dec(&cnt);
    qemu_lockcnt_inc(&cnt);
}

/* In another thread, so that a wait hangs the test. */
static void inc_and_dec_do_not_wait_for_the_lock_while_counted(void)
{
    qemu_lockcnt_init(&cnt);
    qemu_lockcnt_inc(&cnt);
    qemu_lockcnt_inc(&cnt);
    qemu_lockcnt_lock(&cnt);
    test_elsewhere(dec_then_inc, NULL);
    ASSERT_INT_EQ(qemu_lockcnt_count(&cnt), 2);
    qemu_lockcnt_unlock(&cnt);
    qemu_lockcnt_dec(&cnt);
    qemu_lockcnt_dec(&cnt);
    qemu_lockcnt_destroy(&cnt);
}

static uint32_t state;

static void *inc_from_zero(void *opaque)
{
    qatomic_mb_set(&state, 1);
    qemu_lockcnt_inc(&cnt);
    qatomic_mb_set(&state, 2);
    return opaque;
}

static void inc_from_zero_waits_for_the_lock(void)
{
    QemuThread thread;

    for (int i = 0; i < test_rounds(50); i++) {
        qemu_lockcnt_init(&cnt);
        qemu_lockcnt_lock(&cnt);
        qatomic_mb_set(&state, 0);
        qemu_thread_create(&thread, "inc", inc_from_zero, NULL,
                           QEMU_THREAD_JOINABLE);
        TEST_WAIT_UNTIL(qatomic_mb_read(&state) != 0);
        for (int spins = 0; spins < 200 * i; spins++) {
            ASSERT_INT_EQ(qatomic_mb_read(&state), 1);
            ASSERT_INT_EQ(qemu_lockcnt_count(&cnt), 0);
        }
        qemu_lockcnt_unlock(&cnt);
        qemu_thread_join(&thread);
        ASSERT_INT_EQ(qemu_lockcnt_count(&cnt), 1);
        qemu_lockcnt_dec(&cnt);
        qemu_lockcnt_destroy(&cnt);
    }
}

static int plain;

static void add_locked(int index, void *opaque)
{
    for (int i = *(int *)opaque; i > 0; i--) {
        if ((i + index) % 4 == 0) {
            qemu_lockcnt_inc(&cnt);
            if (qemu_lockcnt_dec_and_lock(&cnt)) {
                plain++;
                qemu_lockcnt_unlock(&cnt);
                continue;
            }
        } else if ((i + index) % 4 == 1) {
            qemu_lockcnt_inc(&cnt);
            qemu_lockcnt_dec(&cnt);
        }
        qemu_lockcnt_lock(&cnt);
        plain++;
        if (i % 2) {
            qemu_lockcnt_inc_and_unlock(&cnt);
            qemu_lockcnt_dec(&cnt);
        } else {
            qemu_lockcnt_unlock(&cnt);
        }
    }
}

static void lock_excludes(void)
{
    int rounds = test_rounds(20000);

    plain = 0;
    qemu_lockcnt_init(&cnt);
    test_in_threads(4, add_locked, &rounds);
    ASSERT_INT_EQ(plain, 4 * rounds);
    ASSERT_INT_EQ(qemu_lockcnt_count(&cnt), 0);
    qemu_lockcnt_destroy(&cnt);
}

/*
 * What it is for: readers walk to a thing, a writer replaces it, and the old one
 * is freed when no reader is left.
 */
typedef struct Thing {
    uint32_t alive;
    struct Thing *next_dead;
} Thing;

static Thing *thing, *dead;     /* dead: under the lock */
static uint32_t freed, made;

static Thing *new_thing(void)
{
    Thing *new = malloc(sizeof(*new));

    new->alive = 0x600d;
    made++;
    return new;
}

static void free_dead(void)
{
    while (dead) {
        Thing *old = dead;
        dead = old->next_dead;
        old->alive = 0xdead;
        free(old);
        freed++;
    }
}

static void read_or_replace(int index, void *opaque)
{
    for (int i = *(int *)opaque; i > 0; i--) {
        if (index == 0) {
            qemu_lockcnt_lock(&cnt);
            Thing *old = thing;
            qatomic_store_release(&thing, new_thing());
            old->next_dead = dead;
            dead = old;
            if (qemu_lockcnt_count(&cnt) == 0) {
                free_dead();
            }
            qemu_lockcnt_unlock(&cnt);
        } else {
            qemu_lockcnt_inc(&cnt);
            Thing *seen = qatomic_load_acquire(&thing);
            ASSERT_INT_EQ(seen->alive, 0x600d);
            if (qemu_lockcnt_dec_and_lock(&cnt)) {
                free_dead();
                qemu_lockcnt_unlock(&cnt);
            }
        }
    }
}

static void nothing_is_freed_under_a_reader(void)
{
    int rounds = test_rounds(20000);

    freed = made = 0;
    dead = NULL;
    qemu_lockcnt_init(&cnt);
    thing = new_thing();
    test_in_threads(4, read_or_replace, &rounds);
    free_dead();
    free(thing);
    ASSERT_INT_EQ(freed, made - 1);
}

/* ---- Broken contracts ---- */

static void dec_below_zero_panics(void)
{
    qemu_lockcnt_init(&cnt);
    qemu_lockcnt_dec(&cnt);
}

static void unlock_of_a_free_one_panics(void)
{
    qemu_lockcnt_init(&cnt);
    qemu_lockcnt_inc(&cnt);
    qemu_lockcnt_unlock(&cnt);
}

TEST_PROGRAM(
    TEST(inc_and_dec_count),
    TEST(dec_and_lock_locks_on_the_last_only),
    TEST(dec_if_lock_changes_nothing_unless_the_count_is_one),
    TEST(inc_and_dec_do_not_wait_for_the_lock_while_counted),
    TEST(inc_from_zero_waits_for_the_lock),
    TEST(lock_excludes),
    TEST(nothing_is_freed_under_a_reader),
    TEST_PANICS(dec_below_zero_panics, "is 0"),
    TEST_PANICS(unlock_of_a_free_one_panics, "is not locked"),
)
