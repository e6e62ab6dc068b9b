/* SPDX-License-Identifier: MIT */
/*
 * The window of the coroutines' mutex: a locker has counted itself and is not yet
 * in the list. By itself it is hardly ever hit; so the mutex is compiled into the
 * test, by other names, with pauses before the steps that race.
 */
#define qemu_co_mutex_init slow_co_mutex_init
#define qemu_co_mutex_lock slow_co_mutex_lock
#define qemu_co_mutex_assert_locked slow_co_mutex_assert_locked
#define qemu_co_mutex_unlock slow_co_mutex_unlock
#include "contexts.h"

static _Thread_local uint64_t pauses;

/* In a function of its own: what it returns is this thread's after a yield, too. */
static __attribute__((noinline)) int next_pause(void)
{
    __asm__ volatile("");
    return (int)(test_random(&pauses) % 8);
}

static void pause_at_random(void)
{
    int which = next_pause();

    if (which == 0) {
        test_nap(UINT_MAX);
    } else if (which < 3) {
        for (int i = 0; i < 200; i++) {
            port_pause();
        }
    }
}

#undef qatomic_mb_read
#define qatomic_mb_read(ptr) \
    (pause_at_random(), __atomic_load_n((ptr), __ATOMIC_SEQ_CST))
#undef qatomic_cmpxchg
#define qatomic_cmpxchg(ptr, old, new)                                       \
    ({                                                                       \
        __typeof__(*(ptr)) old_ = (old);                                     \
        pause_at_random();                                                   \
        __atomic_compare_exchange_n((ptr), &old_, (new), false,              \
                                    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);     \
        old_;                                                                \
    })
#include "coroutine/co-mutex.c"

static CoMutex mutex;
static uint32_t holders, enough;
static uint64_t entered, left;  /* under the mutex, not atomic */

/* Until so many tickets have been written: few lockers, or the list would never
 * be empty. */
static void coroutine_fn lock_until_enough(void *opaque)
{
    uint32_t tickets = (uint32_t)test_rounds(300);
    Worker *worker = opaque;
    uint64_t rounds = 0;

    while (!qatomic_read(&enough)) {
        rounds++;
        qemu_co_mutex_lock(&mutex);
        ASSERT_INT_EQ(qatomic_fetch_inc(&holders), 0);
        entered++;
        if (mutex.sequence >= tickets) {
            qatomic_set(&enough, 1);
        }
        pause_at_random();
        ASSERT_INT_EQ(qatomic_fetch_dec(&holders), 1);
        qemu_co_mutex_unlock(&mutex);
        for (int i = chance(worker, 4); i > 0; i--) {
            pause_at_random();
        }
    }
    qemu_co_mutex_lock(&mutex);
    left += rounds;
    qemu_co_mutex_unlock(&mutex);
    run_done();
}

static void a_debt_is_paid_by_whoever_is_in_the_list(void)
{
    uint64_t seed = test_seed();

    contexts_start(3);
    qemu_co_mutex_init(&mutex);
    run_workers(3, lock_until_enough, seed);
    ASSERT_INT_EQ(entered, left);
    ASSERT_INT_EQ(mutex.locked, 0);
    ASSERT_INT_GE(mutex.sequence, test_rounds(300));
    contexts_stop();
}

TEST_MAIN(
    TEST(a_debt_is_paid_by_whoever_is_in_the_list),
)
