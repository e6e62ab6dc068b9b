/* SPDX-License-Identifier: MIT */
/* A queue of coroutines: what becomes of the lock, and who is woken. */
#include "contexts.h"
#include "loop.h"
#include "qemu/coroutine_int.h"

static CoMutex co_mutex;
static QemuMutex mutex;
static CoQueue queue;

static void setup(void)
{
    loop_setup();
    qemu_co_mutex_init(&co_mutex);
    qemu_mutex_init(&mutex);
    qemu_co_queue_init(&queue);
}

static void teardown(void)
{
    ASSERT_TRUE(qemu_co_queue_empty(&queue));
    qemu_mutex_destroy(&mutex);
    loop_teardown();
}

static bool is_free(void)
{
    if (qemu_mutex_trylock(&mutex)) {
        return false;
    }
    qemu_mutex_unlock(&mutex);
    return true;
}

/* ---- Without a lock ---- */

static void coroutine_fn wait_once(void *opaque)
{
    qemu_co_queue_wait(&queue, NULL);
    journal_cb(opaque);
}

static void start_waiting(const char *letters)
{
    for (; *letters; letters++) {
        start(wait_once, (void *)letters);
    }
}

static void next_wakes_the_one_that_waits_longest(void)
{
    setup();
    ASSERT_TRUE(qemu_co_queue_empty(&queue));
    ASSERT_FALSE(qemu_co_queue_next(&queue));
    start_waiting("abc");
    ASSERT_FALSE(qemu_co_queue_empty(&queue));
    ASSERT_STR_EQ(journal, "");
    for (int i = 0; i < 3; i++) {
        ASSERT_TRUE(qemu_co_queue_next(&queue));
        journal_add('-');
    }
    ASSERT_TRUE(qemu_co_queue_empty(&queue));
    ASSERT_FALSE(qemu_co_queue_next(&queue));
    ASSERT_STR_EQ(journal, "a-b-c-");
    teardown();
}

static void coroutine_fn wake_two(void *opaque)
{
    (void)opaque;
    ASSERT_TRUE(qemu_co_queue_next(&queue));
    ASSERT_TRUE(qemu_co_queue_next(&queue));
    journal_add('1');
    qemu_coroutine_yield();
    journal_add('2');
}

static void in_a_coroutine_they_run_when_that_yields(void)
{
    Coroutine *co;

    setup();
    start_waiting("abc");
    co = start(wake_two, NULL);
    ASSERT_STR_EQ(journal, "1ab");
    qemu_coroutine_enter(co);
    qemu_co_queue_next(&queue);
    ASSERT_STR_EQ(journal, "1ab2c");
    teardown();
}

static void coroutine_fn wait_thrice(void *opaque)
{
    for (int i = 0; i < 3; i++) {
        qemu_co_queue_wait(&queue, NULL);
        journal_cb(opaque);
    }
}

static void coroutine_fn restart_all(void *opaque)
{
    (void)opaque;
    qemu_co_queue_restart_all(&queue);
    ASSERT_TRUE(qemu_co_queue_empty(&queue));
    journal_add('r');
}

/* In plain code they wait again before all are woken. */
static void restart_all_wakes_each_that_waits_now_once(void)
{
    setup();
    qemu_co_queue_restart_all(&queue);
    for (int i = 0; i < 3; i++) {
        start(wait_thrice, &"abc"[i]);
    }
    qemu_co_queue_restart_all(&queue);
    ASSERT_STR_EQ(journal, "abc");
    start(restart_all, NULL);
    ASSERT_STR_EQ(journal, "abcrabc");
    qemu_co_queue_restart_all(&queue);
    ASSERT_STR_EQ(journal, "abcrabcabc");
    teardown();
}

/* ---- With one ---- */

static void coroutine_fn wait_with_co_mutex(void *opaque)
{
    qemu_co_mutex_lock(&co_mutex);
    qemu_co_queue_wait(&queue, &co_mutex);
    qemu_co_mutex_assert_locked(&co_mutex);
    journal_cb(opaque);
    qemu_coroutine_yield();
    qemu_co_mutex_unlock(&co_mutex);
}

static void coroutine_fn wake_all_with_co_mutex(void *opaque)
{
    qemu_co_mutex_lock(&co_mutex);
    ASSERT_INT_EQ(co_mutex.locked, 1);
    qemu_co_queue_restart_all(&queue);
    journal_cb(opaque);
    qemu_coroutine_yield();
    journal_cb(opaque);
    qemu_co_mutex_unlock(&co_mutex);
}

/* Those that are woken wait for the mutex in the same order. */
static void waiting_releases_a_co_mutex_and_takes_it_again(void)
{
    Coroutine *a, *b, *waker;

    setup();
    a = start(wait_with_co_mutex, "a");
    ASSERT_INT_EQ(co_mutex.locked, 0);
    b = start(wait_with_co_mutex, "b");
    waker = start(wake_all_with_co_mutex, "w");
    ASSERT_STR_EQ(journal, "w");
    ASSERT_INT_EQ(co_mutex.locked, 3);
    qemu_coroutine_enter(waker);
    ASSERT_STR_EQ(journal, "wwa");
    qemu_coroutine_enter(a);
    ASSERT_STR_EQ(journal, "wwab");
    qemu_coroutine_enter(b);
    ASSERT_INT_EQ(co_mutex.locked, 0);
    teardown();
}

static void coroutine_fn wait_with_mutex(void *opaque)
{
    qemu_mutex_lock(&mutex);
    qemu_co_queue_wait(&queue, &mutex);
    ASSERT_FALSE(is_free());
    journal_cb(opaque);
    qemu_mutex_unlock(&mutex);
}

static void coroutine_fn wait_with_a_lockable(void *opaque)
{
    QemuLockable *lockable = QEMU_MAKE_LOCKABLE(&mutex);

    qemu_lockable_lock(lockable);
    qemu_co_queue_wait(&queue, lockable);
    ASSERT_FALSE(is_free());
    journal_cb(opaque);
    qemu_lockable_unlock(lockable);
}

static void entering_the_next_is_without_the_lock(void)
{
    setup();
    start(wait_with_mutex, "a");
    ASSERT_TRUE(is_free());
    start(wait_with_a_lockable, "b");
    ASSERT_TRUE(is_free());
    qemu_mutex_lock(&mutex);
    ASSERT_TRUE(qemu_co_enter_next(&queue, &mutex));
    ASSERT_STR_EQ(journal, "a");
    ASSERT_FALSE(is_free());
    ASSERT_TRUE(qemu_co_enter_next(&queue, &mutex));
    ASSERT_STR_EQ(journal, "ab");
    ASSERT_FALSE(qemu_co_enter_next(&queue, &mutex));
    ASSERT_FALSE(is_free());
    qemu_mutex_unlock(&mutex);
    start_waiting("c");
    ASSERT_TRUE(qemu_co_enter_next(&queue, NULL));
    ASSERT_STR_EQ(journal, "abc");
    teardown();
}

/* ---- Several threads: a bounded buffer ---- */

enum { ROOM = 4, MAKERS = 5, TAKERS = 5 };

static CoQueue not_full, not_empty;
static int buffer[ROOM];
static unsigned made, taken;    /* under co_mutex or mutex, as are those above */
static uint64_t made_sum, taken_sum;

static void coroutine_fn make(Worker *worker, QemuLockable *lock)
{
    qemu_lockable_lock(lock);
    while (made - taken == ROOM) {
        qemu_co_queue_wait(&not_full, lock);
    }
    buffer[made % ROOM] = 1 + chance(worker, 1000);
    made_sum += (uint64_t)buffer[made++ % ROOM];
    qemu_co_queue_next(&not_empty);
    qemu_lockable_unlock(lock);
}

static void coroutine_fn take(QemuLockable *lock)
{
    qemu_lockable_lock(lock);
    while (made == taken) {
        qemu_co_queue_wait(&not_empty, lock);
    }
    ASSERT_INT_NE(buffer[taken % ROOM], 0);
    taken_sum += (uint64_t)buffer[taken % ROOM];
    buffer[taken++ % ROOM] = 0;
    /* With restart_all more wake than find room. */
    if (taken % 8 == 0) {
        qemu_co_queue_restart_all(&not_full);
    } else {
        qemu_co_queue_next(&not_full);
    }
    qemu_lockable_unlock(lock);
}

static QemuLockable *buffer_lock;

static void coroutine_fn make_or_take(void *opaque)
{
    int rounds = test_rounds(400);
    Worker *worker = opaque;

    for (int i = 0; i < rounds; i++) {
        if (worker->number < MAKERS) {
            make(worker, buffer_lock);
        } else {
            take(buffer_lock);
        }
        if (chance(worker, 50) == 0) {
            aio_co_reschedule_self(contexts[chance(worker, context_count)]);
        }
    }
    run_done();
}

static void fill_and_empty(QemuLockable *lock)
{
    made = taken = 0;
    made_sum = taken_sum = 0;
    qemu_co_queue_init(&not_full);
    qemu_co_queue_init(&not_empty);
    buffer_lock = lock;
    run_workers(MAKERS + TAKERS, make_or_take, test_seed());
    ASSERT_INT_EQ(made, MAKERS * test_rounds(400));
    ASSERT_INT_EQ(taken, made);
    ASSERT_INT_EQ(taken_sum, made_sum);
    ASSERT_TRUE(qemu_co_queue_empty(&not_full));
    ASSERT_TRUE(qemu_co_queue_empty(&not_empty));
}

static void waiting_in_one_thread_for_another(void)
{
    qemu_co_mutex_init(&co_mutex);
    qemu_mutex_init(&mutex);
    contexts_start(3);
    fill_and_empty(QEMU_MAKE_LOCKABLE(&co_mutex));
    fill_and_empty(QEMU_MAKE_LOCKABLE(&mutex));
    contexts_stop();
    qemu_mutex_destroy(&mutex);
}

/* ---- Contracts ---- */

static void coroutine_fn wait_without_holding(void *opaque)
{
    (void)opaque;
    qemu_co_queue_wait(&queue, &co_mutex);
}

static void waiting_with_a_mutex_that_is_not_held(void)
{
    setup();
    start(wait_without_holding, NULL);
}

static void waiting_in_plain_code(void)
{
    setup();
    qemu_co_queue_wait(&queue, NULL);
}

TEST_PROGRAM(
    TEST(next_wakes_the_one_that_waits_longest),
    TEST(in_a_coroutine_they_run_when_that_yields),
    TEST(restart_all_wakes_each_that_waits_now_once),
    TEST(waiting_releases_a_co_mutex_and_takes_it_again),
    TEST(entering_the_next_is_without_the_lock),
    TEST(waiting_in_one_thread_for_another),
    TEST_PANICS(waiting_with_a_mutex_that_is_not_held,
                "is not held by this coroutine"),
    TEST_PANICS(waiting_in_plain_code,
                "qemu_coroutine_yield: Co-routine is yielding to no one"),
)
