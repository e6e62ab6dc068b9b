/* SPDX-License-Identifier: MIT */
/* Handlers added, changed and removed by several threads and from inside
 * call-backs; nested polls; what is freed when. */
#include "loop.h"
#include "loop/loop.h"
#include "notifiers.h"

static int handlers_in_list(void)
{
    AioHandler *node;
    int count = 0;

    QLIST_FOREACH(node, &ctx->aio_handlers, node) {
        count++;
    }
    return count;
}

/* ---- Deferred freeing ---- */

static Source a, b, c;

static void setup(void)
{
    loop_setup();
    journal_clear();
    source_init(&a, 'a');
    source_init(&b, 'b');
    source_init(&c, 'c');
}

static void teardown(void)
{
    source_cleanup(&a);
    source_cleanup(&b);
    source_cleanup(&c);
    loop_teardown();
}

static void outside_a_poll_a_removed_handler_is_freed_at_once(void)
{
    setup();
    source_watch(&a);
    ASSERT_INT_EQ(handlers_in_list(), 2);
    source_unwatch(&a);
    ASSERT_INT_EQ(handlers_in_list(), 1);
    ASSERT_TRUE(QLIST_EMPTY(&ctx->deleted_aio_handlers));
    teardown();
}

static void remove_b_and_look(void *opaque)
{
    (void)opaque;
    source_unwatch(&b);
    ASSERT_FALSE(QLIST_EMPTY(&ctx->deleted_aio_handlers));
    ASSERT_INT_EQ(handlers_in_list(), 2);       /* b is but marked */
    aio_poll(ctx, false);                       /* inside it stays, too */
    ASSERT_FALSE(QLIST_EMPTY(&ctx->deleted_aio_handlers));
    ASSERT_INT_EQ(handlers_in_list(), 2);
}

static void inside_one_it_is_freed_by_the_outermost(void)
{
    setup();
    source_watch(&b);
    event_notifier_set(&b.e);
    aio_bh_schedule_oneshot(ctx, remove_b_and_look, NULL);
    ASSERT_STR_EQ(poll_once(), "");
    ASSERT_TRUE(QLIST_EMPTY(&ctx->deleted_aio_handlers));
    ASSERT_INT_EQ(handlers_in_list(), 1);
    teardown();
}

static void removed_and_added_again_inside_it_is_another(void)
{
    setup();
    source_watch(&a);
    qemu_lockcnt_inc(&ctx->list_lock);          /* as inside a poll */
    for (int i = 0; i < 100; i++) {
        source_unwatch(&a);
        source_watch(&a);
    }
    ASSERT_INT_EQ(handlers_in_list(), 102);
    qemu_lockcnt_dec(&ctx->list_lock);
    event_notifier_set(&a.e);
    ASSERT_STR_EQ(poll_once(), "a");
    ASSERT_INT_EQ(handlers_in_list(), 2);
    teardown();
}

static void watch_c(void *opaque)
{
    (void)opaque;
    source_watch(&c);
}

static void add_c(Source *self)
{
    (void)self;
    source_watch(&c);
}

/* What is new is not in this iteration's list of what is ready. */
static void one_that_is_added_inside_runs_in_the_next(void)
{
    QEMUTimer timer;

    setup();
    event_notifier_set(&c.e);
    event_notifier_set(&a.e);
    source_watch(&a);
    a.then = add_c;
    ASSERT_STR_EQ(poll_once(), "a");
    a.then = NULL;
    ASSERT_STR_EQ(poll_once(), "ac");
    source_unwatch(&c);
    timer_setup(&timer, watch_c, NULL);
    timer_mod(&timer, 0);
    ASSERT_STR_EQ(poll_once(), "a");
    ASSERT_STR_EQ(poll_once(), "ac");
    teardown();
}

static void poll_inside(Source *self)
{
    source_clear(self);
    aio_poll(ctx, false);
}

/* b was ready for the outer one; the inner one runs it, and nobody twice. */
static void what_an_inner_poll_ran_the_outer_does_not(void)
{
    setup();
    source_watch(&a);
    source_watch(&b);
    a.then = poll_inside;
    b.then = source_clear;
    event_notifier_set(&a.e);
    event_notifier_set(&b.e);
    ASSERT_STR_EQ(poll_once(), "ab");
    ASSERT_STR_EQ(poll_once(), "");
    teardown();
}

/* ---- Depth ---- */

enum { DEPTH = 16 };
static int depth, deepest;

static void dive(void *opaque)
{
    depth++;
    deepest = MAX(deepest, depth);
    if (depth < DEPTH) {
        aio_bh_schedule_oneshot(ctx, dive, opaque);
        ASSERT_TRUE(aio_poll(ctx, false));
    }
    if (opaque) {
        journal_cb(opaque);
    }
    depth--;
}

static void polls_nest_to_any_depth(void)
{
    setup();
    aio_bh_schedule_oneshot(ctx, dive, NULL);
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_INT_EQ(deepest, DEPTH);
    ASSERT_INT_EQ(qemu_lockcnt_count(&ctx->list_lock), 0);
    teardown();
}

static void dive_for_handlers(Source *self)
{
    depth++;
    deepest = MAX(deepest, depth);
    if (depth < DEPTH) {
        ASSERT_TRUE(aio_poll(ctx, false));
    } else {
        source_clear(self);
        source_unwatch(self);
    }
    depth--;
}

/* And the handler that all the call-backs are of is gone before they return. */
static void so_do_those_of_a_handler(void)
{
    setup();
    source_watch(&a);
    a.then = dive_for_handlers;
    event_notifier_set(&a.e);
    ASSERT_STR_EQ(poll_once(), "aaaaaaaaaaaaaaaa");
    ASSERT_INT_EQ(deepest, DEPTH);
    ASSERT_INT_EQ(handlers_in_list(), 1);
    teardown();
}

static void nested_bh_poll(void *opaque)
{
    (void)opaque;
    journal_add('n');
    aio_bh_schedule_oneshot(ctx, journal_cb, "w");
    journal_add('{');
    ASSERT_INT_EQ(aio_bh_poll(ctx), 1);
    journal_add('}');
    ASSERT_INT_EQ(aio_bh_poll(ctx), 0);
}

/* The inner one's slice is behind the outer one's. */
static void an_inner_bh_poll_runs_the_outer_s_rest_first(void)
{
    setup();
    aio_bh_schedule_oneshot(ctx, journal_cb, "x");
    aio_bh_schedule_oneshot(ctx, nested_bh_poll, NULL);
    aio_bh_schedule_oneshot(ctx, journal_cb, "y");
    ASSERT_INT_EQ(aio_bh_poll(ctx), 1);
    ASSERT_STR_EQ(journal, "yn{xw}");
    teardown();
}

static int slices;

static void chain_slices(void *opaque)
{
    BHListSlice *slice;
    int count = 0;

    QSIMPLEQ_FOREACH(slice, &ctx->bh_slice_list, next) {
        count++;
    }
    slices = MAX(slices, count);
    aio_bh_schedule_oneshot(ctx, journal_cb, opaque);
    aio_bh_poll(ctx);
}

/* The types of the context's lists are a program's too. */
static void a_slice_is_a_list_of_bottom_halves(void)
{
    BHList bhs = QSLIST_HEAD_INITIALIZER(bhs);
    AioHandlerSList handlers = QSLIST_HEAD_INITIALIZER(handlers);
    BHListSlice slice = { .bh_list = bhs };
    QEMUBH *bh;

    setup();
    bh = aio_bh_new(ctx, journal_cb, "b");
    aio_bh_call(bh);                       /* here and now, no flag changes */
    ASSERT_STR_EQ(journal, "b");
    ASSERT_INT_EQ(aio_bh_poll(ctx), 0);
    qemu_bh_schedule(bh);
    bhs = ctx->bh_list;
    slice.bh_list = bhs;
    ASSERT_PTR_EQ(QSLIST_FIRST(&slice.bh_list), bh);
    ASSERT_TRUE(QSLIST_EMPTY(&handlers));
    qemu_bh_delete(bh);
    teardown();
}

static void slices_are_chained(void)
{
    setup();
    for (int i = 0; i < DEPTH; i++) {
        aio_bh_schedule_oneshot(ctx, chain_slices, "s");
    }
    ASSERT_INT_EQ(aio_bh_poll(ctx), 1);
    ASSERT_INT_EQ(strlen(journal), DEPTH);
    ASSERT_INT_EQ(slices, DEPTH);
    ASSERT_TRUE(QSIMPLEQ_EMPTY(&ctx->bh_slice_list));
    teardown();
}

/* ---- Several threads ---- */

enum { THREADS = 4, EACH = 24, STRESS = THREADS * EACH };

typedef struct Shared {
    EventNotifier e;
    uint32_t runs;
    uint32_t present;          /* its thread has added it */
    uint32_t last;             /* its thread saw so many runs at the removal */
} Shared;

static Shared shared[STRESS];
static uint32_t finished, changes;
static uint64_t seed;

static void shared_cb(EventNotifier *e)
{
    Shared *s = container_of(e, Shared, e);

    event_notifier_test_and_clear(e);
    qatomic_inc(&s->runs);
}

static void other_cb(EventNotifier *e)
{
    shared_cb(e);
}

/* Each thread has handlers of its own, so that it knows which of them exist. */
static void churn(int index, void *opaque)
{
    uint64_t random = seed + (uint64_t)index;
    Shared *mine = &shared[index * EACH];

    (void)opaque;
    for (int i = 0; i < test_rounds(2000); i++) {
        Shared *s = &mine[test_random(&random) % EACH];
        switch (test_random(&random) % 4) {
        case 0:
            aio_set_event_notifier(ctx, &s->e, false, NULL, NULL);
            s->present = 0;
            break;
        case 1:
            aio_set_event_notifier(ctx, &s->e, test_random(&random) % 2,
                                   other_cb, NULL);
            s->present = 1;
            break;
        default:
            if (!s->present) {
                aio_set_event_notifier(ctx, &s->e, false, shared_cb, NULL);
                s->present = 1;
            }
            event_notifier_set(&s->e);
        }
        qatomic_inc(&changes);
    }
    /* In the end all are there and set: each has to run. */
    for (int i = 0; i < EACH; i++) {
        aio_set_event_notifier(ctx, &mine[i].e, false, shared_cb, NULL);
        mine[i].last = qatomic_read(&mine[i].runs);
        event_notifier_set(&mine[i].e);
    }
    if (qatomic_fetch_inc(&finished) + 1 == THREADS) {
        aio_notify(ctx);
    }
}

static bool all_ran(void)
{
    if (qatomic_mb_read(&finished) < THREADS) {
        return false;
    }
    for (int i = 0; i < STRESS; i++) {
        if (qatomic_read(&shared[i].runs) == shared[i].last &&
            event_notifier_test_and_clear(&shared[i].e)) {
            event_notifier_set(&shared[i].e);
            return false;
        }
    }
    return true;
}

static void any_thread_may_add_change_and_remove(void)
{
    TestGang gang;

    loop_setup();
    seed = test_seed();
    for (int i = 0; i < STRESS; i++) {
        ASSERT_INT_EQ(event_notifier_init(&shared[i].e, 0), 0);
    }
    test_gang_start(&gang, THREADS, churn, NULL);
    while (!all_ran()) {
        aio_poll(ctx, true);
    }
    test_gang_join(&gang);
    ASSERT_INT_EQ(handlers_in_list(), STRESS + 1);
    for (int i = 0; i < STRESS; i++) {
        ASSERT_FALSE(event_notifier_test_and_clear(&shared[i].e));
        aio_set_event_notifier(ctx, &shared[i].e, false, NULL, NULL);
        event_notifier_cleanup(&shared[i].e);
    }
    ASSERT_INT_EQ(handlers_in_list(), 1);
    loop_teardown();
}

/* The home thread itself changes them too, from call-backs, and nests. */
static uint64_t home_random;
static int home_depth;

static void home_cb(EventNotifier *e)
{
    Shared *s = &shared[test_random(&home_random) % STRESS];

    event_notifier_test_and_clear(e);
    switch (test_random(&home_random) % 4) {
    case 0:
        aio_set_event_notifier(ctx, &s->e, false, NULL, NULL);
        break;
    case 1:
        aio_set_event_notifier(ctx, &s->e, true, home_cb, NULL);
        break;
    case 2:
        aio_set_event_notifier(ctx, e, false, home_cb, NULL);
        event_notifier_set(&s->e);
        break;
    default:
        if (home_depth < DEPTH) {
            home_depth++;
            aio_poll(ctx, false);
            home_depth--;
        }
    }
}

static void disturb(int index, void *opaque)
{
    uint64_t random = seed + 100 + (uint64_t)index;

    (void)opaque;
    for (int i = 0; i < test_rounds(3000); i++) {
        Shared *s = &shared[test_random(&random) % STRESS];
        switch (test_random(&random) % 8) {
        case 0:
            aio_set_event_notifier(ctx, &s->e, false, NULL, NULL);
            break;
        case 1:
            aio_set_event_notifier(ctx, &s->e, false, home_cb, NULL);
            break;
        case 2:
            aio_disable_external(ctx);
            aio_enable_external(ctx);
            break;
        default:
            event_notifier_set(&s->e);
        }
    }
    qatomic_inc(&finished);
    aio_notify(ctx);
}

static void even_while_call_backs_do_and_nest(void)
{
    TestGang gang;

    loop_setup();
    home_random = seed = test_seed();
    for (int i = 0; i < STRESS; i++) {
        ASSERT_INT_EQ(event_notifier_init(&shared[i].e, 0), 0);
        aio_set_event_notifier(ctx, &shared[i].e, false, home_cb, NULL);
    }
    test_gang_start(&gang, THREADS, disturb, NULL);
    while (qatomic_mb_read(&finished) < THREADS) {
        aio_poll(ctx, true);
    }
    test_gang_join(&gang);
    for (int i = 0; i < STRESS; i++) {
        aio_set_event_notifier(ctx, &shared[i].e, false, NULL, NULL);
        event_notifier_cleanup(&shared[i].e);
    }
    /* Those that went while the last poll was leaving are freed by the next. */
    aio_poll(ctx, false);
    ASSERT_INT_EQ(handlers_in_list(), 1);
    ASSERT_TRUE(QLIST_EMPTY(&ctx->deleted_aio_handlers));
    loop_teardown();
}

TEST_PROGRAM(
    TEST(outside_a_poll_a_removed_handler_is_freed_at_once),
    TEST(inside_one_it_is_freed_by_the_outermost),
    TEST(removed_and_added_again_inside_it_is_another),
    TEST(one_that_is_added_inside_runs_in_the_next),
    TEST(what_an_inner_poll_ran_the_outer_does_not),
    TEST(polls_nest_to_any_depth),
    TEST(so_do_those_of_a_handler),
    TEST(an_inner_bh_poll_runs_the_outer_s_rest_first),
    TEST(a_slice_is_a_list_of_bottom_halves),
    TEST(slices_are_chained),
    TEST(any_thread_may_add_change_and_remove),
    TEST(even_while_call_backs_do_and_nest),
)
