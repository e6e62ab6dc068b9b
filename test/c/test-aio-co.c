/* SPDX-License-Identifier: MIT */
/* Coroutines and contexts: who is entered where. */
#include "loop.h"
#include "qemu/coroutine_int.h"
#include "sysemu/iothread.h"

static void coroutine_fn note(void *opaque)
{
    ASSERT_PTR_EQ(qemu_coroutine_get_aio_context(qemu_coroutine_self()), ctx);
    journal_cb(opaque);
}

/* ---- Scheduling ---- */

static void the_first_scheduled_runs_first(void)
{
    loop_setup();
    aio_co_schedule(ctx, qemu_coroutine_create(note, "a"));
    aio_co_schedule(ctx, qemu_coroutine_create(note, "b"));
    aio_co_schedule(ctx, qemu_coroutine_create(note, "c"));
    ASSERT_STR_EQ(journal, "");
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "abc");
    loop_teardown();
}

static void coroutine_fn schedule_itself_thrice(void *opaque)
{
    for (int i = 0; i < 3; i++) {
        journal_cb(opaque);
        aio_co_schedule(ctx, qemu_coroutine_self());
        qemu_coroutine_yield();
    }
}

static void what_is_scheduled_meanwhile_runs_next_time(void)
{
    loop_setup();
    aio_co_schedule(ctx, qemu_coroutine_create(schedule_itself_thrice, "a"));
    for (int i = 0; i < 4; i++) {
        ASSERT_TRUE(aio_poll(ctx, false));
        journal_add('-');
    }
    ASSERT_FALSE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "a-a-a--");
    loop_teardown();
}

static void coroutine_fn check_that_the_context_is_held(void *opaque)
{
    (void)opaque;
    ASSERT_INT_EQ(ctx->lock.depth, 1);
    journal_add('h');
}

static void it_runs_with_the_context_acquired(void)
{
    loop_setup();
    aio_co_schedule(ctx,
                    qemu_coroutine_create(check_that_the_context_is_held, NULL));
    aio_poll(ctx, true);
    aio_co_enter(ctx,
                 qemu_coroutine_create(check_that_the_context_is_held, NULL));
    ASSERT_INT_EQ(ctx->lock.depth, 0);
    ASSERT_STR_EQ(journal, "hh");
    loop_teardown();
}

/* ---- Entering and waking ---- */

static void entering_in_plain_code_is_now(void)
{
    loop_setup();
    aio_co_enter(ctx, qemu_coroutine_create(note, "a"));
    ASSERT_STR_EQ(journal, "a");
    loop_teardown();
}

static void coroutine_fn enter_another(void *opaque)
{
    aio_co_enter(ctx, opaque);
    journal_add('1');
    qemu_coroutine_yield();
    journal_add('2');
}

static void entering_in_a_coroutine_is_when_that_yields(void)
{
    Coroutine *co;

    loop_setup();
    co = qemu_coroutine_create(enter_another,
                               qemu_coroutine_create(note, "a"));
    qemu_coroutine_enter(co);
    ASSERT_STR_EQ(journal, "1a");
    qemu_coroutine_enter(co);
    ASSERT_STR_EQ(journal, "1a2");
    loop_teardown();
}

/* ---- Several contexts ---- */

static IOThread *threads[2];
static AioContext *homes[2];

static void start_threads(void)
{
    for (int i = 0; i < 2; i++) {
        threads[i] = iothread_create(i ? "one" : "zero", &error_abort);
        homes[i] = iothread_get_aio_context(threads[i]);
    }
}

static void stop_threads(void)
{
    for (int i = 0; i < 2; i++) {
        iothread_destroy(threads[i]);
    }
}

static uint32_t done;

static void coroutine_fn say_where(void *opaque)
{
    *(AioContext **)opaque = qemu_get_current_aio_context();
    qatomic_mb_set(&done, 1);
}

static void entering_in_another_context_schedules_it_there(void)
{
    AioContext *where = NULL;

    start_threads();
    aio_co_enter(homes[1], qemu_coroutine_create(say_where, &where));
    TEST_WAIT_UNTIL(qatomic_mb_read(&done));
    ASSERT_PTR_EQ(where, homes[1]);
    stop_threads();
}

static void coroutine_fn yield_and_say_where(void *opaque)
{
    qatomic_mb_set(&done, 1);
    qemu_coroutine_yield();
    say_where(opaque);
}

static void do_nothing(void *opaque)
{
    qatomic_mb_set((uint32_t *)opaque, 1);
}

/* From a thread that is no context's home. */
static void waking_is_where_it_last_ran(void)
{
    AioContext *where = NULL;
    uint32_t yielded = 0;
    Coroutine *co = qemu_coroutine_create(yield_and_say_where, &where);

    start_threads();
    aio_co_schedule(homes[0], co);
    TEST_WAIT_UNTIL(qatomic_mb_read(&done));
    aio_bh_schedule_oneshot(homes[0], do_nothing, &yielded);
    TEST_WAIT_UNTIL(qatomic_mb_read(&yielded));
    done = 0;
    aio_co_wake(co);
    TEST_WAIT_UNTIL(qatomic_mb_read(&done));
    ASSERT_PTR_EQ(where, homes[0]);
    stop_threads();
}

enum { HOPS = 1000 };

static _Thread_local int visits;
static int visits_seen[2];

static void coroutine_fn hop(void *opaque)
{
    volatile int local = 4711;

    (void)opaque;
    for (int i = 0; i < HOPS; i++) {
        AioContext *to = homes[i & 1];
        aio_co_reschedule_self(to);
        ASSERT_PTR_EQ(qemu_get_current_aio_context(), to);
        ASSERT_PTR_EQ(qemu_coroutine_get_aio_context(qemu_coroutine_self()),
                      to);
        /* Each thread's own, though this is one function. */
        visits++;
        ASSERT_INT_EQ(visits, i / 2 + 1);
        visits_seen[i & 1] = visits;
        aio_co_reschedule_self(to);
        ASSERT_INT_EQ(local, 4711);
    }
    qatomic_mb_set(&done, 1);
}

static void it_moves_between_threads_with_its_locals(void)
{
    start_threads();
    aio_co_schedule(homes[1], qemu_coroutine_create(hop, NULL));
    TEST_WAIT_UNTIL(qatomic_mb_read(&done));
    ASSERT_INT_EQ(visits_seen[0], HOPS / 2);
    ASSERT_INT_EQ(visits_seen[1], HOPS / 2);
    ASSERT_INT_EQ(visits, 0);
    stop_threads();
}

#if defined(__wasm__)
/* A native compiler keeps errno's address over a yield; aiocc does not. */
static void coroutine_fn set_errno_here_and_there(void *opaque)
{
    (void)opaque;
    errno = 11;
    aio_co_reschedule_self(homes[1]);
    errno = 22;
    aio_co_reschedule_self(homes[0]);
    ASSERT_INT_EQ(errno, 11);
    aio_co_reschedule_self(homes[1]);
    ASSERT_INT_EQ(errno, 22);
    qatomic_mb_set(&done, 1);
}

static void errno_is_the_threads(void)
{
    start_threads();
    aio_co_schedule(homes[0],
                    qemu_coroutine_create(set_errno_here_and_there, NULL));
    TEST_WAIT_UNTIL(qatomic_mb_read(&done));
    stop_threads();
}
#endif

/* ---- Contracts ---- */

static void scheduling_twice(void)
{
    Coroutine *co = qemu_coroutine_create(note, "a");

    loop_setup();
    aio_co_schedule(ctx, co);
    aio_co_schedule(ctx, co);
}

static void entering_one_that_is_scheduled(void)
{
    Coroutine *co = qemu_coroutine_create(note, "a");

    loop_setup();
    aio_co_schedule(ctx, co);
    qemu_coroutine_enter(co);
}

static void coroutine_fn rest(void *opaque)
{
    (void)opaque;
    qemu_coroutine_yield();
}

static void coroutine_fn wake_twice(void *opaque)
{
    Coroutine **resting = opaque;

    aio_co_wake(resting[0]);
    aio_co_wake(resting[1]);
    aio_co_wake(resting[0]);
}

static void waking_twice_before_one_yields(void)
{
    Coroutine *resting[2];

    loop_setup();
    for (int i = 0; i < 2; i++) {
        resting[i] = qemu_coroutine_create(rest, NULL);
        qemu_coroutine_enter(resting[i]);
    }
    qemu_coroutine_enter(qemu_coroutine_create(wake_twice, resting));
}

static void waking_one_that_never_ran(void)
{
    loop_setup();
    aio_co_wake(qemu_coroutine_create(note, "a"));
}

static void the_end_of_a_context_with_one_scheduled(void)
{
    loop_setup();
    aio_co_schedule(ctx, qemu_coroutine_create(note, "a"));
    aio_context_detach_current();
    aio_context_unref(ctx);
}

TEST_PROGRAM(
    TEST(the_first_scheduled_runs_first),
    TEST(what_is_scheduled_meanwhile_runs_next_time),
    TEST(it_runs_with_the_context_acquired),
    TEST(entering_in_plain_code_is_now),
    TEST(entering_in_a_coroutine_is_when_that_yields),
    TEST(entering_in_another_context_schedules_it_there),
    TEST(waking_is_where_it_last_ran),
    TEST(it_moves_between_threads_with_its_locals),
#if defined(__wasm__)
    TEST(errno_is_the_threads),
#endif
    TEST_PANICS(scheduling_twice,
                "Co-routine was already scheduled by aio_co_schedule"),
    TEST_PANICS(entering_one_that_is_scheduled,
                "Co-routine was already scheduled by aio_co_schedule"),
    TEST_PANICS(waking_twice_before_one_yields,
                "Co-routine was already scheduled by aio_co_wake"),
    TEST_PANICS(waking_one_that_never_ran, "has not run in any context yet"),
    TEST_PANICS(the_end_of_a_context_with_one_scheduled, "'note' is scheduled"),
)
