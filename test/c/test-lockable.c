/* SPDX-License-Identifier: MIT */
/* One type for all kinds of locks, and guards. */
#include "qemu/lockable.h"
#include "test.h"

static QemuMutex mutex;
static QemuRecMutex rec_mutex;
static QemuSpin spin;

static void setup(void)
{
    qemu_mutex_init(&mutex);
    qemu_rec_mutex_init(&rec_mutex);
    qemu_spin_init(&spin);
}

static bool is_locked(void)
{
    if (qemu_mutex_trylock(&mutex) == 0) {
        qemu_mutex_unlock(&mutex);
        return false;
    }
    return true;
}

static void a_lockable_locks_what_it_was_made_of(void)
{
    setup();
    QemuLockable *x = QEMU_MAKE_LOCKABLE(&mutex);
    ASSERT_PTR_EQ(x->object, &mutex);
    qemu_lockable_lock(x);
    ASSERT_TRUE(is_locked());
    qemu_lockable_unlock(x);
    ASSERT_FALSE(is_locked());
    ASSERT_PTR_EQ(QEMU_MAKE_LOCKABLE(x), x);

    x = QEMU_MAKE_LOCKABLE_NONNULL(&rec_mutex);
    qemu_lockable_lock(x);
    qemu_lockable_lock(x);
    ASSERT_INT_EQ(rec_mutex.depth, 2);
    qemu_lockable_unlock(x);
    qemu_lockable_unlock(x);
    ASSERT_INT_EQ(rec_mutex.depth, 0);

    x = QEMU_MAKE_LOCKABLE(&spin);
    qemu_lockable_lock(x);
    ASSERT_TRUE(qemu_spin_locked(&spin));
    qemu_lockable_unlock(x);
    ASSERT_FALSE(qemu_spin_locked(&spin));
}

static void of_null_it_is_null(void)
{
    QemuMutex *none = NULL;
    QemuLockable *no_lockable = NULL;

    ASSERT_PTR_EQ(QEMU_MAKE_LOCKABLE((void *)NULL), NULL);
    ASSERT_PTR_EQ(QEMU_MAKE_LOCKABLE(none), NULL);
    ASSERT_PTR_EQ(QEMU_MAKE_LOCKABLE(no_lockable), NULL);
}

static int leave_early(bool early)
{
    QEMU_LOCK_GUARD(&mutex);
    QEMU_LOCK_GUARD(&spin);

    ASSERT_TRUE(is_locked());
    if (early) {
        return 1;
    }
    ASSERT_TRUE(qemu_spin_locked(&spin));
    return 2;
}

static void a_guard_lasts_until_its_block_is_left(void)
{
    setup();
    ASSERT_INT_EQ(leave_early(true), 1);
    ASSERT_FALSE(is_locked());
    ASSERT_INT_EQ(leave_early(false), 2);
    ASSERT_FALSE(is_locked());
    ASSERT_FALSE(qemu_spin_locked(&spin));
}

static int count;

static void leave_with(void)
{
    WITH_QEMU_LOCK_GUARD(&mutex) {
        ASSERT_TRUE(is_locked());
        count++;
        return;
    }
    TEST_FAIL("the block did not run");
}

static void one_with_a_block_lasts_as_long_as_that(void)
{
    setup();
    WITH_QEMU_LOCK_GUARD(&mutex) {
        ASSERT_TRUE(is_locked());
        count++;
    }
    ASSERT_INT_EQ(count, 1);
    ASSERT_FALSE(is_locked());
    WITH_QEMU_LOCK_GUARD(&mutex) {
        break;
    }
    ASSERT_FALSE(is_locked());
    leave_with();
    ASSERT_INT_EQ(count, 2);
    ASSERT_FALSE(is_locked());
}

TEST_PROGRAM(
    TEST(a_lockable_locks_what_it_was_made_of),
    TEST(of_null_it_is_null),
    TEST(a_guard_lasts_until_its_block_is_left),
    TEST(one_with_a_block_lasts_as_long_as_that),
)
