/* SPDX-License-Identifier: MIT */
/*
 * Random programs over the public C API, run by one thread in one context, and compared
 * with the model. The input is the program: the main program, and each call-back when it
 * runs, take the next bytes and do what they say. When the input is used up, call-backs
 * do nothing more, and everything that is due has to run.
 */
#include "loop.h"
#include "ring.h"

#include "qemu/coroutine.h"

#define BHS 8
#define NOTIFIERS 4

AioContext *ctx;
unsigned depth, job_depth;
bool progress[MAX_DEPTH + 1], tracing;
static GMainContext *gmain;    /* NULL: the program drives the loop by aio_poll() */
static const uint8_t *input, *input_end;

unsigned next_byte(void)
{
    return input < input_end ? *input++ : 0;
}

void script(void)
{
    do_ops(next_byte() & 3, depth < MAX_DEPTH);
}

/* ---- Bottom halves ---- */

static struct { QEMUBH *bh; ModelBH *model; } bhs[BHS];

static void ran_bh(void *opaque)
{
    ModelBH *model = opaque;

    TRACE("bottom half %p", (void *)model);
    EXPECT(model_bh_next() == model);
    progress[depth] |= !model->idle;
    model->idle = false;
    if (model->oneshot) {
        free(model);
    }
    script();
}

static ModelBH *new_model(void)
{
    ModelBH *model = calloc(1, sizeof(*model));
    EXPECT(model);
    return model;
}

static void schedule_oneshot(void)
{
    ModelBH *model = new_model();

    model->oneshot = model->scheduled = true;
    model_bh_enqueue(model);
    aio_bh_schedule_oneshot(ctx, ran_bh, model);
}

static void make_bh(unsigned i)
{
    if (!bhs[i].bh) {
        bhs[i].model = new_model();
        bhs[i].bh = aio_bh_new(ctx, ran_bh, bhs[i].model);
    }
}

static void schedule_bh(unsigned i, bool idle)
{
    make_bh(i);
    /* Whether one that was cancelled is still in its place depends on where the pool's
     * bottom half was. */
    if (depth > 0 && depth == job_depth && bhs[i].model->pending && !bhs[i].model->scheduled) {
        return;
    }
    bhs[i].model->scheduled = true;
    bhs[i].model->idle |= idle;
    model_bh_enqueue(bhs[i].model);
    if (idle) {
        qemu_bh_schedule_idle(bhs[i].bh);
    } else {
        qemu_bh_schedule(bhs[i].bh);
    }
}

static void cancel_bh(unsigned i)
{
    if (bhs[i].bh) {
        bhs[i].model->scheduled = false;
        qemu_bh_cancel(bhs[i].bh);
    }
}

static void delete_bh(unsigned i)
{
    if (bhs[i].bh) {
        bhs[i].model->deleted = true;
        model_bh_enqueue(bhs[i].model);
        qemu_bh_delete(bhs[i].bh);
        bhs[i].bh = NULL;
    }
}

/* ---- Handlers ---- */

static struct {
    EventNotifier e;
    bool set, watched, external, polled;
} notifiers[NOTIFIERS];
static unsigned disabled;      /* aio_disable_external() */

static unsigned index_of(EventNotifier *e)
{
    unsigned i = 0;

    while (&notifiers[i].e != e) {
        i++;
    }
    return i;
}

static void clear_notifier(unsigned i)
{
    EXPECT(event_notifier_test_and_clear(&notifiers[i].e) == notifiers[i].set);
    notifiers[i].set = false;
}

static void is_readable(EventNotifier *e)
{
    unsigned i = index_of(e);

    TRACE("fd %u", i);
    EXPECT(notifiers[i].watched);
    EXPECT(!notifiers[i].external || !disabled);
    EXPECT(!model_bh_next());          /* bottom halves come first */
    progress[depth] = true;
    clear_notifier(i);
    script();
}

static bool is_set(void *opaque)
{
    unsigned i = index_of(opaque);

    EXPECT(notifiers[i].watched);
    if (!notifiers[i].set) {
        return false;
    }
    progress[depth] = true;
    clear_notifier(i);
    return true;
}

static void watch(unsigned i, unsigned how)
{
    notifiers[i].watched = how & 1;
    notifiers[i].external = how & 2;
    notifiers[i].polled = how & 4;
    if (how & 1) {
        aio_set_event_notifier(ctx, &notifiers[i].e, how & 2, is_readable,
                               how & 4 ? is_set : NULL);
    } else {
        aio_set_event_notifier(ctx, &notifiers[i].e, how & 2, NULL, NULL);
    }
}

static void set_notifier(unsigned i)
{
    notifiers[i].set = true;
    EXPECT(event_notifier_set(&notifiers[i].e) == 0);
}

static bool fd_is_ready(void)
{
    for (unsigned i = 0; i < NOTIFIERS; i++) {
        if (notifiers[i].set && notifiers[i].watched &&
            (!notifiers[i].external || !disabled)) {
            return true;
        }
    }
    return false;
}

/* ---- Timers ---- */

static QEMUTimer *timers[MODEL_TIMERS];

static void timer_ran(void *opaque)
{
    unsigned i = (unsigned)(uintptr_t)opaque;

    TRACE("timer %u", i);
    EXPECT(!timer_pending(timers[i]));
    EXPECT(!model_bh_next());
    model_timer_begin(i);
    progress[depth] = true;
    script();
    model_timer_end(i);
}

static void arm(unsigned i, unsigned when)
{
    /* In the past, or in an hour. */
    int64_t deadline = when < 192 ? when : INT64_C(3600) * NANOSECONDS_PER_SECOND +
                                    qemu_clock_get_ns(model_timers[i].clock);

    model_timer_arm(i, deadline);
    timer_mod_ns(timers[i], deadline);
    EXPECT(timer_pending(timers[i]));
}

static void disarm(unsigned i)
{
    EXPECT(timer_pending(timers[i]) == model_timers[i].armed);
    model_timers[i].armed = false;
    timer_del(timers[i]);
}

/* ---- Iterations ---- */

/* Nothing may wait for a poll that blocks but what ends it. */
static bool something_is_due(void)
{
    return model_bh_due(true) || model_timer_due(true) || fd_is_ready();
}

static void poll_bottom_halves(void)
{
    ModelSlice slice;
    bool any;

    TRACE("{");
    depth++;
    progress[depth] = false;
    model_bh_begin(&slice);
    any = aio_bh_poll(ctx);
    EXPECT(any || !progress[depth]);
    EXPECT(!any || progress[depth] || pool_used);
    EXPECT(!model_bh_next());
    depth--;
    TRACE("}");
}

static void poll_once(bool blocking)
{
    ModelSlice slice;
    bool any, is_due = something_is_due();

    TRACE("{");
    depth++;
    progress[depth] = false;
    model_bh_begin(&slice);
    if (gmain && depth == 1) {
        any = g_main_context_iteration(gmain, blocking);
    } else {
        any = aio_poll(ctx, blocking);
        EXPECT(any || !progress[depth]);
        EXPECT(!any || progress[depth] || pool_used);
    }
    EXPECT(!model_bh_next());
    EXPECT(!model_timer_due(false));
    depth--;
    TRACE("}");
    if (gmain && !is_due) {
        /* It may not have been dispatched: what was cancelled is still in the list. */
        poll_bottom_halves();
    }
}

static void look(void)
{
    int64_t timeout = aio_compute_timeout(ctx);

    /* Coroutines that were scheduled together are taken off the list together. */
    if (qemu_in_coroutine()) {
        return;
    }
    if (model_bh_due(false) || model_timer_due(true)) {
        EXPECT(timeout == 0);
    } else if (model_bh_due(true)) {
        EXPECT(timeout >= 0 && timeout <= 10 * SCALE_MS);
    } else if (!pool_used) {
        EXPECT(timeout != 0);
    }
    EXPECT(aio_external_disabled(ctx) == (disabled > 0));
}

static void set_disabled(bool disable)
{
    if (disable) {
        disabled++;
        aio_disable_external(ctx);
    } else if (disabled) {
        disabled--;
        aio_enable_external(ctx);
    }
}

/* Only main programs and call-backs outside coroutines poll. */
static void poll_op(unsigned what)
{
    if (what & 1) {
        poll_once((what & 2) && something_is_due());
    } else {
        poll_bottom_halves();
    }
}

void do_ops(unsigned max, bool may_poll)
{
    for (; max && input < input_end; max--) {
        unsigned op = next_byte(), what = next_byte();

        TRACE("op %u %u%s", op % 20, what, qemu_in_coroutine() ? " in a coroutine" : "");

        switch (op % 20) {
        case 0: schedule_oneshot(); break;
        case 1: case 2: schedule_bh(what % BHS, false); break;
        case 3: schedule_bh(what % BHS, true); break;
        case 4: cancel_bh(what % BHS); break;
        case 5: delete_bh(what % BHS); break;
        case 6: case 7: set_notifier(what % NOTIFIERS); break;
        case 8: clear_notifier(what % NOTIFIERS); break;
        case 9: watch(what % NOTIFIERS, what / NOTIFIERS); break;
        case 10: arm(what % MODEL_TIMERS, next_byte()); break;
        case 11: disarm(what % MODEL_TIMERS); break;
        case 12: co_schedule(what % COROUTINES); break;
        case 13: co_wake(what % COROUTINES); break;
        case 14: submit(what % REQUESTS); break;
        case 15: cancel(what % REQUESTS); break;
        case 16: set_disabled(what & 1); break;
        case 17: aio_notify(ctx); break;
        case 18: look(); break;
        default:
            if (may_poll && !qemu_in_coroutine()) {
                poll_op(what);
            }
        }
    }
}

/* ---- A run ---- */

static void begin(unsigned how)
{
    ring_wanted = how % 16 == 15;
    ctx = aio_context_new(NULL);
    qemu_set_current_aio_context(ctx);
    if (how & 1) {
        GSource *source = aio_get_g_source(ctx);

        gmain = g_main_context_new();
        g_source_attach(source, gmain);
        g_source_unref(source);
    }
    if (how & 2) {
        aio_context_set_poll_params(ctx, 1000, 0, 0, NULL);
    }
    for (unsigned i = 0; i < NOTIFIERS; i++) {
        notifiers[i].set = notifiers[i].watched = false;
        EXPECT(event_notifier_init(&notifiers[i].e, 0) == 0);
    }
    for (unsigned i = 0; i < MODEL_TIMERS; i++) {
        model_timers[i] = (ModelTimer){ .clock = i % 2 ? QEMU_CLOCK_REALTIME
                                                       : QEMU_CLOCK_HOST };
        timers[i] = aio_timer_new(ctx, model_timers[i].clock, SCALE_NS, timer_ran,
                                  (void *)(uintptr_t)i);
    }
    co_begin();
    pool_used = false;
    disabled = 0;
}

/* Runs what is due, until nothing is. */
static void settle(void)
{
    for (unsigned rounds = 0;; rounds++) {
        EXPECT(rounds < 100000);
        if (something_is_due() || is_outstanding()) {
            poll_once(is_outstanding() || rounds % 2);
            continue;
        }
        if (!co_wake_any()) {
            return;
        }
    }
}

static void end(void)
{
    for (; disabled; disabled--) {
        aio_enable_external(ctx);
    }
    settle();
    co_end();
    for (unsigned i = 0; i < BHS; i++) {
        delete_bh(i);
    }
    for (unsigned i = 0; i < NOTIFIERS; i++) {
        watch(i, 0);
        event_notifier_cleanup(&notifiers[i].e);
    }
    for (unsigned i = 0; i < MODEL_TIMERS; i++) {
        timer_free(timers[i]);
    }
    poll_bottom_halves();
    model_bh_reset();
    if (gmain) {
        g_main_context_unref(gmain);
        gmain = NULL;
    }
    aio_context_detach_current();
    aio_context_unref(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tracing = getenv("FUZZ_TRACE") != NULL;
    input = data;
    input_end = data + size;
    begin(next_byte());
    do_ops(1000, true);
    input = input_end;
    end();
    return 0;
}
