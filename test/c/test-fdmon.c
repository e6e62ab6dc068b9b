/* SPDX-License-Identifier: MIT */
/* The three monitors, scan, epoll and ring: which one a context has, and that all do
 * the same. */
#include "loop.h"

/* With the loop's own notifier as many as make it change. */
enum { FEW = 62, ENOUGH = 63, MANY = 1000, LOTS = 10000 };

typedef struct Source {
    EventNotifier e;
    int ran;
    bool stays_set;
} Source;

static Source *sources;
static int source_count;
static int order[LOTS], ran;

static bool on_the_ring(void)
{
    return ctx->fdmon_ops == &fdmon_io_uring_ops;
}

static bool on_epoll(void)
{
#ifdef CONFIG_EPOLL
    return ctx->fdmon_ops == &fdmon_epoll_ops;
#else
    return false;
#endif
}

static void source_cb(EventNotifier *e)
{
    Source *source = container_of(e, Source, e);

    source->ran++;
    order[ran++] = (int)(source - sources);
    if (!source->stays_set) {
        event_notifier_test_and_clear(e);
    }
}

static void watch(int i)
{
    aio_set_event_notifier(ctx, &sources[i].e, false, source_cb, NULL);
}

static void unwatch(int i)
{
    aio_set_event_notifier(ctx, &sources[i].e, false, NULL, NULL);
}

/* How many call-backs one poll that does not block runs. */
static int poll_once(void)
{
    ran = 0;
    aio_poll(ctx, false);
    return ran;
}

static void open_sources(int count)
{
    sources = calloc((size_t)count, sizeof(*sources));
    source_count = count;
    for (int i = 0; i < count; i++) {
        ASSERT_INT_EQ(event_notifier_init(&sources[i].e, 0), 0);
    }
}

/* So many sources with handlers, and a few more without. False: this machine has no
 * ring. */
static bool setup_on_the_ring(int count)
{
    loop_setup();
    if (!on_the_ring()) {
        loop_teardown();
        return false;
    }
    open_sources(count + 4);
    for (int i = 0; i < count; i++) {
        watch(i);
    }
    poll_once();
    return true;
}

/* The same on the scan, or on epoll. */
static void setup(int count)
{
    loop_setup();
    loop_leave_the_ring();
    open_sources(count + 4);
    for (int i = 0; i < count; i++) {
        watch(i);
    }
    poll_once();
}

static void teardown(void)
{
    for (int i = 0; i < source_count; i++) {
        unwatch(i);
        event_notifier_cleanup(&sources[i].e);
    }
    free(sources);
    loop_teardown();
}

static void set(int i)
{
    event_notifier_set(&sources[i].e);
}

/* ---- From one to the other ---- */

#ifndef CONFIG_POSIX
static void a_context_has_the_ring_from_the_start(void)
{
    loop_setup();
    ASSERT_TRUE(on_the_ring());
    loop_teardown();
}
#endif

static void with_few_handlers_it_is_the_scan(void)
{
    setup(FEW);
    ASSERT_FALSE(on_epoll());
    teardown();
}

#ifdef CONFIG_EPOLL
static void with_64_handlers_it_is_epoll(void)
{
    setup(FEW);
    watch(FEW);
    ASSERT_FALSE(on_epoll());        /* with the next wait */
    poll_once();
    ASSERT_TRUE(on_epoll());
    teardown();
}

static bool never_ready(void *opaque)
{
    (void)opaque;
    return false;
}

static void those_that_are_only_polled_do_not_count(void)
{
    setup(FEW);
    aio_set_event_notifier(ctx, &sources[FEW].e, false, NULL, never_ready);
    poll_once();
    ASSERT_FALSE(on_epoll());
    teardown();
}

static void it_stays_when_handlers_are_removed(void)
{
    setup(ENOUGH);
    for (int i = 1; i < ENOUGH; i++) {
        unwatch(i);
    }
    poll_once();
    ASSERT_TRUE(on_epoll());
    set(0);
    ASSERT_INT_EQ(poll_once(), 1);
    teardown();
}

static void what_is_ready_during_the_change_is_found(void)
{
    setup(FEW);
    set(3);
    set(FEW);
    watch(FEW);
    ASSERT_INT_EQ(poll_once(), 2);
    ASSERT_TRUE(on_epoll());
    ASSERT_INT_EQ(sources[3].ran + sources[FEW].ran, 2);
    teardown();
}

static void taking_the_gsource_does_not_demote_it(void)
{
    GSource *source;

    setup(ENOUGH);
    source = aio_get_g_source(ctx);
    poll_once();
    ASSERT_TRUE(on_epoll());
    set(5);
    ASSERT_INT_EQ(poll_once(), 1);
    g_source_unref(source);
    teardown();
}

static void nor_does_it_when_there_are_few(void)
{
    GSource *source;

    setup(0);
    source = aio_get_g_source(ctx);
    for (int i = 0; i < FEW; i++) {
        watch(i % 4);
    }
    poll_once();
    ASSERT_TRUE(on_epoll());
    set(1);
    ASSERT_INT_EQ(poll_once(), 1);
    g_source_unref(source);
    teardown();
}

static void a_foreign_loop_is_given_epoll(void)
{
    setup(3);
    aio_context_use_g_source(ctx);
    ASSERT_TRUE(on_epoll());
    aio_context_use_g_source(ctx);
    set(1);
    ASSERT_INT_EQ(poll_once(), 1);
    ASSERT_INT_EQ(order[0], 1);
    teardown();
}

#endif

static void setting_up_chooses_the_scan(void)
{
    AioContext *other = aio_context_new(&error_abort);

    aio_context_use_g_source(other);
    aio_context_setup(other);
    ASSERT_PTR_EQ(other->fdmon_ops, &fdmon_poll_ops);
    aio_context_unref(other);
}

static void taking_the_gsource_does_not_change_the_ring(void)
{
    if (!setup_on_the_ring(3)) {
        TEST_SKIP("this machine has no io_uring, or forbids it");
    }
    aio_context_use_g_source(ctx);
    ASSERT_TRUE(on_the_ring());
    set(1);
    ASSERT_INT_EQ(poll_once(), 1);
    teardown();
}

/* ---- What all do ---- */

static void in_all(void (*test)(int count))
{
    setup(8);
    test(8);
    ASSERT_FALSE(on_epoll());
    teardown();
#ifdef CONFIG_EPOLL
    setup(200);
    ASSERT_TRUE(on_epoll());
    test(200);
    ASSERT_TRUE(on_epoll());
    teardown();
#endif
    for (int count = 8; count <= 200 && setup_on_the_ring(count); count += 192) {
        test(count);
        ASSERT_TRUE(on_the_ring());
        teardown();
    }
}

static void count_fire(void *opaque)
{
    ++*(int *)opaque;
}

static void run_only_ready(int count)
{
    for (int i = 0; i < count; i += 3) {
        set(i);
    }
    ASSERT_INT_EQ(poll_once(), DIV_ROUND_UP(count, 3));
    for (int i = 0; i < count; i++) {
        ASSERT_INT_EQ(sources[i].ran, i % 3 == 0);
    }
    ASSERT_INT_EQ(poll_once(), 0);
}

static void only_handlers_that_are_ready_run(void)
{
    in_all(run_only_ready);
}

static void run_again(int count)
{
    Source *source = &sources[count / 2];

    source->stays_set = true;
    set(count / 2);
    for (int i = 1; i <= 5; i++) {
        ASSERT_INT_EQ(poll_once(), 1);
        ASSERT_INT_EQ(source->ran, i);
    }
    event_notifier_test_and_clear(&source->e);
    ASSERT_INT_EQ(poll_once(), 0);
}

static void one_that_stays_ready_runs_in_every_iteration(void)
{
    in_all(run_again);
}

static int changed;

static void changed_cb(EventNotifier *e)
{
    event_notifier_test_and_clear(e);
    changed++;
}

static void change(int count)
{
    int i = count - 2;

    changed = 0;
    set(i);
    aio_set_event_notifier(ctx, &sources[i].e, false, changed_cb, NULL);
    ASSERT_INT_EQ(poll_once(), 0);
    ASSERT_INT_EQ(changed, 1);
    set(i);
    watch(i);
    ASSERT_INT_EQ(poll_once(), 1);
    ASSERT_INT_EQ(changed, 1);
}

static void a_change_takes_effect_at_once(void)
{
    in_all(change);
}

static void remove_and_add(int count)
{
    set(count / 2);
    unwatch(count / 2);
    ASSERT_INT_EQ(poll_once(), 0);
    watch(count / 2);
    ASSERT_INT_EQ(poll_once(), 1);
}

static void a_removed_handler_does_not_run(void)
{
    in_all(remove_and_add);
}

static void close_and_reuse(int count)
{
    int fd = event_notifier_get_fd(&sources[1].e);

    for (int i = 0; i < 5; i++) {
        unwatch(1);
        event_notifier_cleanup(&sources[1].e);
        ASSERT_INT_EQ(event_notifier_init(&sources[1].e, 0), 0);
        ASSERT_INT_EQ(event_notifier_get_fd(&sources[1].e), fd);
        ASSERT_INT_EQ(poll_once(), 0);
        watch(1);
        ASSERT_INT_EQ(poll_once(), 0);
        set(1);
        ASSERT_INT_EQ(poll_once(), 1);
    }
    ASSERT_INT_EQ(sources[1].ran, 5);
    set(count - 1);
    ASSERT_INT_EQ(poll_once(), 1);
}

static void an_fd_number_may_come_again(void)
{
    in_all(close_and_reuse);
}

/* How many polls it takes until a timer fires: what is not waited for lets the
 * loop sleep. */
static int polls_until_a_timer(void)
{
    QEMUTimer timer;
    int fired = 0, polls = 0;

    timer_setup(&timer, count_fire, &fired);
    timer_mod(&timer, now_ns() + 2 * SCALE_MS);
    ran = 0;
    while (!fired) {
        aio_poll(ctx, true);
        polls++;
    }
    ASSERT_INT_EQ(ran, 0);
    return polls;
}

static void sleep_soundly(int count)
{
    set(count / 2);
    unwatch(count / 2);
    ASSERT_INT_LE(polls_until_a_timer(), 4);
    aio_set_event_notifier(ctx, &sources[1].e, true, source_cb, NULL);
    set(1);
    aio_disable_external(ctx);
    ASSERT_INT_LE(polls_until_a_timer(), 4);
    aio_enable_external(ctx);
    ASSERT_INT_EQ(poll_once(), 1);
}

static void neither_removed_nor_disabled_ones_keep_it_awake(void)
{
    in_all(sleep_soundly);
}

static int reads, writes;

static void read_cb(void *opaque)
{
    (void)opaque;
    ASSERT_INT_EQ(writes, 0);
    reads++;
}

static void write_cb(void *opaque)
{
    (void)opaque;
    writes++;
}

static void read_and_write(int count)
{
    int fd = event_notifier_get_fd(&sources[count - 1].e);

    reads = writes = 0;
    aio_set_fd_handler(ctx, fd, false, NULL, write_cb, NULL, NULL);
    aio_poll(ctx, true);
    ASSERT_INT_EQ(writes, 1);                /* an event can always be set */
    set(count - 1);
    aio_set_fd_handler(ctx, fd, false, read_cb, write_cb, NULL, NULL);
    writes = 0;
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_INT_EQ(reads, 1);
    ASSERT_INT_EQ(writes, 1);
    writes = 0;
    aio_set_fd_handler(ctx, fd, false, read_cb, NULL, NULL, NULL);
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_INT_EQ(reads, 2);
    ASSERT_INT_EQ(writes, 0);
}

static void writability_counts_and_read_comes_first(void)
{
    in_all(read_and_write);
}

static void set_one(void *opaque)
{
    event_notifier_set(opaque);
}

static void sleep_and_wake(int count)
{
    for (int i = 0; i < 10; i++) {
        WhenAsleep w;
        ran = 0;
        when_asleep(&w, set_one, &sources[(i * 7) % count].e);
        while (!aio_poll(ctx, true)) {
            continue;
        }
        ASSERT_INT_EQ(ran, 1);
        ASSERT_INT_EQ(order[0], (i * 7) % count);
        when_asleep_join(&w);
    }
}

static void a_handler_s_fd_ends_the_sleep(void)
{
    in_all(sleep_and_wake);
}

static void notify(void *opaque)
{
    aio_notify(opaque);
}

static void be_notified(int count)
{
    WhenAsleep w;

    (void)count;
    when_asleep(&w, notify, ctx);
    ASSERT_FALSE(when_asleep_poll(&w));
    when_asleep_join(&w);
}

static void a_notification_ends_the_sleep(void)
{
    in_all(be_notified);
}

static void time_out(int count)
{
    QEMUTimer timer;
    int fired = 0;

    (void)count;
    timer_setup(&timer, count_fire, &fired);
    timer_mod(&timer, now_ns() + 2 * SCALE_MS);
    while (!fired) {
        aio_poll(ctx, true);
    }
}

static void a_timer_ends_the_sleep(void)
{
    in_all(time_out);
}

static void remove_while_asleep(void *opaque)
{
    (void)opaque;
    unwatch(0);
    set(0);
    aio_notify(ctx);
}

static void forget(int count)
{
    WhenAsleep w;

    (void)count;
    ran = 0;
    when_asleep(&w, remove_while_asleep, NULL);
    when_asleep_poll(&w);
    when_asleep_join(&w);
    ASSERT_INT_EQ(poll_once(), 0);
    ASSERT_INT_EQ(sources[0].ran, 0);
    event_notifier_test_and_clear(&sources[0].e);
    watch(0);
}

static void one_that_is_removed_during_the_sleep_does_not_run(void)
{
    in_all(forget);
}

static void disable_and_enable(int count)
{
    aio_set_event_notifier(ctx, &sources[2].e, true, source_cb, NULL);
    set(2);
    set(count - 1);
    aio_disable_external(ctx);
    ASSERT_INT_EQ(poll_once(), 1);
    ASSERT_INT_EQ(order[0], count - 1);
    ASSERT_INT_EQ(poll_once(), 0);
    aio_enable_external(ctx);
    ASSERT_INT_EQ(poll_once(), 1);
    ASSERT_INT_EQ(order[0], 2);
}

static void external_ones_can_be_disabled(void)
{
    in_all(disable_and_enable);
}

#ifdef CONFIG_EPOLL
static void while_they_are_disabled_it_does_not_change(void)
{
    setup(FEW);
    aio_disable_external(ctx);
    watch(FEW);
    watch(FEW + 1);
    set(FEW);
    ASSERT_INT_EQ(poll_once(), 1);
    ASSERT_FALSE(on_epoll());
    aio_enable_external(ctx);
    poll_once();
    ASSERT_TRUE(on_epoll());
    teardown();
}

#endif

/* ---- Order ---- */

/* Whichever became ready first, and whatever the wait before has found. */
static void run_in_order(int count)
{
    count = MIN(count, 100);
    for (int i = 0; i < count; i++) {
        int next = (i * 7 + 5) % count;       /* 7 divides no count */

        sources[next].stays_set = true;
        set(next);
        if (i == 0 || i == count / 2) {
            poll_once();
        }
    }
    for (int round = 1; round <= 3; round++) {
        ASSERT_INT_EQ(poll_once(), count);
        for (int i = 0; i < count; i++) {
            ASSERT_INT_EQ(order[i], i);
        }
    }
}

static void they_run_in_the_order_of_registration_each_time(void)
{
    in_all(run_in_order);
}

/* A wait finds no more than 128. */
static void run_more_than_128(void)
{
    int polls = 0, total = 0;

    for (int i = 0; i < 300; i++) {
        set(i);
    }
    for (; total < 300; polls++) {
        int n = poll_once();
        ASSERT_INT_GT(n, 0);
        total += n;
    }
    ASSERT_INT_LE(polls, 4);
    ASSERT_INT_EQ(poll_once(), 0);
    for (int i = 0; i < 300; i++) {
        ASSERT_INT_EQ(sources[i].ran, 1);
    }
    teardown();
}

static void more_than_128_at_once_all_run(void)
{
    setup(300);
    run_more_than_128();
    if (setup_on_the_ring(300)) {
        run_more_than_128();
    }
}

/* 300 are found by three waits. */
static void keep_300_ready(void)
{
    for (int i = 0; i < 300; i++) {
        sources[i].stays_set = true;
        set(i);
    }
    for (int i = 0; i < 10; i++) {
        poll_once();
    }
    for (int i = 0; i < 300; i++) {
        ASSERT_INT_GT(sources[i].ran, 1);
    }
    teardown();
}

static void nobody_starves_behind_128_that_stay_ready(void)
{
    setup(300);
    keep_300_ready();
    if (setup_on_the_ring(300)) {
        keep_300_ready();
    }
}

/* ---- Many ---- */

/* How long a poll takes that finds one of so many, ns; the least of some. */
static int64_t poll_time(void)
{
    int64_t best = INT64_MAX;

    for (int i = 0; i < 50; i++) {
        int64_t start;
        set(i);
        start = now_ns();
        ASSERT_INT_EQ(poll_once(), 1);
        ASSERT_INT_EQ(order[0], i);
        best = MIN(best, now_ns() - start);
    }
    return best;
}

/* As many fds as the machine gives, in any case more than 900. */
static int affordable(int count);

static void only_the_ready_ones_are_looked_at(int count)
{
    count = affordable(count);
    if (!setup_on_the_ring(count)) {
        setup(count);
    }
    ASSERT_INT_LT(poll_time(), 250 * SCALE_US);
    set(0);
    set(count / 2);
    set(count - 1);
    ASSERT_INT_EQ(poll_once(), 3);
    ASSERT_INT_EQ(order[0] + order[1] + order[2], count / 2 + count - 1);
    for (int i = 0; i < count; i += 100) {
        set(i);
    }
    for (int total = 0; total < DIV_ROUND_UP(count, 100);) {
        int n = poll_once();
        ASSERT_INT_GT(n, 0);
        total += n;
    }
    teardown();
}

static void with_1000_handlers_those_that_are_ready_run(void)
{
    only_the_ready_ones_are_looked_at(MANY);
}

static void with_10000_handlers_those_that_are_ready_run(void)
{
    only_the_ready_ones_are_looked_at(LOTS);
}

/* ---- The machine's ---- */

#ifdef CONFIG_POSIX
#include <sys/resource.h>

static int affordable(int count)
{
    struct rlimit limit;

    ASSERT_INT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if ((int64_t)limit.rlim_cur < count + 50) {
        limit.rlim_cur = MIN(limit.rlim_max, (rlim_t)count + 50);
        ASSERT_INT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
    return MIN(count, (int)limit.rlim_cur - 50);
}

static int file_reads;

static void file_cb(void *opaque)
{
    char byte;

    file_reads++;
    ASSERT_INT_GE(read(*(int *)opaque, &byte, 1), 0);
}

/* epoll refuses it: the context goes back to the scan, for good. */
static void a_regular_file_takes_it_back_to_the_scan(void)
{
    FILE *file = tmpfile();
    int fd = fileno(file);

    setup(ENOUGH);
    ASSERT_TRUE(on_epoll());
    set(7);
    aio_set_fd_handler(ctx, fd, false, file_cb, NULL, NULL, &fd);
    ASSERT_FALSE(on_epoll());
    for (int i = 1; i <= 3; i++) {
        poll_once();
        ASSERT_INT_EQ(file_reads, i);
    }
    ASSERT_INT_EQ(sources[7].ran, 1);
    aio_set_fd_handler(ctx, fd, false, NULL, NULL, NULL, NULL);
    fclose(file);
    set(8);
    ASSERT_INT_EQ(poll_once(), 1);
    ASSERT_FALSE(on_epoll());
    teardown();
}

static void and_keeps_it_there_when_it_was_first(void)
{
    FILE *file = tmpfile();
    int fd = fileno(file);

    setup(FEW);
    aio_set_fd_handler(ctx, fd, false, file_cb, NULL, NULL, &fd);
    watch(FEW);
    set(FEW);
    file_reads = 0;
    ASSERT_INT_EQ(poll_once(), 1);
    ASSERT_INT_EQ(file_reads, 1);
    ASSERT_FALSE(on_epoll());
    aio_set_fd_handler(ctx, fd, false, NULL, NULL, NULL, NULL);
    fclose(file);
    teardown();
}

static int hang_ups;

static void hang_up_cb(void *opaque)
{
    char byte;

    ASSERT_INT_EQ(read(*(int *)opaque, &byte, 1), 0);
    hang_ups++;
}

static void hang_up(int count)
{
    int ends[2];

    (void)count;
    hang_ups = 0;
    ASSERT_INT_EQ(pipe(ends), 0);
    aio_set_fd_handler(ctx, ends[0], false, hang_up_cb, NULL, NULL, &ends[0]);
    poll_once();
    ASSERT_INT_EQ(hang_ups, 0);
    close(ends[1]);
    poll_once();
    ASSERT_INT_EQ(hang_ups, 1);
    aio_set_fd_handler(ctx, ends[0], false, NULL, NULL, NULL, NULL);
    close(ends[0]);
}

static void a_hang_up_is_read(void)
{
    in_all(hang_up);
}
#else
static int affordable(int count)
{
    return count;
}
#endif

TEST_PROGRAM(
#ifndef CONFIG_POSIX
    TEST(a_context_has_the_ring_from_the_start),
#endif
    TEST(with_few_handlers_it_is_the_scan),
#ifdef CONFIG_EPOLL
    TEST(with_64_handlers_it_is_epoll),
    TEST(those_that_are_only_polled_do_not_count),
    TEST(it_stays_when_handlers_are_removed),
    TEST(what_is_ready_during_the_change_is_found),
    TEST(taking_the_gsource_does_not_demote_it),
    TEST(nor_does_it_when_there_are_few),
    TEST(a_foreign_loop_is_given_epoll),
    TEST(while_they_are_disabled_it_does_not_change),
#endif
    TEST(setting_up_chooses_the_scan),
    TEST(taking_the_gsource_does_not_change_the_ring),
    TEST(only_handlers_that_are_ready_run),
    TEST(one_that_stays_ready_runs_in_every_iteration),
    TEST(a_change_takes_effect_at_once),
    TEST(a_removed_handler_does_not_run),
    TEST(an_fd_number_may_come_again),
    TEST(writability_counts_and_read_comes_first),
    TEST(a_handler_s_fd_ends_the_sleep),
    TEST(a_notification_ends_the_sleep),
    TEST(a_timer_ends_the_sleep),
    TEST(one_that_is_removed_during_the_sleep_does_not_run),
    TEST(external_ones_can_be_disabled),
    TEST(neither_removed_nor_disabled_ones_keep_it_awake),
    TEST(they_run_in_the_order_of_registration_each_time),
    TEST(more_than_128_at_once_all_run),
    TEST(nobody_starves_behind_128_that_stay_ready),
    TEST(with_1000_handlers_those_that_are_ready_run),
    TEST(with_10000_handlers_those_that_are_ready_run),
#ifdef CONFIG_POSIX
    TEST(a_regular_file_takes_it_back_to_the_scan),
    TEST(and_keeps_it_there_when_it_was_first),
    TEST(a_hang_up_is_read),
#endif
)
