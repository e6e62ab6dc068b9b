/* SPDX-License-Identifier: MIT */
/* What is run in an order that is specified, and that nothing is run without need: bottom halves, handlers, timers, CoRwlocks. */
#include "block/aio-wait.h"
#include "loop.h"
#include "port/port.h"
#include "qemu/coroutine.h"
#include "qemu/event_notifier.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"

/* ---- A journal of what was run ---- */

static char journal[64];

static void note(char what)
{
    size_t length = strlen(journal);

    sim_check(length + 1 < sizeof(journal));
    journal[length] = what;
}

static void notes(void *opaque)
{
    note(*(const char *)opaque);
}

/* ---- Bottom halves ---- */

static void polls_within(void *opaque)
{
    (void)opaque;
    note('(');
    aio_bh_schedule_oneshot(ctx, notes, (void *)(uintptr_t)"n");
    /* It may not sleep, since one that was scheduled before has not run yet. */
    aio_poll(ctx, true);
    note(')');
}

SIM_SCENARIO(bh_nested, "A nested aio_poll() does not sleep over bottom halves of the outer one, and runs them before new ones.")
{
    loop_begin();
    /* The last one that is scheduled runs first. */
    aio_bh_schedule_oneshot(ctx, notes, (void *)(uintptr_t)"o");
    aio_bh_schedule_oneshot(ctx, polls_within, NULL);
    aio_poll(ctx, true);
    loop_end();
    sim_check(strcmp(journal, "(on)") == 0 || strcmp(journal, "o(n)") == 0);
}

static void sleeps_within(void *opaque)
{
    (void)opaque;
    note('(');
    aio_poll(ctx, true);
    note(')');
}

SIM_SCENARIO(bh_nested_sleep, "A nested aio_poll() that blocks runs what the outer one has left, and returns.")
{
    loop_begin();
    aio_bh_schedule_oneshot(ctx, notes, (void *)(uintptr_t)"a");
    aio_bh_schedule_oneshot(ctx, sleeps_within, NULL);
    aio_bh_schedule_oneshot(ctx, notes, (void *)(uintptr_t)"b");
    aio_poll(ctx, true);
    loop_end();
    sim_check(strlen(journal) == 4);
}

static void deletes(void *opaque)
{
    qemu_bh_schedule(opaque);
    qemu_bh_delete(opaque);
}

SIM_SCENARIO(bh_deleted_is_not_run, "A bottom half that is deleted before the loop comes to it is not run.")
{
    loop_begin();
    deletes(aio_bh_new(ctx, notes, (void *)(uintptr_t)"x"));
    aio_poll(ctx, false);
    sim_spawn("deletes", deletes, aio_bh_new(ctx, notes, (void *)(uintptr_t)"y"));
    sim_join();
    aio_poll(ctx, false);
    loop_end();
    sim_check(journal[0] == '\0');
}

static void schedules_idle(void *opaque)
{
    qemu_bh_schedule_idle(opaque);
}

SIM_SCENARIO(bh_idle_elsewhere, "A loop that sleeps hears of an idle bottom half that another thread schedules.")
{
    QEMUBH *bh;

    loop_begin();
    bh = aio_bh_new(ctx, notes, (void *)(uintptr_t)"i");
    sim_spawn("schedules", schedules_idle, bh);
    while (!journal[0]) {
        aio_poll(ctx, true);
    }
    sim_join();
    qemu_bh_delete(bh);
    loop_end();
}

/* ---- Handlers ---- */

enum { NOTIFIERS = 4 };
static EventNotifier notifiers[NOTIFIERS];

static void handles(EventNotifier *e)
{
    event_notifier_test_and_clear(e);
    note((char)('a' + (e - notifiers)));
}

SIM_SCENARIO(handlers_in_order, "Handlers whose fds are ready at once are called in the order of their registration.")
{
    loop_begin();
    for (int i = 0; i < NOTIFIERS; i++) {
        event_notifier_init(&notifiers[i], true);
        aio_set_event_notifier(ctx, &notifiers[i], false, handles, NULL);
    }
    while (aio_poll(ctx, false)) {
        continue;
    }
    sim_check(strcmp(journal, "abcd") == 0);
    for (int i = 0; i < NOTIFIERS; i++) {
        aio_set_event_notifier(ctx, &notifiers[i], false, NULL, NULL);
        event_notifier_cleanup(&notifiers[i]);
    }
    loop_end();
}

static void sets_and_enables(void *opaque)
{
    (void)opaque;
    event_notifier_set(&notifiers[0]);
    aio_enable_external(ctx);
}

SIM_SCENARIO(external_enabled_elsewhere, "A handler that was disabled is called when another thread enables it.")
{
    loop_begin();
    event_notifier_init(&notifiers[0], false);
    aio_set_event_notifier(ctx, &notifiers[0], true, handles, NULL);
    aio_disable_external(ctx);
    sim_spawn("enables", sets_and_enables, NULL);
    while (!journal[0]) {
        aio_poll(ctx, true);
    }
    sim_join();
    aio_set_event_notifier(ctx, &notifiers[0], true, NULL, NULL);
    event_notifier_cleanup(&notifiers[0]);
    loop_end();
}

/* A queue whose producer does not notify while the loop says that it polls. */
static uint32_t produced, suppressed;
static uint32_t consumed;

static bool has_more(void *opaque)
{
    (void)opaque;
    return qatomic_mb_read(&produced) != consumed;
}

static void consumes(EventNotifier *e)
{
    event_notifier_test_and_clear(e);
    consumed = qatomic_mb_read(&produced);
}

static void begins_polling(EventNotifier *e)
{
    (void)e;
    qatomic_mb_set(&suppressed, 1);
}

static void ends_polling(EventNotifier *e)
{
    (void)e;
    qatomic_mb_set(&suppressed, 0);
}

static void produces(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < 3; i++) {
        qatomic_inc(&produced);
        if (!qatomic_mb_read(&suppressed)) {
            event_notifier_set(&notifiers[0]);
        }
        sim_sleep(sim_choose(8) * 1000);
    }
}

SIM_SCENARIO(polling_suppresses, "A producer that does not notify while the loop polls is heard when the loop ends polling.")
{
    loop_begin();
    aio_context_set_poll_params(ctx, 4000, 0, 0, &error_abort);
    event_notifier_init(&notifiers[0], false);
    aio_set_event_notifier_full(ctx, &notifiers[0], false, consumes, has_more, consumes);
    aio_set_event_notifier_poll(ctx, &notifiers[0], begins_polling, ends_polling);
    sim_spawn("produces", produces, NULL);
    while (consumed < 3) {
        aio_poll(ctx, true);
    }
    sim_join();
    aio_set_event_notifier(ctx, &notifiers[0], false, NULL, NULL);
    event_notifier_cleanup(&notifiers[0]);
    loop_end();
}

static uint32_t asked;
static bool polling_is_off;

static bool counts_asking(void *opaque)
{
    (void)opaque;
    asked++;
    return false;
}

static void hears_of_it(void *opaque)
{
    polling_is_off |= !!opaque;
}

/* Wakes the loop often, so that it learns how long to poll, and then changes that. */
static void switches_polling_off(void *opaque)
{
    (void)opaque;
    aio_bh_schedule_oneshot(ctx, hears_of_it, NULL);
    sim_sleep(sim_choose(8) * 1000);
    aio_bh_schedule_oneshot(ctx, hears_of_it, NULL);
    aio_context_set_poll_params(ctx, 0, 0, 0, &error_abort);
    aio_bh_schedule_oneshot(ctx, hears_of_it, ctx);
}

static void sees_its_time(void *opaque)
{
    *(bool *)opaque = true;
}

SIM_SCENARIO(polling_switched_off, "A loop does not poll any more once another thread has set poll-max-ns to 0, whatever it learns in that moment.")
{
    bool is_late = false;

    loop_begin();
    aio_context_set_poll_params(ctx, 20000, 0, 0, &error_abort);
    event_notifier_init(&notifiers[0], false);
    aio_set_event_notifier_full(ctx, &notifiers[0], false, consumes, counts_asking, consumes);
    event_notifier_set(&notifiers[0]);     /* a handler is polled from its first event on */
    sim_spawn("switches", switches_polling_off, NULL);
    while (!polling_is_off) {
        aio_poll(ctx, true);
    }
    sim_join();
    QEMUTimer *timer = aio_timer_new(ctx, QEMU_CLOCK_REALTIME, SCALE_NS, sees_its_time, &is_late);
    timer_mod(timer, qemu_clock_get_ns(QEMU_CLOCK_REALTIME) + SCALE_MS);
    aio_poll(ctx, false);
    asked = 0;
    while (!is_late) {
        aio_poll(ctx, true);
    }
    sim_check(asked == 0);
    timer_free(timer);
    aio_set_event_notifier(ctx, &notifiers[0], false, NULL, NULL);
    event_notifier_cleanup(&notifiers[0]);
    loop_end();
}

/* ---- Timers ---- */

static QEMUTimer *timers[4];

static void notes_later(void *opaque)
{
    (void)opaque;
    sim_sleep(2 * SCALE_MS);
    aio_bh_schedule_oneshot(ctx, notes, (void *)(uintptr_t)"l");
}

SIM_SCENARIO(timers_in_order, "Timers of one deadline fire in the order in which they were armed, and the loop sleeps in between.")
{
    int64_t deadline;
    int polls = 0;

    loop_begin();
    deadline = qemu_clock_get_ns(QEMU_CLOCK_REALTIME) + 2 * SCALE_MS;
    for (int i = 0; i < 4; i++) {
        timers[i] = aio_timer_new(ctx, QEMU_CLOCK_REALTIME, SCALE_NS, notes, (void *)(uintptr_t)&"abcd"[i]);
        timer_mod(timers[i], deadline);
    }
    while (strlen(journal) < 4) {
        aio_poll(ctx, true);
    }
    sim_check(strcmp(journal, "abcd") == 0);
    /* No timer is left, and what comes next comes from another thread. */
    sim_spawn("later", notes_later, NULL);
    while (strlen(journal) < 5) {
        aio_poll(ctx, true);
        polls++;
    }
    /* Each may end for a wake-up without a cause. */
    sim_check(polls < 10);
    for (int i = 0; i < 4; i++) {
        timer_free(timers[i]);
    }
    loop_end();
}

static int fired, fired_before;

static void remembers(void *opaque)
{
    (void)opaque;
    fired_before = fired;
}

static void rearms(void *opaque)
{
    (void)opaque;
    if (!fired++) {
        aio_bh_schedule_oneshot(ctx, remembers, NULL);
    }
    if (fired < 150) {
        timer_mod(timers[0], 0);
    }
}

SIM_SCENARIO(timer_rearms_itself, "A timer that is always due leaves the loop time for other work.")
{
    loop_begin();
    timers[0] = aio_timer_new(ctx, QEMU_CLOCK_REALTIME, SCALE_NS, rearms, NULL);
    timer_mod(timers[0], 0);
    while (fired < 150) {
        aio_poll(ctx, true);
    }
    sim_check(fired_before > 0 && fired_before < 100);
    timer_free(timers[0]);
    loop_end();
}

static int64_t base;

static void anticipates(void *opaque)
{
    timer_mod_anticipate(timers[0], base + (intptr_t)opaque);
}

SIM_SCENARIO(timer_anticipated_by_three, "Of the deadlines that threads anticipate a timer to, the earliest counts.")
{
    loop_begin();
    base = qemu_clock_get_ns(QEMU_CLOCK_REALTIME) + NANOSECONDS_PER_SECOND;
    timers[0] = aio_timer_new(ctx, QEMU_CLOCK_REALTIME, SCALE_NS, notes, (void *)(uintptr_t)"t");
    timer_mod(timers[0], base + 9);
    sim_spawn("a", anticipates, (void *)3);
    sim_spawn("b", anticipates, (void *)1);
    sim_spawn("c", anticipates, (void *)2);
    sim_join();
    sim_check(timer_expire_time_ns(timers[0]) == (uint64_t)base + 1);
    timer_free(timers[0]);
    loop_end();
}

/* ---- CoRwlocks ---- */

static CoRwlock rwlock;
static int inside;

static void coroutine_fn reads(void *opaque)
{
    (void)opaque;
    qemu_co_rwlock_rdlock(&rwlock);
    inside++;
    qemu_coroutine_yield();
    inside--;
    qemu_co_rwlock_unlock(&rwlock);
}

static void coroutine_fn writes(void *opaque)
{
    qemu_co_rwlock_wrlock(&rwlock);
    inside += 10;
    qemu_coroutine_yield();
    inside -= 10;
    if (opaque) {
        qemu_co_rwlock_downgrade(&rwlock);
        qemu_coroutine_yield();
    }
    qemu_co_rwlock_unlock(&rwlock);
}

static Coroutine *enters(CoroutineEntry *fn, void *opaque)
{
    Coroutine *co = qemu_coroutine_create(fn, opaque);

    qemu_coroutine_enter(co);
    return co;
}

SIM_SCENARIO(co_rwlock_in_order, "Who waits for a CoRwlock is let in in order, readers together, also when a writer becomes a reader.")
{
    Coroutine *first, *writer, *one, *two;

    loop_begin();
    qemu_co_rwlock_init(&rwlock);
    first = enters(reads, NULL);
    writer = enters(writes, loop_end);
    one = enters(reads, NULL);
    two = enters(reads, NULL);
    sim_check(inside == 1);
    qemu_coroutine_enter(first);
    sim_check(inside == 10);
    qemu_coroutine_enter(writer);
    /* It reads, and those that have waited for it. */
    sim_check(inside == 2);
    qemu_coroutine_enter(one);
    qemu_coroutine_enter(two);
    qemu_coroutine_enter(writer);
    /* The same without becoming a reader. */
    writer = enters(writes, NULL);
    one = enters(reads, NULL);
    two = enters(reads, NULL);
    qemu_coroutine_enter(writer);
    sim_check(inside == 2);
    qemu_coroutine_enter(one);
    qemu_coroutine_enter(two);
    sim_check(inside == 0);
    loop_end();
}
