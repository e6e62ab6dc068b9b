/* SPDX-License-Identifier: MIT */
/* Event notifiers and their handlers, timers. */
#include "loop.h"
#include "qemu/event_notifier.h"
#include "qemu/timer.h"

static EventNotifier first, second;
static uint32_t posted;
static unsigned taken;

static void takes(EventNotifier *notifier)
{
    if (event_notifier_test_and_clear(notifier)) {
        taken += qatomic_xchg(&posted, 0);
    }
}

static void posts(void *opaque)
{
    for (int i = 0; i < 2; i++) {
        qatomic_inc(&posted);
        event_notifier_set(opaque);
    }
}

SIM_SCENARIO(notifier_of_two, "An event notifier that two threads set has its handler called after each of them.")
{
    loop_begin();
    event_notifier_init(&first, false);
    aio_set_event_notifier(ctx, &first, false, takes, NULL);
    sim_spawn("a", posts, &first);
    sim_spawn("b", posts, &first);
    while (taken < 4) {
        aio_poll(ctx, true);
    }
    aio_set_event_notifier(ctx, &first, false, NULL, NULL);
    loop_end();
    event_notifier_cleanup(&first);
    sim_check(taken == 4);
}

static void adds_and_posts(void *opaque)
{
    (void)opaque;
    aio_set_event_notifier(ctx, &second, false, takes, NULL);
    qatomic_inc(&posted);
    event_notifier_set(&second);
}

SIM_SCENARIO(handler_added_elsewhere, "A handler that another thread adds to a sleeping loop is called.")
{
    loop_begin();
    event_notifier_init(&second, false);
    sim_spawn("adds", adds_and_posts, NULL);
    while (taken < 1) {
        aio_poll(ctx, true);
    }
    sim_join();
    aio_set_event_notifier(ctx, &second, false, NULL, NULL);
    loop_end();
    event_notifier_cleanup(&second);
}

static void sets_then_is_added(void *opaque)
{
    (void)opaque;
    qatomic_inc(&posted);
    event_notifier_set(&first);
    aio_set_event_notifier(ctx, &first, false, takes, NULL);
}

SIM_SCENARIO(handler_of_a_set_notifier, "A notifier that is set already has its handler called once that is added.")
{
    loop_begin();
    event_notifier_init(&first, false);
    sim_spawn("adds", sets_then_is_added, NULL);
    while (taken < 1) {
        aio_poll(ctx, true);
    }
    sim_join();
    aio_set_event_notifier(ctx, &first, false, NULL, NULL);
    loop_end();
    event_notifier_cleanup(&first);
}

static void removes(void *opaque)
{
    aio_set_event_notifier(ctx, opaque, false, NULL, NULL);
    qatomic_inc(&posted);
    event_notifier_set(&second);
}

SIM_SCENARIO(handler_removed_elsewhere, "A handler may be removed while the loop looks at it; the others go on.")
{
    loop_begin();
    event_notifier_init(&first, true);
    event_notifier_init(&second, false);
    aio_set_event_notifier(ctx, &second, false, takes, NULL);
    aio_set_event_notifier(ctx, &first, false, takes, NULL);
    sim_spawn("removes", removes, &first);
    while (taken < 1) {
        aio_poll(ctx, true);
    }
    sim_join();
    aio_set_event_notifier(ctx, &second, false, NULL, NULL);
    loop_end();
    event_notifier_cleanup(&first);
    event_notifier_cleanup(&second);
}

static void sets_first(void *opaque)
{
    (void)opaque;
    event_notifier_set(&first);
}

SIM_SCENARIO(loop_ends_while_woken, "A thread that wakes a loop while that ends sets no notifier that is made later.")
{
    loop_begin();
    event_notifier_init(&first, false);
    aio_set_event_notifier(ctx, &first, false, takes, NULL);
    sim_spawn("sets", sets_first, NULL);
    aio_poll(ctx, true);
    aio_set_event_notifier(ctx, &first, false, NULL, NULL);
    aio_context_detach_current();
    aio_context_unref(ctx);
    event_notifier_init(&second, false);
    sim_join();
    sim_check(!event_notifier_test_and_clear(&second));
    event_notifier_cleanup(&first);
    event_notifier_cleanup(&second);
}

/* ---- Timers ---- */

static QEMUTimer timer, later;
static unsigned fired;

static int64_t now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
}

static void fires(void *opaque)
{
    (void)opaque;
    fired++;
}

static void arms_earlier(void *opaque)
{
    (void)opaque;
    timer_mod_ns(&timer, now_ns() + 1000);
}

SIM_SCENARIO(timer_armed_elsewhere, "A loop that sleeps for a late timer wakes up for an earlier one that another thread arms.")
{
    int64_t late;

    loop_begin();
    late = now_ns() + NANOSECONDS_PER_SECOND * 10;
    aio_timer_init(ctx, &timer, QEMU_CLOCK_REALTIME, SCALE_NS, fires, NULL);
    aio_timer_init(ctx, &later, QEMU_CLOCK_REALTIME, SCALE_NS, fires, NULL);
    timer_mod_ns(&later, late);
    sim_spawn("arms", arms_earlier, NULL);
    while (fired < 1) {
        aio_poll(ctx, true);
    }
    /* A thread may lose its CPU for a while, but not for ten seconds. */
    sim_check(now_ns() < late);
    sim_join();
    timer_del(&later);
    timer_del(&timer);
    loop_end();
    sim_check(fired == 1);
}

static void moves(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < 3; i++) {
        timer_mod_ns(&timer, now_ns() + 500 * (int64_t)sim_choose(4));
    }
}

SIM_SCENARIO(timer_moved_by_two, "A timer that two threads move fires after it was armed last.")
{
    loop_begin();
    aio_timer_init(ctx, &timer, QEMU_CLOCK_REALTIME, SCALE_NS, fires, NULL);
    sim_spawn("a", moves, NULL);
    sim_spawn("b", moves, NULL);
    sim_join();
    while (timer_pending(&timer)) {
        aio_poll(ctx, true);
    }
    sim_check(fired >= 1 && fired <= 6);
    loop_end();
}

static void deletes(void *opaque)
{
    (void)opaque;
    timer_del(&timer);
    aio_notify(ctx);
}

SIM_SCENARIO(timer_deleted_elsewhere, "A timer that another thread deletes fires at most once, and not after that.")
{
    loop_begin();
    aio_timer_init(ctx, &timer, QEMU_CLOCK_REALTIME, SCALE_NS, fires, NULL);
    timer_mod_ns(&timer, now_ns() + 1000);
    sim_spawn("deletes", deletes, NULL);
    while (timer_pending(&timer)) {
        aio_poll(ctx, true);
    }
    loop_end();
    sim_check(fired <= 1);
}
