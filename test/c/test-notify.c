/* SPDX-License-Identifier: MIT */
/* The wake-up protocol: notified, notify_me and the notifier. */
#include "loop.h"

static bool notifier_is_set(void)
{
    PortPollFd fd = { ctx->wakeup->fd, PORT_POLLIN, 0 };

    return port_fd_poll(&fd, 1, -1, 0) > 0;
}

static void notify(void *opaque)
{
    aio_notify(opaque);
}

/* ---- The loop is awake ---- */

static void notifying_an_awake_loop_sets_no_notifier(void)
{
    uint64_t sent, saved;

    loop_setup();
    sent = ctx->wakeup->sent;
    saved = ctx->wakeup->saved;
    aio_notify(ctx);
    ASSERT_TRUE(ctx->wakeup->notified);
    ASSERT_FALSE(notifier_is_set());
    ASSERT_INT_EQ(ctx->wakeup->sent, sent);
    ASSERT_INT_EQ(ctx->wakeup->saved, saved + 1);
    loop_teardown();
}

static void a_notification_before_the_poll_keeps_it_from_sleeping(void)
{
    uint64_t sleeps;

    loop_setup();
    sleeps = ctx->stats.sleeps;
    for (int i = 0; i < 3; i++) {
        aio_notify(ctx);
        ASSERT_FALSE(aio_poll(ctx, true));
        ASSERT_FALSE(ctx->wakeup->notified);
    }
    ASSERT_INT_EQ(ctx->stats.sleeps, sleeps);
    loop_teardown();
}

static void count(void *opaque)
{
    ++*(int *)opaque;
}

static void many_notifications_are_one(void)
{
    QEMUTimer timer;
    int fired = 0;

    loop_setup();
    timer_setup(&timer, count, &fired);
    for (int i = 0; i < 100; i++) {
        aio_notify(ctx);
    }
    timer_mod(&timer, now_ns() + 20 * SCALE_MS);
    /* One poll takes them all; the next sleeps until the timer is due. */
    ASSERT_FALSE(aio_poll(ctx, true));
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_INT_EQ(fired, 1);
    loop_teardown();
}

static void every_poll_accepts(void)
{
    loop_setup();
    aio_notify(ctx);
    ASSERT_FALSE(aio_poll(ctx, false));
    ASSERT_FALSE(ctx->wakeup->notified);
    aio_notify(ctx);
    aio_notify_accept(ctx);
    ASSERT_FALSE(ctx->wakeup->notified);
    loop_teardown();
}

static void expect_accepted(void *opaque)
{
    (void)opaque;
    ASSERT_FALSE(ctx->wakeup->notified);
    ASSERT_INT_EQ(ctx->wakeup->notify_me, 0);
}

static void it_is_accepted_before_bottom_halves_run(void)
{
    loop_setup();
    for (int blocking = 0; blocking < 2; blocking++) {
        aio_bh_schedule_oneshot(ctx, expect_accepted, NULL);
        ASSERT_TRUE(ctx->wakeup->notified);
        ASSERT_TRUE(aio_poll(ctx, blocking));
    }
    loop_teardown();
}

/* ---- The loop sleeps ---- */

static void a_notification_ends_the_sleep_without_progress(void)
{
    WhenAsleep w;

    loop_setup();
    for (int i = 0; i < 20; i++) {
        uint64_t sleeps = ctx->stats.sleeps, sent = ctx->wakeup->sent;
        when_asleep(&w, notify, ctx);
        ASSERT_FALSE(when_asleep_poll(&w));
        when_asleep_join(&w);
        /* None if the notification came just before it fell asleep. */
        ASSERT_INT_LE(ctx->stats.sleeps, sleeps + 1);
        ASSERT_INT_EQ(ctx->wakeup->sent, sent + 1);
        ASSERT_INT_EQ(ctx->wakeup->notify_me, 0);
    }
    loop_teardown();
}

static void schedule(void *opaque)
{
    aio_bh_schedule_oneshot(ctx, count, opaque);
}

static void a_bottom_half_ends_the_sleep_and_runs(void)
{
    WhenAsleep w;
    int ran = 0;

    loop_setup();
    for (int i = 1; i <= 20; i++) {
        when_asleep(&w, schedule, &ran);
        ASSERT_TRUE(aio_poll(ctx, true));
        ASSERT_INT_EQ(ran, i);
        when_asleep_join(&w);
    }
    loop_teardown();
}

static void notify_many_times(void *opaque)
{
    for (int i = 0; i < 100; i++) {
        aio_notify(opaque);
    }
}

static void is_never_set(EventNotifier *e)
{
    TEST_FAIL("the handler of %p was called", (void *)e);
}

/* A notifier that stayed set would keep the loop from sleeping ever after. */
static void the_notifier_is_cleared_by_its_handler(void)
{
    EventNotifier e;
    WhenAsleep w;

    loop_setup();
    when_asleep(&w, notify_many_times, ctx);
    ASSERT_FALSE(when_asleep_poll(&w));
    when_asleep_join(&w);
    /* A handler without io_poll, so that a poll looks at every descriptor even
     * though it does not block. */
    event_notifier_init(&e, 0);
    aio_set_event_notifier(ctx, &e, false, is_never_set, NULL);
    ASSERT_FALSE(aio_poll(ctx, false));
    ASSERT_FALSE(notifier_is_set());
    aio_set_event_notifier(ctx, &e, false, NULL, NULL);
    event_notifier_cleanup(&e);
    loop_teardown();
}

/* ---- Nothing is lost ---- */

static uint32_t told;
static int rounds;

static void tell(int index, void *opaque)
{
    uint64_t random = *(uint64_t *)opaque + (uint64_t)index;

    for (int i = 0; i < rounds; i++) {
        qatomic_inc(&told);
        aio_notify(ctx);
        for (uint64_t pause = test_random(&random) % 64; pause > 0; pause--) {
            port_pause();
        }
    }
}

/* The loop sleeps whenever it has caught up; a lost wake-up leaves it asleep. */
static void no_notification_of_a_storm_is_lost(void)
{
    uint64_t seed = test_seed();
    TestGang gang;

    loop_setup();
    told = 0;
    rounds = test_rounds(20000);
    test_gang_start(&gang, 4, tell, &seed);
    while (qatomic_read(&told) != 4 * (uint32_t)rounds) {
        aio_poll(ctx, true);
    }
    test_gang_join(&gang);
    loop_teardown();
}

/* Two loops that wake each other, and sleep in between. */
typedef struct Player {
    AioContext *ctx;
    struct Player *other;
    QEMUBH *bh;
    int hits;
    bool serves;
} Player;

static void hit(void *opaque)
{
    Player *player = opaque;

    player->hits++;
    if (player->serves || player->hits < rounds) {
        qemu_bh_schedule(player->other->bh);
    }
}

/* The server's hits follow the receiver's: both end at the same number. */
static void play(int index, void *opaque)
{
    Player *player = &((Player *)opaque)[index];

    qemu_set_current_aio_context(player->ctx);
    while (player->hits < rounds) {
        aio_poll(player->ctx, true);
    }
    aio_context_detach_current();
}

static void two_loops_wake_each_other(void)
{
    Player players[2];

    rounds = test_rounds(5000);
    for (int i = 0; i < 2; i++) {
        players[i].ctx = aio_context_new(&error_abort);
        players[i].other = &players[!i];
        players[i].bh = aio_bh_new(players[i].ctx, hit, &players[i]);
        players[i].hits = 0;
        players[i].serves = i == 0;
    }
    qemu_bh_schedule(players[0].bh);
    test_in_threads(2, play, players);
    for (int i = 0; i < 2; i++) {
        qemu_bh_delete(players[i].bh);
        aio_context_unref(players[i].ctx);
    }
}

TEST_PROGRAM(
    TEST(notifying_an_awake_loop_sets_no_notifier),
    TEST(a_notification_before_the_poll_keeps_it_from_sleeping),
    TEST(many_notifications_are_one),
    TEST(every_poll_accepts),
    TEST(it_is_accepted_before_bottom_halves_run),
    TEST(a_notification_ends_the_sleep_without_progress),
    TEST(a_bottom_half_ends_the_sleep_and_runs),
    TEST(the_notifier_is_cleared_by_its_handler),
    TEST(no_notification_of_a_storm_is_lost),
    TEST(two_loops_wake_each_other),
)
