/* SPDX-License-Identifier: MIT */
/* What peers/hosted.mjs calls: the runtime's owner, whose context JavaScript's event
 * loop drives, and an IOThread. */
#include "block/aio.h"
#include "port/port.h"
#include "qemu/atomic.h"
#include "qemu/osdep.h"

#define EXPORT(name) __attribute__((export_name(#name), used)) name

extern AioContext *rt_owner_context(void);
extern void rt_complete(uint32_t id, double result);

static int64_t now_ns(void)
{
    return port_clock_ns(PORT_CLOCK_MONOTONIC);
}

/* ---- Round trips, by one-shots ---- */

static struct {
    AioContext *far;
    uint32_t id;
    int left;
    int64_t start;
} trips;

static void answer_cb(void *opaque);

static void ask_cb(void *opaque)
{
    aio_bh_schedule_oneshot(rt_owner_context(), answer_cb, opaque);
}

static void answer_cb(void *opaque)
{
    if (--trips.left) {
        aio_bh_schedule_oneshot(trips.far, ask_cb, opaque);
    } else {
        rt_complete(trips.id, (double)(now_ns() - trips.start));
    }
}

/* Owner: so many to `far` and back; complete(id, ns). */
void EXPORT(round_trips)(AioContext *far, int n, uint32_t id)
{
    trips.far = far;
    trips.id = id;
    trips.left = n;
    trips.start = now_ns();
    aio_bh_schedule_oneshot(far, ask_cb, NULL);
}

/* ---- A busy owner ---- */

#define WORK_NS 5000

static QEMUTimer flood_timer;
static int flood_count, flood_ms, flood_ran;

static void work_cb(void *opaque)
{
    int64_t end = now_ns() + WORK_NS;

    (void)opaque;
    flood_ran++;
    while (now_ns() < end) {
        continue;
    }
}

static void flood_cb(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < flood_count; i++) {
        aio_bh_schedule_oneshot(rt_owner_context(), work_cb, NULL);
    }
    timer_mod(&flood_timer, qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + flood_ms);
}

/* In an IOThread: so many one-shots at once for the owner, each so many ms. */
int EXPORT(flood)(int count, int ms)
{
    flood_count = count;
    flood_ms = ms;
    aio_timer_init(qemu_get_current_aio_context(), &flood_timer,
                   QEMU_CLOCK_REALTIME, SCALE_MS, flood_cb, NULL);
    timer_mod(&flood_timer, 0);
    return 1;
}

/* There, too. */
int EXPORT(stop_flood)(void)
{
    timer_del(&flood_timer);
    return 1;
}

/* Owner: how many ran since it was asked last. */
int EXPORT(flood_has_run)(void)
{
    int ran = flood_ran;

    flood_ran = 0;
    return ran;
}

int main(void)
{
    return 0;
}
