/* SPDX-License-Identifier: MIT */
/*
 * Nothing is left to do when everybody sleeps. A loop that sleeps although one of its bottom halves is scheduled, one of its fds
 * is ready, or one of its timers is due earlier than it will wake up, has lost a wake-up, also if something else wakes it later.
 * (The coroutines that wait to be entered are behind a bottom half.)
 */
#include "loop/bh.h"
#include "loop/loop.h"
#include "loop/part.h"
#include "port/port.h"
#include "port/sim/sim.h"
#include "time/clock.h"

typedef struct Rest {
    AioContext *ctx;
    QLIST_ENTRY(Rest) next;
} Rest;

static QLIST_HEAD(, Rest) contexts;

static void note(AioContext *ctx, bool again);
static void forget(AioContext *ctx);
static AioPart rest_part = {
    .size = sizeof(Rest),
    .begin = note,
    .end = forget,
};
AIO_PART_REGISTER(rest_part);

/* This is no part of the program: its accesses race with nobody. */
#define NO_PART __attribute__((no_sanitize("thread")))

NO_PART static void note(AioContext *ctx, bool again)
{
    Rest *rest = aio_part(ctx, &rest_part);

    if (!again) {
        rest->ctx = ctx;
        QLIST_INSERT_HEAD(&contexts, rest, next);
    }
}

NO_PART static void forget(AioContext *ctx)
{
    Rest *rest = aio_part(ctx, &rest_part);

    QLIST_REMOVE(rest, next);
}

NO_PART static void check_bottom_halves(const QEMUBH *bh)
{
    for (; bh; bh = bh->next.sle_next) {
        if ((bh->flags & (BH_SCHEDULED | BH_DELETED | BH_IDLE)) == BH_SCHEDULED) {
            sim_fail("a lost wake-up: everybody sleeps, and the bottom half '%s' is scheduled", bh->name);
        }
    }
}

NO_PART static void check(const AioContext *ctx, int64_t deadline)
{
    const BHListSlice *slice;
    const AioHandler *node;
    int64_t first = ctx->tlg.tl[QEMU_CLOCK_REALTIME]->first;

    check_bottom_halves(ctx->bh_list.slh_first);
    QSIMPLEQ_FOREACH(slice, &ctx->bh_slice_list, next) {
        check_bottom_halves(slice->bh_list.slh_first);
    }
    QLIST_FOREACH(node, &ctx->aio_handlers, node) {
        if (!node->deleted && !(node->is_external && ctx->external_disable_cnt) && node->pfd.fd != ctx->wakeup->fd &&
            (node->pfd.events & PORT_POLLIN) && sim_event_is_set(node->pfd.fd)) {
            sim_fail("a lost wake-up: everybody sleeps, and fd %d, for which there is a handler, is ready", node->pfd.fd);
        }
    }
    /* The deadline may be rounded up to milliseconds. */
    if (deadline - SCALE_MS > first) {
        sim_fail("a lost wake-up: the loop sleeps for longer than its first timer does");
    }
}

NO_PART static void at_rest(int notifier_fd, int64_t deadline)
{
    const Rest *rest;

    QLIST_FOREACH(rest, &contexts, next) {
        if (rest->ctx->wakeup->fd == notifier_fd) {
            check(rest->ctx, deadline);
        }
    }
}

static __attribute__((constructor)) void begin(void)
{
    sim_on_rest(at_rest);
}
