/* SPDX-License-Identifier: MIT */
/* The wake-up protocol: what was scheduled is run, whether the loop sleeps, is about to, or is awake. */
#include "loop.h"
#include "sync/wakeup.h"

/* ---- The protocol alone ---- */

static Wakeup *wakeup;
static uint32_t published;

static void publishes(void *opaque)
{
    (void)opaque;
    qatomic_set(&published, 1);
    wakeup_notify(wakeup);
}

/* What aio_poll() does around its sleep. */
static void sleep_unless_notified(void)
{
    PortPollFd fd = { wakeup->fd, PORT_POLLIN, 0 };

    qatomic_mb_set(&wakeup->notify_me, qatomic_read(&wakeup->notify_me) + 2);
    port_fd_poll(&fd, 1, wakeup->fd, qatomic_mb_read(&wakeup->notified) ? 0 : -1);
    qatomic_store_release(&wakeup->notify_me, qatomic_read(&wakeup->notify_me) - 2);
    port_event_clear(wakeup->fd);
    wakeup_accept(wakeup);
}

SIM_SMALL_SCENARIO(notify_or_sleep, "A loop that is about to sleep sees a notification, or is woken.")
{
    int error;

    wakeup = wakeup_new(port_event_open(), &error);
    sim_spawn("notifier", publishes, NULL);
    while (!qatomic_read(&published)) {
        sleep_unless_notified();
    }
    sim_join();
}

/* ---- Bottom halves ---- */

static int ran;

static void count(void *opaque)
{
    (void)opaque;
    ran++;
}

static void schedules_one(void *opaque)
{
    (void)opaque;
    aio_bh_schedule_oneshot(ctx, count, NULL);
}

static void schedules_three(void *opaque)
{
    for (int i = 0; i < 3; i++) {
        schedules_one(opaque);
    }
}

SIM_SCENARIO(oneshot, "A one-shot that another thread schedules is run.")
{
    loop_begin();
    sim_spawn("scheduler", schedules_one, NULL);
    while (ran < 1) {
        aio_poll(ctx, true);
    }
    loop_end();
    sim_check(ran == 1);
}

SIM_SCENARIO(oneshots_of_two, "Six one-shots of two threads are run once each.")
{
    loop_begin();
    sim_spawn("a", schedules_three, NULL);
    sim_spawn("b", schedules_three, NULL);
    while (ran < 6) {
        aio_poll(ctx, true);
    }
    loop_end();
    sim_check(ran == 6);
}

/* Work that one bottom half does, which is scheduled after each piece. */
static QEMUBH *bh;
static uint32_t pieces;
static uint32_t done;

static void takes_all(void *opaque)
{
    (void)opaque;
    done += qatomic_xchg(&pieces, 0);
}

static void adds_pieces(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < 3; i++) {
        qatomic_inc(&pieces);
        qemu_bh_schedule(bh);
    }
}

SIM_SCENARIO(bh_of_two, "A bottom half that two threads schedule runs after each of them has done so.")
{
    loop_begin();
    bh = aio_bh_new(ctx, takes_all, NULL);
    sim_spawn("a", adds_pieces, NULL);
    sim_spawn("b", adds_pieces, NULL);
    while (done < 6) {
        aio_poll(ctx, true);
    }
    qemu_bh_delete(bh);
    loop_end();
    sim_check(done == 6);
}

static void schedules_and_deletes(void *opaque)
{
    QEMUBH *own = aio_bh_new(ctx, count, NULL);

    (void)opaque;
    qemu_bh_schedule(own);
    qemu_bh_delete(own);
    schedules_one(NULL);
}

SIM_SCENARIO(bh_deleted_elsewhere, "A bottom half may be deleted by another thread while the loop runs it.")
{
    loop_begin();
    sim_spawn("a", schedules_and_deletes, NULL);
    sim_spawn("b", schedules_and_deletes, NULL);
    /* Each has a one-shot as well, and its bottom half may have run before it was deleted. */
    while (ran < 2) {
        aio_poll(ctx, true);
    }
    loop_end();
    sim_check(ran <= 4);
}

static void schedules_again(void *opaque)
{
    (void)opaque;
    qatomic_inc(&pieces);
    qemu_bh_schedule(bh);
}

SIM_SCENARIO(bh_scheduled_again, "A bottom half that was cancelled, or is idle, runs at once when another thread schedules it.")
{
    int64_t start;

    loop_begin();
    bh = aio_bh_new(ctx, takes_all, NULL);
    start = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    if (sim_choose(2)) {
        qemu_bh_schedule(bh);
        qemu_bh_cancel(bh);
        sim_spawn("a", schedules_again, NULL);
        while (done < 1) {
            aio_poll(ctx, true);
        }
    } else {
        qemu_bh_schedule_idle(bh);
        sim_spawn("a", schedules_again, NULL);
        while (done < 1) {
            aio_poll(ctx, true);
        }
        /* An idle one may be 10 ms late. */
        sim_check(qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - start < 9 * SCALE_MS);
    }
    sim_join();
    qemu_bh_delete(bh);
    loop_end();
}

static void deletes_itself(void *opaque)
{
    (void)opaque;
    qemu_bh_delete(bh);
    ran++;
}

static void schedules_bh(void *opaque)
{
    (void)opaque;
    qemu_bh_schedule(bh);
}

SIM_SCENARIO(bh_deletes_itself, "A bottom half that another thread schedules may delete itself in its call-back.")
{
    loop_begin();
    bh = aio_bh_new(ctx, deletes_itself, NULL);
    sim_spawn("a", schedules_bh, NULL);
    while (ran < 1) {
        aio_poll(ctx, true);
    }
    /* It is freed now, while the other thread may still be in qemu_bh_schedule(). */
    aio_poll(ctx, false);
    aio_poll(ctx, false);
    loop_end();
}

static uint32_t wanted;

static void wants_and_kicks(void *opaque)
{
    (void)opaque;
    qatomic_set(&wanted, 1);
    aio_notify(ctx);
}

SIM_SCENARIO(notified_twice, "A thread that is notified sees what was stored before, also if it was notified a moment ago.")
{
    loop_begin();
    sim_spawn("a", wants_and_kicks, NULL);
    sim_spawn("b", schedules_one, NULL);
    while (!qatomic_read(&wanted) || ran < 1) {
        aio_poll(ctx, true);
    }
    loop_end();
}

SIM_SCENARIO(polling_loop, "A loop that polls in user space misses nothing when it goes to sleep.")
{
    loop_begin();
    aio_context_set_poll_params(ctx, 20000, 0, 0, &error_abort);
    sim_spawn("a", schedules_three, NULL);
    sim_spawn("b", schedules_three, NULL);
    while (ran < 6) {
        aio_poll(ctx, true);
    }
    loop_end();
    sim_check(ran == 6);
}
