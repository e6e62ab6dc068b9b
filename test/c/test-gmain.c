/* SPDX-License-Identifier: MIT */
/* GSources and the main loop that drives them: GLib's contract. */
#include "loop.h"
#include "notifiers.h"

#define HOUR_MS (3600 * 1000)

/* ---- A source of the test's own: what is called is written down ---- */

typedef struct Noted {
    GSource source;
    char letter;               /* p prepare, c check, d dispatch: p1c1d1 … */
    bool prepare_says;
    bool check_says;
    bool stays;
    gint timeout_ms;
    void (*then)(struct Noted *self);
    int *finalized;
} Noted;

static void note(char what, Noted *noted)
{
    journal_add(what);
    journal_add(noted->letter);
}

static gboolean noted_prepare(GSource *source, gint *timeout)
{
    Noted *noted = container_of(source, Noted, source);

    note('p', noted);
    *timeout = noted->timeout_ms;
    return noted->prepare_says;
}

static gboolean noted_check(GSource *source)
{
    Noted *noted = container_of(source, Noted, source);

    note('c', noted);
    return noted->check_says;
}

static gboolean noted_dispatch(GSource *source, GSourceFunc callback,
                               gpointer user_data)
{
    Noted *noted = container_of(source, Noted, source);

    (void)callback;
    (void)user_data;
    note('d', noted);
    if (noted->then) {
        noted->then(noted);
    }
    return noted->stays;
}

static void noted_finalize(GSource *source)
{
    Noted *noted = container_of(source, Noted, source);

    if (noted->finalized) {
        ++*noted->finalized;
    }
}

static GSourceFuncs noted_funcs = { noted_prepare, noted_check, noted_dispatch,
                                    noted_finalize };

static Noted *noted_new(GMainContext *context, char letter)
{
    Noted *noted = (Noted *)g_source_new(&noted_funcs, sizeof(Noted));

    noted->letter = letter;
    noted->stays = true;
    noted->timeout_ms = -1;
    g_source_attach(&noted->source, context);
    return noted;
}

static void noted_free(Noted *noted)
{
    g_source_destroy(&noted->source);
    g_source_unref(&noted->source);
}

static GMainContext *context;

static bool iterate(void)
{
    journal_clear();
    return g_main_context_iteration(context, false);
}

/* ---- prepare, check, dispatch ---- */

static void one_that_is_not_ready_is_not_dispatched(void)
{
    context = g_main_context_new();
    Noted *one = noted_new(context, '1');

    ASSERT_FALSE(iterate());
    ASSERT_STR_EQ(journal, "p1c1");
    noted_free(one);
    g_main_context_unref(context);
}

static void one_that_check_finds_ready_is_dispatched(void)
{
    context = g_main_context_new();
    Noted *one = noted_new(context, '1');

    one->check_says = true;
    ASSERT_TRUE(iterate());
    ASSERT_STR_EQ(journal, "p1c1d1");
    noted_free(one);
    g_main_context_unref(context);
}

static void check_is_left_out_where_prepare_said_ready(void)
{
    context = g_main_context_new();
    Noted *one = noted_new(context, '1'), *two = noted_new(context, '2');

    two->prepare_says = true;
    ASSERT_TRUE(iterate());
    ASSERT_STR_EQ(journal, "p1p2c1d2");
    one->check_says = true;
    ASSERT_TRUE(iterate());
    ASSERT_STR_EQ(journal, "p1p2c1d1d2");
    noted_free(one);
    noted_free(two);
    g_main_context_unref(context);
}

/* Its time-out would be "for ever". */
static void where_one_is_ready_there_is_no_waiting(void)
{
    context = g_main_context_new();
    Noted *one = noted_new(context, '1');

    one->prepare_says = true;
    for (int i = 0; i < 3; i++) {
        ASSERT_TRUE(g_main_context_iteration(context, true));
    }
    noted_free(one);
    g_main_context_unref(context);
}

static void the_soonest_time_out_ends_the_wait(void)
{
    int64_t start;

    context = g_main_context_new();
    Noted *one = noted_new(context, '1'), *two = noted_new(context, '2');

    one->timeout_ms = HOUR_MS;
    two->timeout_ms = 3;
    iterate();                             /* attaching them woke it up */
    journal_clear();
    start = now_ns();
    ASSERT_FALSE(g_main_context_iteration(context, true));
    ASSERT_INT_GE(now_ns() - start, 3 * SCALE_MS);
    ASSERT_STR_EQ(journal, "p1p2c1c2");
    noted_free(one);
    noted_free(two);
    g_main_context_unref(context);
}

static void one_whose_dispatch_is_false_is_taken_off(void)
{
    int finalized = 0;

    context = g_main_context_new();
    Noted *one = noted_new(context, '1'), *two = noted_new(context, '2');
    one->finalized = &finalized;
    one->check_says = two->check_says = true;
    one->stays = false;
    ASSERT_TRUE(iterate());
    ASSERT_STR_EQ(journal, "p1p2c1c2d1d2");     /* the other one runs too */
    iterate();
    ASSERT_STR_EQ(journal, "p2c2d2");
    ASSERT_INT_EQ(finalized, 0);
    g_source_unref(&one->source);
    ASSERT_INT_EQ(finalized, 1);
    noted_free(two);
    g_main_context_unref(context);
}

static Noted *victim;

static void destroy_victim(Noted *self)
{
    (void)self;
    g_source_destroy(&victim->source);
}

static void one_that_another_takes_off_is_not_dispatched(void)
{
    context = g_main_context_new();
    Noted *one = noted_new(context, '1'), *two = noted_new(context, '2'),
          *three = noted_new(context, '3');

    one->check_says = two->check_says = three->check_says = true;
    one->then = destroy_victim;
    victim = two;
    iterate();
    ASSERT_STR_EQ(journal, "p1p2p3c1c2c3d1d3");
    noted_free(one);
    noted_free(two);
    noted_free(three);
    g_main_context_unref(context);
}

static void nest(Noted *self)
{
    self->then = NULL;
    self->check_says = false;
    journal_add('{');
    g_main_context_iteration(context, false);
    journal_add('}');
}

static void iterations_may_be_nested(void)
{
    context = g_main_context_new();
    Noted *one = noted_new(context, '1');

    one->check_says = true;
    one->then = nest;
    ASSERT_TRUE(iterate());
    ASSERT_STR_EQ(journal, "p1c1d1{p1c1}");
    noted_free(one);
    g_main_context_unref(context);
}

static void the_last_unref_of_a_context_takes_its_sources_off(void)
{
    int finalized = 0;

    context = g_main_context_new();
    Noted *one = noted_new(context, '1');
    one->finalized = &finalized;
    g_source_unref(&one->source);
    ASSERT_INT_EQ(finalized, 0);
    g_main_context_ref(context);
    g_main_context_unref(context);
    ASSERT_INT_EQ(finalized, 0);
    g_main_context_unref(context);
    ASSERT_INT_EQ(finalized, 1);
}

/* In the build whose counters wrap (port/counter.h), the fifth would be 0. */
static void no_id_is_zero(void)
{
    GMainContext *context = g_main_context_new();
    GSource *sources[8];
    guint last = 0;

    for (int i = 0; i < 8; i++) {
        sources[i] = g_source_new(&noted_funcs, sizeof(Noted));
        guint id = g_source_attach(sources[i], context);
        ASSERT_TRUE(id != 0 && id != last);
        last = id;
    }
    for (int i = 0; i < 8; i++) {
        g_source_destroy(sources[i]);
        g_source_unref(sources[i]);
    }
    g_main_context_unref(context);
}

static void attaching_twice_panics(void)
{
    context = g_main_context_new();
    Noted *one = noted_new(context, '1');

    g_source_attach(&one->source, context);
}

/* ---- Thread default ---- */

static void thread_defaults_are_a_stack(void)
{
    GMainContext *one = g_main_context_new(), *two = g_main_context_new();

    ASSERT_PTR_EQ(g_main_context_get_thread_default(), NULL);
    g_main_context_push_thread_default(one);
    g_main_context_push_thread_default(two);
    ASSERT_PTR_EQ(g_main_context_get_thread_default(), two);
    g_main_context_pop_thread_default(two);
    ASSERT_PTR_EQ(g_main_context_get_thread_default(), one);
    g_main_context_pop_thread_default(one);
    ASSERT_PTR_EQ(g_main_context_get_thread_default(), NULL);
    g_main_context_unref(one);
    g_main_context_unref(two);
}

static void expect_no_default(void *opaque)
{
    (void)opaque;
    ASSERT_PTR_EQ(g_main_context_get_thread_default(), NULL);
}

static void each_thread_has_its_own(void)
{
    GMainContext *one = g_main_context_new();

    g_main_context_push_thread_default(one);
    g_main_context_unref(one);             /* the push keeps it */
    test_elsewhere(expect_no_default, NULL);
    g_main_context_pop_thread_default(one);
}

static void popping_another_s_default_panics(void)
{
    g_main_context_push_thread_default(g_main_context_new());
    g_main_context_pop_thread_default(g_main_context_new());
}

static void null_is_the_default_context(void)
{
    ASSERT_PTR_EQ(g_main_context_default(), g_main_context_default());
    Noted *one = noted_new(NULL, '1');
    one->check_says = true;
    ASSERT_TRUE(g_main_context_iteration(NULL, false));
    ASSERT_STR_EQ(journal, "p1c1d1");
    noted_free(one);
}

/* ---- Waking, loops, threads ---- */

static void a_wake_up_ends_the_wait_that_follows(void)
{
    context = g_main_context_new();
    g_main_context_wakeup(context);
    ASSERT_FALSE(g_main_context_iteration(context, true));
    g_main_context_unref(context);
}

static GMainLoop *loop;

static void quit(void *opaque)
{
    (void)opaque;
    TEST_WAIT_UNTIL(g_main_loop_is_running(loop));
    g_main_loop_quit(loop);
}

static void another_thread_may_quit_a_loop(void)
{
    TestCall call = { quit, NULL };

    context = g_main_context_new();
    loop = g_main_loop_new(context, false);
    g_main_context_unref(context);
    for (int i = 0; i < test_rounds(30); i++) {
        QemuThread thread;
        qemu_thread_create(&thread, "quit", test_call, &call,
                           QEMU_THREAD_JOINABLE);
        g_main_loop_run(loop);
        ASSERT_FALSE(g_main_loop_is_running(loop));
        qemu_thread_join(&thread);
    }
    g_main_loop_unref(loop);
}

static void quit_inside(Noted *self)
{
    (void)self;
    g_main_loop_quit(loop);
}

static void a_source_may_quit_its_loop(void)
{
    context = g_main_context_new();
    loop = g_main_loop_new(context, true);
    ASSERT_TRUE(g_main_loop_is_running(loop));
    Noted *one = noted_new(context, '1');
    one->check_says = true;
    one->then = quit_inside;
    one->timeout_ms = 0;
    g_main_loop_run(loop);
    noted_free(one);
    g_main_loop_unref(loop);
    g_main_context_unref(context);
}

static uint32_t inside, entered;

static void only_one_inside(Noted *self)
{
    (void)self;
    journal_clear();
    ASSERT_INT_EQ(qatomic_fetch_inc(&inside), 0);
    entered++;
    test_nap(UINT_MAX);                    /* the others come and have to wait */
    qatomic_dec(&inside);
}

static void iterate_often(int index, void *opaque)
{
    (void)index;
    for (int i = 0; i < 200; i++) {
        g_main_context_iteration(opaque, true);
    }
}

static void threads_that_iterate_take_turns(void)
{
    context = g_main_context_new();
    Noted *one = noted_new(context, '1');

    one->prepare_says = true;
    one->then = only_one_inside;
    test_in_threads(4, iterate_often, context);
    ASSERT_INT_EQ(entered, 800);
    noted_free(one);
    g_main_context_unref(context);
}

static void expect_refusal(void *opaque)
{
    ASSERT_FALSE(g_main_context_iteration(opaque, false));
}

static void iterate_elsewhere(Noted *self)
{
    (void)self;
    test_elsewhere(expect_refusal, context);
}

static void one_that_may_not_block_is_refused_meanwhile(void)
{
    context = g_main_context_new();
    Noted *one = noted_new(context, '1');

    one->check_says = true;
    one->then = iterate_elsewhere;
    ASSERT_TRUE(iterate());
    ASSERT_STR_EQ(journal, "p1c1d1");
    noted_free(one);
    g_main_context_unref(context);
}

/* ---- An AioContext in it ---- */

static QEMUBH *bh;

static void setup(void)
{
    GSource *source;

    loop_setup();
    context = g_main_context_new();
    source = aio_get_g_source(ctx);
    ASSERT_INT_GT(g_source_attach(source, context), 0);
    g_source_unref(source);
    while (g_main_context_iteration(context, false)) {
        continue;
    }
    journal_clear();
}

static void teardown(void)
{
    g_main_context_unref(context);
    loop_teardown();
}

static void bottom_halves_timers_and_fds_run_through_it(void)
{
    QEMUTimer timer;
    Source source;

    setup();
    source_init(&source, 'f');
    source_watch(&source);
    source.then = source_clear;
    event_notifier_set(&source.e);
    timer_setup(&timer, journal_cb, "t");
    timer_mod(&timer, 0);
    aio_bh_schedule_oneshot(ctx, journal_cb, "b");
    ASSERT_TRUE(g_main_context_iteration(context, true));
    ASSERT_STR_EQ(journal, "bft");
    source_cleanup(&source);
    teardown();
}

static void handlers_run_in_the_order_of_registration(void)
{
    Source sources[3];

    setup();
    for (int i = 0; i < 3; i++) {
        source_init(&sources[i], (char)('A' + i));
        sources[i].then = source_clear;
        source_watch(&sources[i]);
        event_notifier_set(&sources[i].e);
    }
    while (g_main_context_iteration(context, false)) {
        continue;
    }
    ASSERT_STR_EQ(journal, "ABC");
    journal_clear();
    aio_disable_external(ctx);             /* the scan's turn */
    for (int i = 0; i < 3; i++) {
        event_notifier_set(&sources[i].e);
    }
    while (g_main_context_iteration(context, false)) {
        continue;
    }
    ASSERT_STR_EQ(journal, "ABC");
    aio_enable_external(ctx);
    for (int i = 0; i < 3; i++) {
        source_cleanup(&sources[i]);
    }
    teardown();
}

/* ---- Destroying one source in two threads ---- */

enum { DESTROYED = 500 };
static Noted *doomed[DESTROYED];
static uint32_t arrivals;

static void destroy_each(int index, void *opaque)
{
    (void)index;
    (void)opaque;
    for (unsigned i = 0; i < DESTROYED; i++) {
        /* Both are at the same one. */
        qatomic_inc(&arrivals);
        TEST_WAIT_UNTIL(qatomic_read(&arrivals) >= 2 * (i + 1));
        g_source_destroy(&doomed[i]->source);
    }
}

static void two_threads_may_destroy_a_source(void)
{
    TestGang gang;

    context = g_main_context_new();
    for (int i = 0; i < DESTROYED; i++) {
        doomed[i] = noted_new(context, 'd');
    }
    arrivals = 0;
    test_gang_start(&gang, 2, destroy_each, NULL);
    test_gang_join(&gang);
    for (int i = 0; i < DESTROYED; i++) {
        ASSERT_INT_EQ(doomed[i]->source.ref_count, 1);
        g_source_unref(&doomed[i]->source);
    }
    ASSERT_FALSE(iterate());
    g_main_context_unref(context);
}

/* The steps by their own names: what a foreign loop calls through the source. */
static void its_steps_can_be_called_by_hand(void)
{
    Source source;
    gint timeout;

    setup();
    source_init(&source, 'f');
    source.then = source_clear;
    source_watch(&source);
    event_notifier_set(&source.e);
    ASSERT_FALSE(aio_prepare(ctx));
    ASSERT_FALSE(aio_pending(ctx));        /* nobody has looked yet */
    ctx->source.source_funcs->prepare(&ctx->source, &timeout);
    ASSERT_TRUE(ctx->source.source_funcs->check(&ctx->source));
    ASSERT_TRUE(aio_pending(ctx));
    aio_dispatch(ctx);
    ASSERT_STR_EQ(journal, "f");
    ASSERT_FALSE(aio_pending(ctx));
    source_cleanup(&source);
    teardown();
}

/* Each iteration may wait, and does not. */
static void one_that_stays_ready_runs_in_every_iteration(void)
{
    Source source;

    setup();
    source_init(&source, 'f');
    event_notifier_set(&source.e);
    source_watch(&source);
    for (int i = 0; i < 5; i++) {
        journal_clear();
        while (!journal[0]) {
            g_main_context_iteration(context, true);
        }
        ASSERT_STR_EQ(journal, "f");
    }
    source_cleanup(&source);
    teardown();
}

static void set_source(void *opaque)
{
    event_notifier_set(opaque);
}

static void schedule_oneshot(void *opaque)
{
    aio_bh_schedule_oneshot(opaque, journal_cb, "b");
}

/* Until the context sleeps under the foreign loop, or is about to. */
typedef struct Elsewhere {
    void (*run)(void *opaque);
    void *opaque;
} Elsewhere;

static void when_prepared(void *opaque)
{
    Elsewhere *e = opaque;

    TEST_WAIT_UNTIL(qatomic_mb_read(&ctx->wakeup->notify_me) & 1);
    test_nap(UINT_MAX);
    e->run(e->opaque);
}

static void expect_wake_up(void (*run)(void *), void *opaque,
                           const char *expected)
{
    Elsewhere e = { run, opaque };
    TestCall call = { when_prepared, &e };

    for (int i = 0; i < 20; i++) {
        QemuThread thread;
        journal_clear();
        qatomic_mb_set(&ctx->wakeup->notify_me, 0);
        qemu_thread_create(&thread, "elsewhere", test_call, &call,
                           QEMU_THREAD_JOINABLE);
        while (!journal[0]) {
            g_main_context_iteration(context, true);
        }
        ASSERT_STR_EQ(journal, expected);
        qemu_thread_join(&thread);
    }
}

static void a_bottom_half_from_another_thread_wakes_it(void)
{
    setup();
    expect_wake_up(schedule_oneshot, ctx, "b");
    teardown();
}

static void so_does_an_fd(void)
{
    Source source;

    setup();
    source_init(&source, 'f');
    source.then = source_clear;
    source_watch(&source);
    expect_wake_up(set_source, &source.e, "f");
    source_cleanup(&source);
    teardown();
}

static void and_an_fd_while_external_ones_are_disabled(void)
{
    Source source;

    setup();
    source_init(&source, 'f');
    source.then = source_clear;
    source_watch(&source);
    aio_disable_external(ctx);
    expect_wake_up(set_source, &source.e, "f");
    aio_enable_external(ctx);
    source_cleanup(&source);
    teardown();
}

static void timers_are_waited_for_in_whole_milliseconds(void)
{
    QEMUTimer timer;
    int64_t deadline;

    setup();
    timer_setup(&timer, journal_cb, "t");
    deadline = now_ns() + 1500 * SCALE_US;
    timer_mod(&timer, deadline);
    for (int i = 0; !journal[0]; i++) {
        ASSERT_INT_LT(i, 4);               /* rounded down it would spin */
        g_main_context_iteration(context, true);
    }
    ASSERT_INT_GE(now_ns(), deadline);
    teardown();
}

static int idle_runs;

static void idle_again(void *opaque)
{
    (void)opaque;
    idle_runs++;
    qemu_bh_schedule_idle(bh);
}

/* Without waiting it would have run once an iteration. */
static void an_idle_bottom_half_waits_its_time(void)
{
    gint timeout = 0;

    setup();
    bh = aio_bh_new(ctx, idle_again, NULL);
    qemu_bh_schedule_idle(bh);
    ASSERT_FALSE(ctx->source.source_funcs->prepare(&ctx->source, &timeout));
    ASSERT_INT_EQ(timeout, 10);
    for (int i = 0; i < 10; i++) {
        int64_t start = now_ns();
        g_main_context_iteration(context, true);
        if (idle_runs == 3) {
            ASSERT_INT_GE(now_ns() - start, 5 * SCALE_MS);
            break;
        }
    }
    ASSERT_INT_EQ(idle_runs, 3);
    qemu_bh_delete(bh);
    teardown();
}

static void delete_bh(void *opaque)
{
    (void)opaque;
    qemu_bh_delete(bh);
    journal_add('d');
}

static void one_that_deletes_itself_is_true_exactly_once_more(void)
{
    setup();
    bh = aio_bh_new(ctx, delete_bh, NULL);
    qemu_bh_schedule(bh);
    ASSERT_TRUE(g_main_context_iteration(context, false));
    ASSERT_STR_EQ(journal, "d");
    ASSERT_TRUE(g_main_context_iteration(context, false));
    ASSERT_FALSE(g_main_context_iteration(context, false));
    teardown();
}

static void polling_in_user_space_ends_there(void)
{
    setup();
    ctx->poll_started = true;
    ASSERT_FALSE(g_main_context_iteration(context, false));
    ASSERT_FALSE(ctx->poll_started);
    teardown();
}

static void thread_main(void *opaque)
{
    GMainContext *c = opaque;

    g_main_context_push_thread_default(c);
    qemu_set_current_aio_context(ctx);
    g_main_loop_run(loop);
    aio_context_detach_current();
    g_main_context_pop_thread_default(c);
}

static void quit_bh(void *opaque)
{
    g_main_loop_quit(opaque);
}

static int count_runs;

static void count_run(void *opaque)
{
    (void)opaque;
    count_runs++;
}

static void schedule_many(int index, void *opaque)
{
    (void)index;
    for (int i = 0; i < test_rounds(500); i++) {
        aio_bh_schedule_oneshot(opaque, count_run, NULL);
    }
}

/* What an IOThread does that runs its GMainContext. */
static void a_thread_that_runs_a_loop_serves_the_context(void)
{
    QemuThread thread;
    TestCall call;

    setup();
    aio_context_detach_current();
    loop = g_main_loop_new(context, false);
    call = (TestCall){ thread_main, context };
    qemu_thread_create(&thread, "loop", test_call, &call,
                       QEMU_THREAD_JOINABLE);
    test_in_threads(3, schedule_many, ctx);
    TEST_WAIT_UNTIL(g_main_loop_is_running(loop));
    aio_bh_schedule_oneshot(ctx, quit_bh, loop);
    qemu_thread_join(&thread);
    g_main_loop_unref(loop);
    qemu_set_current_aio_context(ctx);
    while (aio_poll(ctx, false)) {
        continue;
    }
    ASSERT_INT_EQ(count_runs, 3 * test_rounds(500));
    teardown();
}

TEST_PROGRAM(
    TEST(one_that_is_not_ready_is_not_dispatched),
    TEST(one_that_check_finds_ready_is_dispatched),
    TEST(check_is_left_out_where_prepare_said_ready),
    TEST(where_one_is_ready_there_is_no_waiting),
    TEST(the_soonest_time_out_ends_the_wait),
    TEST(one_whose_dispatch_is_false_is_taken_off),
    TEST(one_that_another_takes_off_is_not_dispatched),
    TEST(iterations_may_be_nested),
    TEST(no_id_is_zero),
    TEST(the_last_unref_of_a_context_takes_its_sources_off),
    TEST_PANICS(attaching_twice_panics, "attached already"),
    TEST(thread_defaults_are_a_stack),
    TEST(each_thread_has_its_own),
    TEST_PANICS(popping_another_s_default_panics, "not this thread's"),
    TEST(null_is_the_default_context),
    TEST(a_wake_up_ends_the_wait_that_follows),
    TEST(another_thread_may_quit_a_loop),
    TEST(a_source_may_quit_its_loop),
    TEST(threads_that_iterate_take_turns),
    TEST(one_that_may_not_block_is_refused_meanwhile),
    TEST(bottom_halves_timers_and_fds_run_through_it),
    TEST(handlers_run_in_the_order_of_registration),
    TEST(two_threads_may_destroy_a_source),
    TEST(its_steps_can_be_called_by_hand),
    TEST(one_that_stays_ready_runs_in_every_iteration),
    TEST(a_bottom_half_from_another_thread_wakes_it),
    TEST(so_does_an_fd),
    TEST(and_an_fd_while_external_ones_are_disabled),
    TEST(timers_are_waited_for_in_whole_milliseconds),
    TEST(an_idle_bottom_half_waits_its_time),
    TEST(one_that_deletes_itself_is_true_exactly_once_more),
    TEST(polling_in_user_space_ends_there),
    TEST(a_thread_that_runs_a_loop_serves_the_context),
)
