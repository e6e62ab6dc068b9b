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
#undef qatomic_mb_set
#define qatomic_mb_set(ptr, val) \
    (pause_at_random(), __atomic_store_n((ptr), (val), __ATOMIC_SEQ_CST))
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
static uint32_t holders;
static uint64_t entered;        /* under the mutex, not atomic */

enum { LOCKERS = 3, ROUNDS = 10 };

static void coroutine_fn lock_a_few_times(void *opaque)
{
    Worker *worker = opaque;

    for (int i = 0; i < ROUNDS; i++) {
        qemu_co_mutex_lock(&mutex);
        ASSERT_INT_EQ(qatomic_fetch_inc(&holders), 0);
        entered++;
        pause_at_random();
        ASSERT_INT_EQ(qatomic_fetch_dec(&holders), 1);
        qemu_co_mutex_unlock(&mutex);
        for (int j = chance(worker, 4); j > 0; j--) {
            pause_at_random();
        }
    }
    run_done();
}

/* Until so many tickets have been written. Few lockers, or the list would never
 * be empty; few rounds, for one that is forgotten is found by who comes next. */
static void a_debt_is_paid_by_whoever_is_in_the_list(void)
{
    unsigned tickets = (unsigned)test_rounds(300);
    uint64_t seed = test_seed(), bursts = 0;

    contexts_start(LOCKERS);
    qemu_co_mutex_init(&mutex);
    while (mutex.sequence < tickets) {
        run_workers(LOCKERS, lock_a_few_times, test_random(&seed));
        bursts++;
        ASSERT_INT_EQ(mutex.locked, 0);
    }
    ASSERT_INT_EQ(entered, bursts * LOCKERS * ROUNDS);
    contexts_stop();
}

TEST_PROGRAM(
    TEST(a_debt_is_paid_by_whoever_is_in_the_list),
)
