/* SPDX-License-Identifier: MIT */
/* The reference model of one context; model.h says what it is for. */
#include "model.h"

/* ---- Bottom halves: the last one scheduled is the first to run ---- */

static ModelBH *list;                     /* scheduled since the last poll */
static ModelSlice *slices;                /* taken by polls, the oldest first */
static ModelBH co_schedule = { .co_schedule = true };

#define MAX_QUEUED 4096
static unsigned co_queue[MAX_QUEUED], co_queued;   /* aio_co_schedule() since then */
static unsigned co_batch[MAX_QUEUED], co_begin, co_end;

void model_bh_enqueue(ModelBH *bh)
{
    if (!bh->pending) {
        bh->pending = true;
        bh->next = list;
        list = bh;
    }
}

void model_bh_begin(ModelSlice *slice)
{
    ModelSlice **end = &slices;

    while (*end) {
        end = &(*end)->next;
    }
    *slice = (ModelSlice){ .first = list };
    *end = slice;
    list = NULL;
}

static void drop(ModelBH *bh)
{
    if (bh->oneshot || bh->deleted) {
        free(bh);
    }
}

static void batch(void)
{
    for (unsigned i = 0; i < co_queued; i++) {
        co_batch[co_end++ % MAX_QUEUED] = co_queue[i];
    }
    co_queued = 0;
}

/* Takes the first bottom half off the chain of slices. */
static ModelBH *take(void)
{
    while (slices) {
        ModelBH *bh = slices->first;

        if (bh) {
            slices->first = bh->next;
            bh->pending = false;
            return bh;
        }
        slices = slices->next;
    }
    return NULL;
}

ModelBH *model_bh_next(void)
{
    ModelBH *bh;

    while (co_begin == co_end && (bh = take())) {
        bool runs = bh->scheduled && !bh->deleted;

        bh->scheduled = false;
        if (bh->co_schedule) {
            batch();
        } else if (runs) {
            return bh;
        } else {
            bh->idle = false;
            drop(bh);
        }
    }
    return NULL;
}

static bool is_due(const ModelBH *bh, bool idle_too)
{
    for (; bh; bh = bh->next) {
        if (bh->scheduled && !bh->deleted && (idle_too || !bh->idle)) {
            return true;
        }
    }
    return false;
}

bool model_bh_due(bool idle_too)
{
    for (const ModelSlice *slice = slices; slice; slice = slice->next) {
        if (is_due(slice->first, idle_too)) {
            return true;
        }
    }
    return co_begin != co_end || is_due(list, idle_too);
}

void model_bh_reset(void)
{
    ModelBH *bh;

    EXPECT(!model_bh_due(true));
    while (list) {
        bh = list;
        list = bh->next;
        drop(bh);
    }
    slices = NULL;
    co_schedule = (ModelBH){ .co_schedule = true };
    co_begin = co_end = co_queued = 0;
}

/* ---- Scheduled coroutines: the first one scheduled is the first to run ---- */

void model_co_schedule(unsigned co)
{
    EXPECT(co_queued < MAX_QUEUED);
    co_queue[co_queued++] = co;
    co_schedule.scheduled = true;
    model_bh_enqueue(&co_schedule);
}

int model_co_next(void)
{
    if (co_begin == co_end) {
        EXPECT(!model_bh_next());
    }
    return co_begin == co_end ? -1 : (int)co_batch[co_begin++ % MAX_QUEUED];
}

/* ---- Timers: by deadline, then by arming ---- */

ModelTimer model_timers[MODEL_TIMERS];

static uint64_t turns;
static unsigned running[QEMU_CLOCK_MAX];  /* call-backs of timers on the stack */

void model_timer_arm(unsigned i, int64_t deadline)
{
    ModelTimer *timer = &model_timers[i];

    timer->armed = true;
    timer->late = running[timer->clock] > 0;
    timer->may_wait = false;
    for (int clock = 0; clock < QEMU_CLOCK_MAX; clock++) {
        timer->may_wait |= running[clock] > 0;
    }
    timer->deadline = deadline;
    timer->turn = ++turns;
}

static bool is_over(const ModelTimer *timer)
{
    return timer->armed && timer->deadline <= qemu_clock_get_ns(timer->clock);
}

/* a has to run before b: those that timers have armed come last. */
static bool is_before(const ModelTimer *a, const ModelTimer *b)
{
    if (a->late || b->late) {
        return !a->late && b->late;
    }
    return a->deadline != b->deadline ? a->deadline < b->deadline
                                      : a->turn < b->turn;
}

void model_timer_begin(unsigned i)
{
    ModelTimer *timer = &model_timers[i];

    EXPECT(is_over(timer));
    for (unsigned k = 0; k < MODEL_TIMERS; k++) {
        if (model_timers[k].clock == timer->clock && is_over(&model_timers[k])) {
            EXPECT(!is_before(&model_timers[k], timer));
        }
    }
    timer->armed = false;
    running[timer->clock]++;
}

void model_timer_end(unsigned i)
{
    running[model_timers[i].clock]--;
}

bool model_timer_due(bool all)
{
    for (unsigned i = 0; i < MODEL_TIMERS; i++) {
        if (is_over(&model_timers[i]) && (all || !model_timers[i].may_wait)) {
            return true;
        }
    }
    return false;
}
