/* SPDX-License-Identifier: MIT */
/* Many readers or one writer: who comes in, and when. */
#include "contexts.h"
#include "loop.h"
#include "qemu/coroutine_int.h"

static CoRwlock lock;

static void setup(void)
{
    loop_setup();
    qemu_co_rwlock_init(&lock);
}

static void teardown(void)
{
    ASSERT_INT_EQ(lock.owners, 0);
    ASSERT_TRUE(QSIMPLEQ_EMPTY(&lock.tickets));
    ASSERT_INT_EQ(lock.mutex.locked, 0);
    loop_teardown();
}

/* ---- Readers and writers ---- */

/* Its letter when it has the lock, the capital when it is about to give it back. */
static void coroutine_fn hold(void *opaque)
{
    char letter = *(char *)opaque;

    ASSERT_INT_EQ(qemu_coroutine_self()->locks_held, 1);
    journal_add(letter);
    qemu_coroutine_yield();
    journal_add((char)(letter - 'a' + 'A'));
}

static void coroutine_fn read_it(void *opaque)
{
    qemu_co_rwlock_rdlock(&lock);
    hold(opaque);
    qemu_co_rwlock_unlock(&lock);
    ASSERT_INT_EQ(qemu_coroutine_self()->locks_held, 0);
}

static void coroutine_fn write_it(void *opaque)
{
    qemu_co_rwlock_wrlock(&lock);
    hold(opaque);
    qemu_co_rwlock_unlock(&lock);
    ASSERT_INT_EQ(qemu_coroutine_self()->locks_held, 0);
}

static void readers_come_in_together(void)
{
    Coroutine *co[3];

    setup();
    for (int i = 0; i < 3; i++) {
        co[i] = start(read_it, &"abc"[i]);
    }
    ASSERT_STR_EQ(journal, "abc");
    ASSERT_INT_EQ(lock.owners, 3);
    for (int i = 0; i < 3; i++) {
        qemu_coroutine_enter(co[i]);
    }
    ASSERT_STR_EQ(journal, "abcABC");
    teardown();
}

static void a_writer_is_alone(void)
{
    Coroutine *a, *b, *w, *v;

    setup();
    a = start(read_it, "a");
    b = start(read_it, "b");
    w = start(write_it, "w");
    ASSERT_STR_EQ(journal, "ab");
    qemu_coroutine_enter(a);
    ASSERT_STR_EQ(journal, "abA");
    qemu_coroutine_enter(b);
    ASSERT_STR_EQ(journal, "abABw");
    v = start(write_it, "v");
    a = start(read_it, "a");
    ASSERT_STR_EQ(journal, "abABw");
    qemu_coroutine_enter(w);
    ASSERT_STR_EQ(journal, "abABwWv");
    qemu_coroutine_enter(v);
    ASSERT_STR_EQ(journal, "abABwWvVa");
    qemu_coroutine_enter(a);
    teardown();
}

/* First come, first served: c and d come in together, but not before w. */
static void a_reader_waits_behind_a_writer_that_waits(void)
{
    Coroutine *a, *c, *d, *v, *w;

    setup();
    a = start(read_it, "a");
    w = start(write_it, "w");
    c = start(read_it, "c");
    d = start(read_it, "d");
    v = start(write_it, "v");
    ASSERT_STR_EQ(journal, "a");
    qemu_coroutine_enter(a);
    ASSERT_STR_EQ(journal, "aAw");
    qemu_coroutine_enter(w);
    ASSERT_STR_EQ(journal, "aAwWcd");
    qemu_coroutine_enter(c);
    ASSERT_STR_EQ(journal, "aAwWcdC");
    qemu_coroutine_enter(d);
    ASSERT_STR_EQ(journal, "aAwWcdCDv");
    qemu_coroutine_enter(v);
    teardown();
}

static void coroutine_fn unlock_then_yield(void *opaque)
{
    (void)opaque;
    qemu_co_rwlock_wrlock(&lock);
    qemu_coroutine_yield();
    qemu_co_rwlock_unlock(&lock);
    journal_add('1');
    qemu_coroutine_yield();
}

static void unlocking_does_not_wait_for_those_it_lets_in(void)
{
    Coroutine *co, *r;

    setup();
    co = start(unlock_then_yield, NULL);
    r = start(read_it, "r");
    qemu_coroutine_enter(co);
    ASSERT_STR_EQ(journal, "1r");
    qemu_coroutine_enter(r);
    qemu_coroutine_enter(co);
    teardown();
}

/* ---- From reader to writer, and back ---- */

static void coroutine_fn upgrade(void *opaque)
{
    qemu_co_rwlock_rdlock(&lock);
    hold(opaque);
    qemu_co_rwlock_upgrade(&lock);
    hold(opaque);
    qemu_co_rwlock_unlock(&lock);
}

static void the_only_reader_upgrades_at_once(void)
{
    Coroutine *u, *r;

    setup();
    u = start(upgrade, "u");
    qemu_coroutine_enter(u);
    ASSERT_STR_EQ(journal, "uUu");
    ASSERT_INT_EQ(lock.owners, -1);
    r = start(read_it, "r");
    ASSERT_STR_EQ(journal, "uUu");
    qemu_coroutine_enter(u);
    ASSERT_STR_EQ(journal, "uUuUr");
    qemu_coroutine_enter(r);
    teardown();
}

/* Behind a reader, then behind a writer, which may write in between. */
static void others_come_before_an_upgrade(void)
{
    Coroutine *a, *u, *v, *w;

    setup();
    u = start(upgrade, "u");
    a = start(read_it, "a");
    qemu_coroutine_enter(u);
    ASSERT_STR_EQ(journal, "uaU");
    qemu_coroutine_enter(a);
    ASSERT_STR_EQ(journal, "uaUAu");
    qemu_coroutine_enter(u);

    journal_clear();
    u = start(upgrade, "u");
    w = start(write_it, "w");
    v = start(upgrade, "v");
    ASSERT_STR_EQ(journal, "u");
    qemu_coroutine_enter(u);
    ASSERT_STR_EQ(journal, "uUw");
    qemu_coroutine_enter(w);
    ASSERT_STR_EQ(journal, "uUwWv");
    qemu_coroutine_enter(v);
    ASSERT_STR_EQ(journal, "uUwWvVu");
    qemu_coroutine_enter(u);
    ASSERT_STR_EQ(journal, "uUwWvVuUv");
    qemu_coroutine_enter(v);
    teardown();
}

/* Each has to give up reading for the other to write. */
static void two_that_upgrade_do_not_wait_for_each_other(void)
{
    Coroutine *u, *v;

    setup();
    u = start(upgrade, "u");
    v = start(upgrade, "v");
    qemu_coroutine_enter(u);
    ASSERT_STR_EQ(journal, "uvU");
    qemu_coroutine_enter(v);
    ASSERT_STR_EQ(journal, "uvUVu");
    qemu_coroutine_enter(u);
    ASSERT_STR_EQ(journal, "uvUVuUv");
    qemu_coroutine_enter(v);
    teardown();
}

static void coroutine_fn downgrade(void *opaque)
{
    qemu_co_rwlock_wrlock(&lock);
    hold(opaque);
    qemu_co_rwlock_downgrade(&lock);
    hold(opaque);
    qemu_co_rwlock_unlock(&lock);
}

static void a_downgrade_lets_in_the_readers_that_are_next(void)
{
    Coroutine *d, *a, *b, *c, *w;

    setup();
    d = start(downgrade, "d");
    a = start(read_it, "a");
    b = start(read_it, "b");
    w = start(write_it, "w");
    c = start(read_it, "c");
    ASSERT_STR_EQ(journal, "d");
    qemu_coroutine_enter(d);
    ASSERT_STR_EQ(journal, "dDdab");
    ASSERT_INT_EQ(lock.owners, 3);
    qemu_coroutine_enter(a);
    qemu_coroutine_enter(d);
    ASSERT_STR_EQ(journal, "dDdabAD");
    qemu_coroutine_enter(b);
    ASSERT_STR_EQ(journal, "dDdabADBw");
    qemu_coroutine_enter(w);
    ASSERT_STR_EQ(journal, "dDdabADBwWc");
    qemu_coroutine_enter(c);
    teardown();
}

static void a_downgrade_leaves_a_writer_waiting(void)
{
    Coroutine *d, *w, *r;

    setup();
    d = start(downgrade, "d");
    w = start(write_it, "w");
    r = start(read_it, "r");
    qemu_coroutine_enter(d);
    ASSERT_STR_EQ(journal, "dDd");
    qemu_coroutine_enter(d);
    ASSERT_STR_EQ(journal, "dDdDw");
    qemu_coroutine_enter(w);
    ASSERT_STR_EQ(journal, "dDdDwWr");
    qemu_coroutine_enter(r);
    teardown();
}

/* ---- Several threads ---- */

static uint32_t readers, writers, most_readers;
static uint64_t value, twin, writes;    /* under the lock, not atomic */

static void coroutine_fn read_part(Worker *worker)
{
    uint32_t now = qatomic_fetch_inc(&readers) + 1;
    uint64_t seen = value;

    if (now > qatomic_read(&most_readers)) {
        qatomic_set(&most_readers, now);
    }
    ASSERT_INT_EQ(qatomic_mb_read(&writers), 0);
    if (chance(worker, 4) == 0) {
        take_turns();
    }
    ASSERT_INT_EQ(value, seen);
    ASSERT_INT_EQ(twin, seen);
    ASSERT_INT_EQ(qatomic_mb_read(&writers), 0);
    qatomic_dec(&readers);
}

static void coroutine_fn write_part(Worker *worker)
{
    ASSERT_INT_EQ(qatomic_fetch_inc(&writers), 0);
    ASSERT_INT_EQ(qatomic_mb_read(&readers), 0);
    value++;
    if (chance(worker, 4) == 0) {
        aio_co_reschedule_self(contexts[chance(worker, context_count)]);
    }
    twin++;
    ASSERT_INT_EQ(qatomic_mb_read(&readers), 0);
    ASSERT_INT_EQ(qatomic_fetch_dec(&writers), 1);
}

static void coroutine_fn read_and_write(void *opaque)
{
    int rounds = test_rounds(300);
    Worker *worker = opaque;
    uint64_t written = 0;

    for (int i = 0; i < rounds; i++) {
        switch (chance(worker, 8)) {
        case 0:
            qemu_co_rwlock_wrlock(&lock);
            write_part(worker);
            written++;
            break;
        case 1:
            qemu_co_rwlock_wrlock(&lock);
            write_part(worker);
            written++;
            qemu_co_rwlock_downgrade(&lock);
            read_part(worker);
            break;
        case 2:
            qemu_co_rwlock_rdlock(&lock);
            read_part(worker);
            qemu_co_rwlock_upgrade(&lock);
            write_part(worker);
            written++;
            break;
        default:
            qemu_co_rwlock_rdlock(&lock);
            read_part(worker);
            break;
        }
        qemu_co_rwlock_unlock(&lock);
        if (chance(worker, 4) == 0) {
            take_turns();
        }
    }
    qemu_co_rwlock_wrlock(&lock);
    writes += written;
    qemu_co_rwlock_unlock(&lock);
    run_done();
}

static void no_writer_is_beside_anybody_in_many_threads(void)
{
    contexts_start(4);
    qemu_co_rwlock_init(&lock);
    run_workers(16, read_and_write, test_seed());
    ASSERT_INT_EQ(value, writes);
    ASSERT_INT_EQ(twin, writes);
    ASSERT_INT_GT(writes, 0);
    ASSERT_INT_GT(most_readers, 1);
    ASSERT_INT_EQ(lock.owners, 0);
    ASSERT_TRUE(QSIMPLEQ_EMPTY(&lock.tickets));
    contexts_stop();
}

/* ---- Contracts ---- */

static void coroutine_fn unlock(void *opaque)
{
    (void)opaque;
    qemu_co_rwlock_unlock(&lock);
}

static void unlocking_what_one_does_not_hold(void)
{
    setup();
    start(read_it, "a");
    start(unlock, NULL);
}

static void coroutine_fn unlock_another(void *opaque)
{
    qemu_co_mutex_lock(opaque);
    qemu_co_rwlock_unlock(&lock);
}

static void unlocking_a_free_one(void)
{
    CoMutex other;

    setup();
    qemu_co_mutex_init(&other);
    start(unlock_another, &other);
}

static void coroutine_fn just_upgrade(void *opaque)
{
    (void)opaque;
    qemu_co_rwlock_upgrade(&lock);
}

static void upgrading_what_nobody_reads(void)
{
    setup();
    start(just_upgrade, NULL);
}

static void coroutine_fn just_downgrade(void *opaque)
{
    (void)opaque;
    qemu_co_rwlock_rdlock(&lock);
    qemu_co_rwlock_downgrade(&lock);
}

static void downgrading_what_one_reads(void)
{
    setup();
    start(just_downgrade, NULL);
}

static void reading_in_plain_code(void)
{
    setup();
    qemu_co_rwlock_rdlock(&lock);
}

static void coroutine_fn keep_it(void *opaque)
{
    (void)opaque;
    qemu_co_rwlock_wrlock(&lock);
}

static void ending_as_a_writer(void)
{
    setup();
    start(keep_it, NULL);
}

TEST_PROGRAM(
    TEST(readers_come_in_together),
    TEST(a_writer_is_alone),
    TEST(a_reader_waits_behind_a_writer_that_waits),
    TEST(unlocking_does_not_wait_for_those_it_lets_in),
    TEST(the_only_reader_upgrades_at_once),
    TEST(others_come_before_an_upgrade),
    TEST(two_that_upgrade_do_not_wait_for_each_other),
    TEST(a_downgrade_lets_in_the_readers_that_are_next),
    TEST(a_downgrade_leaves_a_writer_waiting),
    TEST(no_writer_is_beside_anybody_in_many_threads),
    TEST_PANICS(unlocking_what_one_does_not_hold,
                "is not held for anything by this coroutine"),
    TEST_PANICS(unlocking_a_free_one, "is not held for anything"),
    TEST_PANICS(upgrading_what_nobody_reads, "is not held for reading"),
    TEST_PANICS(downgrading_what_one_reads, "is not held for writing"),
    TEST_PANICS(reading_in_plain_code, "not in a coroutine"),
    TEST_PANICS(ending_as_a_writer, "ended while it held 1 locks"),
)
