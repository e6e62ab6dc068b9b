/* SPDX-License-Identifier: MIT */
/* The coroutines' mutex: who gets it, and when. */
#include "contexts.h"
#include "loop.h"
#include "qemu/coroutine_int.h"

static CoMutex mutex;

static void setup(void)
{
    loop_setup();
    qemu_co_mutex_init(&mutex);
}

/* ---- One thread ---- */

static void coroutine_fn lock_and_unlock(void *opaque)
{
    qemu_co_mutex_lock(&mutex);
    qemu_co_mutex_assert_locked(&mutex);
    ASSERT_INT_EQ(qemu_coroutine_self()->locks_held, 1);
    journal_cb(opaque);
    qemu_co_mutex_unlock(&mutex);
    ASSERT_INT_EQ(qemu_coroutine_self()->locks_held, 0);
}

static void a_free_one_is_taken_at_once(void)
{
    setup();
    start(lock_and_unlock, "a");
    start(lock_and_unlock, "b");
    ASSERT_STR_EQ(journal, "ab");
    loop_teardown();
}

static bool inside;

/* Its letter when it has the mutex, the capital when it gives it back. */
static void coroutine_fn hold_over_a_yield(void *opaque)
{
    char letter = *(char *)opaque;

    qemu_co_mutex_lock(&mutex);
    ASSERT_FALSE(inside);
    inside = true;
    journal_add(letter);
    qemu_coroutine_yield();
    journal_add((char)(letter - 'a' + 'A'));
    inside = false;
    qemu_co_mutex_unlock(&mutex);
    journal_add('.');
}

/* The unlocker goes on to its end first; then who waits has the mutex, before
 * the one that entered the unlocker goes on. */
static void who_waits_gets_it_first_come_first_served(void)
{
    Coroutine *co[4];

    setup();
    for (int i = 0; i < 4; i++) {
        co[i] = start(hold_over_a_yield, &"abcd"[i]);
    }
    ASSERT_STR_EQ(journal, "a");
    for (int i = 0; i < 4; i++) {
        qemu_coroutine_enter(co[i]);
        journal_add('-');
    }
    ASSERT_STR_EQ(journal, "aA.b-B.c-C.d-D.-");
    loop_teardown();
}

static void coroutine_fn unlock_then_yield(void *opaque)
{
    (void)opaque;
    qemu_co_mutex_lock(&mutex);
    qemu_coroutine_yield();
    qemu_co_mutex_unlock(&mutex);
    journal_add('1');
    qemu_coroutine_yield();
    journal_add('2');
}

static void unlocking_never_yields(void)
{
    Coroutine *co;

    setup();
    co = start(unlock_then_yield, NULL);
    start(lock_and_unlock, "b");
    qemu_coroutine_enter(co);
    ASSERT_STR_EQ(journal, "1b");
    qemu_coroutine_enter(co);
    ASSERT_STR_EQ(journal, "1b2");
    loop_teardown();
}

static void coroutine_fn lock_twice_in_a_row(void *opaque)
{
    (void)opaque;
    qemu_co_mutex_lock(&mutex);
    journal_add('1');
    qemu_coroutine_yield();
    qemu_co_mutex_unlock(&mutex);
    /* It is theirs already, though they have not run since. */
    start(lock_and_unlock, "n");
    qemu_co_mutex_lock(&mutex);
    journal_add('2');
    qemu_co_mutex_unlock(&mutex);
}

static void nobody_gets_ahead_of_those_that_wait(void)
{
    Coroutine *co;

    setup();
    co = start(lock_twice_in_a_row, NULL);
    start(lock_and_unlock, "a");
    start(lock_and_unlock, "b");
    ASSERT_STR_EQ(journal, "1");
    qemu_coroutine_enter(co);
    ASSERT_STR_EQ(journal, "1abn2");
    loop_teardown();
}

static void coroutine_fn hold_two(void *opaque)
{
    CoMutex *other = opaque;

    qemu_co_mutex_lock(&mutex);
    qemu_co_mutex_lock(other);
    ASSERT_INT_EQ(qemu_coroutine_self()->locks_held, 2);
    qemu_co_mutex_unlock(&mutex);
    qemu_co_mutex_assert_locked(other);
    start(lock_and_unlock, "a");
    qemu_co_mutex_unlock(other);
    journal_add('2');
}

static void two_are_apart(void)
{
    CoMutex other;

    setup();
    qemu_co_mutex_init(&other);
    start(hold_two, &other);
    ASSERT_STR_EQ(journal, "a2");
    loop_teardown();
}

/* ---- Counted, but not yet in the list ---- */

static void coroutine_fn hold_until_entered(void *opaque)
{
    qemu_co_mutex_lock(&mutex);
    qemu_coroutine_yield();
    qemu_co_mutex_unlock(&mutex);
    journal_cb(opaque);
}

/* The test itself stands for one in another thread that has counted itself and
 * got no further. It is owed the mutex; who comes meanwhile takes that over. */
static void who_comes_takes_over_from_one_that_is_late(void)
{
    Coroutine *holder;
    unsigned first, second;

    setup();
    holder = start(hold_until_entered, "h");
    qatomic_inc(&mutex.locked);
    qemu_coroutine_enter(holder);
    first = mutex.handoff;
    ASSERT_INT_NE(first, 0);
    ASSERT_INT_EQ(mutex.locked, 1);

    start(lock_and_unlock, "a");
    ASSERT_STR_EQ(journal, "ha");
    second = mutex.handoff;
    ASSERT_INT_NE(second, 0);
    ASSERT_INT_NE(second, first);
    ASSERT_INT_EQ(mutex.locked, 1);

    /* b takes it over; c, which is in the list by then, waits for b alone. */
    holder = start(hold_until_entered, "b");
    ASSERT_INT_EQ(mutex.handoff, 0);
    start(lock_and_unlock, "c");
    ASSERT_STR_EQ(journal, "ha");
    qemu_coroutine_enter(holder);
    ASSERT_STR_EQ(journal, "habc");
    ASSERT_INT_NE(mutex.handoff, 0);
    qatomic_dec(&mutex.locked);
    loop_teardown();
}

/* 0 says that there is none. */
static void a_ticket_is_never_0(void)
{
    Coroutine *holder;

    setup();
    mutex.sequence = UINT_MAX;
    holder = start(hold_until_entered, "h");
    qatomic_inc(&mutex.locked);
    qemu_coroutine_enter(holder);
    ASSERT_INT_EQ(mutex.handoff, 1);
    start(lock_and_unlock, "a");
    ASSERT_STR_EQ(journal, "ha");
    loop_teardown();
}

/* ---- Guards ---- */

static void coroutine_fn yield_under_guards(void *opaque)
{
    QemuLockable *lockable = QEMU_MAKE_LOCKABLE(&mutex);

    ASSERT_PTR_EQ(lockable->object, &mutex);
    ASSERT_PTR_EQ(QEMU_MAKE_LOCKABLE((CoMutex *)NULL), NULL);
    {
        QEMU_LOCK_GUARD(&mutex);
        journal_cb(opaque);
        qemu_coroutine_yield();
        qemu_co_mutex_assert_locked(&mutex);
    }
    qemu_coroutine_yield();
    WITH_QEMU_LOCK_GUARD(&mutex) {
        journal_cb(opaque);
        qemu_coroutine_yield();
        qemu_co_mutex_assert_locked(&mutex);
        if (qemu_in_coroutine()) {
            break;
        }
        journal_add('?');
    }
    qemu_coroutine_yield();
    qemu_lockable_lock(lockable);
    journal_cb(opaque);
    qemu_coroutine_yield();
    qemu_co_mutex_assert_locked(&mutex);
    qemu_lockable_unlock(lockable);
    ASSERT_INT_EQ(qemu_coroutine_self()->locks_held, 0);
}

/* Each guard of b waits for a's, and the other way round. */
static void guards_hold_it_over_yields(void)
{
    Coroutine *a, *b;

    setup();
    a = start(yield_under_guards, "a");
    b = start(yield_under_guards, "b");
    ASSERT_STR_EQ(journal, "a");
    qemu_coroutine_enter(a);                /* gives it to b */
    ASSERT_STR_EQ(journal, "ab");
    for (int i = 0; i < 2; i++) {
        qemu_coroutine_enter(a);            /* waits for b's */
        qemu_coroutine_enter(b);            /* gives it to a */
        qemu_coroutine_enter(b);            /* waits for a's */
        qemu_coroutine_enter(a);            /* gives it to b */
    }
    ASSERT_STR_EQ(journal, "ababab");
    qemu_coroutine_enter(b);
    ASSERT_INT_EQ(mutex.locked, 0);
    loop_teardown();
}

/* ---- Several threads ---- */

static uint64_t sum;            /* under the mutex, not atomic */
static uint32_t holders;

static void coroutine_fn locked_part(Worker *worker)
{
    qemu_co_mutex_lock(&mutex);
    ASSERT_INT_EQ(qatomic_fetch_inc(&holders), 0);
    sum += (uint64_t)worker->number + 1;
}

static void coroutine_fn unlocked_part(void)
{
    ASSERT_INT_EQ(qatomic_fetch_dec(&holders), 1);
    qemu_co_mutex_unlock(&mutex);
}

/* So short that many unlock while others are on their way into the list. */
static void coroutine_fn lock_shortly(void *opaque)
{
    int rounds = test_rounds(5000);

    for (int i = 0; i < rounds; i++) {
        locked_part(opaque);
        unlocked_part();
    }
    run_done();
}

static void coroutine_fn lock_at_random(void *opaque)
{
    int rounds = test_rounds(200);
    Worker *worker = opaque;

    for (int i = 0; i < rounds; i++) {
        locked_part(worker);
        switch (chance(worker, 8)) {
        case 0:
            take_turns();
            break;
        case 1:
            /* What is locked in one thread is unlocked in another. */
            aio_co_reschedule_self(contexts[chance(worker, context_count)]);
            break;
        default:
            break;
        }
        unlocked_part();
        switch (chance(worker, 8)) {
        case 0:
            take_turns();
            break;
        case 1:
            aio_co_reschedule_self(contexts[chance(worker, context_count)]);
            break;
        default:
            break;
        }
    }
    run_done();
}

static void contend(int threads, int count, CoroutineEntry *entry, int rounds)
{
    contexts_start(threads);
    qemu_co_mutex_init(&mutex);
    sum = 0;
    run_workers(count, entry, test_seed());
    ASSERT_INT_EQ(sum, (uint64_t)rounds * (uint64_t)count *
                       (uint64_t)(count + 1) / 2);
    ASSERT_INT_EQ(mutex.locked, 0);
    contexts_stop();
}

static void one_at_a_time_has_it_in_many_threads(void)
{
    contend(2, 2, lock_shortly, test_rounds(5000));
    contend(4, 6, lock_shortly, test_rounds(5000));
    contend(4, 16, lock_at_random, test_rounds(200));
}

/* ---- Contracts ---- */

static void locking_in_plain_code(void)
{
    setup();
    qemu_co_mutex_lock(&mutex);
}

static void unlocking_in_plain_code(void)
{
    setup();
    start(hold_until_entered, "a");
    qemu_co_mutex_unlock(&mutex);
}

static void coroutine_fn lock_twice(void *opaque)
{
    (void)opaque;
    qemu_co_mutex_lock(&mutex);
    qemu_co_mutex_lock(&mutex);
}

static void locking_what_one_holds(void)
{
    setup();
    start(lock_twice, NULL);
}

static void coroutine_fn unlock(void *opaque)
{
    (void)opaque;
    qemu_co_mutex_unlock(&mutex);
}

static void unlocking_anothers(void)
{
    setup();
    start(hold_until_entered, "a");
    start(unlock, NULL);
}

static void unlocking_a_free_one(void)
{
    setup();
    start(unlock, NULL);
}

static void coroutine_fn assert_locked(void *opaque)
{
    (void)opaque;
    qemu_co_mutex_assert_locked(&mutex);
}

static void asserting_that_anothers_is_held(void)
{
    setup();
    start(hold_until_entered, "a");
    start(assert_locked, NULL);
}

TEST_PROGRAM(
    TEST(a_free_one_is_taken_at_once),
    TEST(who_waits_gets_it_first_come_first_served),
    TEST(unlocking_never_yields),
    TEST(nobody_gets_ahead_of_those_that_wait),
    TEST(two_are_apart),
    TEST(who_comes_takes_over_from_one_that_is_late),
    TEST(a_ticket_is_never_0),
    TEST(guards_hold_it_over_yields),
    TEST(one_at_a_time_has_it_in_many_threads),
    TEST_PANICS(locking_in_plain_code, "not in a coroutine"),
    TEST_PANICS(locking_what_one_holds, "already"),
    TEST_PANICS(unlocking_in_plain_code,
                "is not held by this coroutine"),
    TEST_PANICS(unlocking_anothers,
                "qemu_co_mutex_unlock: mutex"),
    TEST_PANICS(unlocking_a_free_one, "is not held by this coroutine"),
    TEST_PANICS(asserting_that_anothers_is_held,
                "qemu_co_mutex_assert_locked: mutex"),
)
