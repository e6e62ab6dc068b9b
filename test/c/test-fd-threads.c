/* SPDX-License-Identifier: MIT */
/* Handlers and several threads: one fd in two loops, changes from elsewhere. */
#include "loop.h"
#include "loop/loop.h"

/* ---- One notifier, several loops ---- */

static EventNotifier shared;
static uint32_t rounds, turn, seen[4];

static void see_turn(EventNotifier *e)
{
    (void)e;
}

/* A loop that counts the turns in which it was woken by the shared notifier. */
static void watch_shared(int index, void *opaque)
{
    AioContext *c = aio_context_new(&error_abort);

    (void)opaque;
    qemu_set_current_aio_context(c);
    aio_set_event_notifier(c, &shared, false, see_turn, NULL);
    while (qatomic_read(&seen[index]) != rounds) {
        /* Only the shared notifier wakes this loop. */
        if (aio_poll(c, true)) {
            qatomic_mb_set(&seen[index], qatomic_mb_read(&turn));
        }
    }
    aio_set_event_notifier(c, &shared, false, NULL, NULL);
    while (aio_poll(c, false)) {
        continue;
    }
    aio_context_detach_current();
    aio_context_unref(c);
}

static void one_notifier_wakes_every_loop_that_watches_it(void)
{
    TestGang gang;

    rounds = test_rounds(200);
    turn = 0;
    memset(seen, 0, sizeof(seen));
    event_notifier_init(&shared, 0);
    test_gang_start(&gang, 3, watch_shared, NULL);
    for (uint32_t i = 1; i <= rounds; i++) {
        qatomic_mb_set(&turn, i);
        event_notifier_set(&shared);
        for (int k = 0; k < 3; k++) {
            TEST_WAIT_UNTIL(qatomic_mb_read(&seen[k]) == i);
        }
        event_notifier_test_and_clear(&shared);
    }
    test_gang_join(&gang);
    event_notifier_cleanup(&shared);
}

/* ---- Many setters ---- */

typedef struct Counter {
    EventNotifier e;
    uint32_t sets;
    uint32_t seen;
} Counter;

static void take_sets(EventNotifier *e)
{
    Counter *counter = container_of(e, Counter, e);

    event_notifier_test_and_clear(e);
    counter->seen = qatomic_mb_read(&counter->sets);
}

static void set_many(int index, void *opaque)
{
    Counter *counter = &((Counter *)opaque)[index / 2];

    for (uint32_t i = 0; i < rounds; i++) {
        qatomic_inc(&counter->sets);
        event_notifier_set(&counter->e);
    }
}

static void no_set_of_a_storm_is_lost(void)
{
    Counter counters[2] = { 0 };
    TestGang gang;

    loop_setup();
    rounds = test_rounds(10000);
    for (int i = 0; i < 2; i++) {
        event_notifier_init(&counters[i].e, 0);
        aio_set_event_notifier(ctx, &counters[i].e, false, take_sets, NULL);
    }
    test_gang_start(&gang, 4, set_many, counters);
    while (counters[0].seen != 2 * rounds || counters[1].seen != 2 * rounds) {
        aio_poll(ctx, true);
    }
    test_gang_join(&gang);
    for (int i = 0; i < 2; i++) {
        aio_set_event_notifier(ctx, &counters[i].e, false, NULL, NULL);
        event_notifier_cleanup(&counters[i].e);
    }
    loop_teardown();
}

/* ---- Adding and removing from elsewhere ---- */

static uint32_t calls[3], finished;

typedef struct Guest {
    EventNotifier e;
    int index;
} Guest;

static void count_call(EventNotifier *e)
{
    event_notifier_test_and_clear(e);
    qatomic_inc(&calls[container_of(e, Guest, e)->index]);
}

static void set_next_call(EventNotifier *e)
{
    qatomic_inc(&calls[container_of(e, Guest, e)->index]);
}

static Guest guests[3];

static void come_and_go(int index, void *opaque)
{
    Guest *guest = &guests[index];

    (void)opaque;
    for (uint32_t i = 0; i < rounds; i++) {
        uint32_t before = qatomic_read(&calls[index]);
        aio_set_event_notifier(ctx, &guest->e, false, count_call, NULL);
        event_notifier_set(&guest->e);
        if (i % 4 == 0) {
            /* It has to run, although the set may come before the loop has seen
             * the handler. */
            TEST_WAIT_UNTIL(qatomic_mb_read(&calls[index]) != before);
        } else if (i % 4 == 1) {
            aio_set_event_notifier(ctx, &guest->e, false, set_next_call, NULL);
        }
        aio_set_event_notifier(ctx, &guest->e, false, NULL, NULL);
    }
    qatomic_inc(&finished);
    aio_notify(ctx);
}

static void guests_arrive(void)
{
    loop_setup();
    finished = 0;
    memset(calls, 0, sizeof(calls));
    for (int i = 0; i < 3; i++) {
        guests[i].index = i;
        event_notifier_init(&guests[i].e, 0);
    }
}

static void guests_leave(void)
{
    for (int i = 0; i < 3; i++) {
        event_notifier_cleanup(&guests[i].e);
    }
    loop_teardown();
}

static void keep_set(EventNotifier *e)
{
    (void)e;
}

static void handlers_come_and_go_while_the_loop_runs(void)
{
    EventNotifier resident;
    TestGang gang;

    guests_arrive();
    rounds = test_rounds(3000);
    /* One that is always ready, so that the list is walked all the time. */
    event_notifier_init(&resident, 1);
    aio_set_event_notifier(ctx, &resident, false, keep_set, NULL);
    test_gang_start(&gang, 3, come_and_go, NULL);
    while (qatomic_mb_read(&finished) != 3) {
        aio_poll(ctx, true);
    }
    test_gang_join(&gang);
    aio_set_event_notifier(ctx, &resident, false, NULL, NULL);
    event_notifier_cleanup(&resident);
    guests_leave();
}

/* The same under a foreign event loop's three steps. */
static void handlers_come_and_go_while_a_gsource_runs(void)
{
    TestGang gang;

    guests_arrive();
    rounds = test_rounds(2000);
    test_gang_start(&gang, 3, come_and_go, NULL);
    while (qatomic_mb_read(&finished) != 3) {
        const GSourceFuncs *funcs = ctx->source.source_funcs;
        int timeout;
        bool ready = funcs->prepare(&ctx->source, &timeout);
        if (ready || funcs->check(&ctx->source)) {
            funcs->dispatch(&ctx->source, NULL, NULL);
        }
    }
    test_gang_join(&gang);
    guests_leave();
}

TEST_PROGRAM(
    TEST(one_notifier_wakes_every_loop_that_watches_it),
    TEST(no_set_of_a_storm_is_lost),
    TEST(handlers_come_and_go_while_the_loop_runs),
    TEST(handlers_come_and_go_while_a_gsource_runs),
)
