/* SPDX-License-Identifier: MIT */
/* Clocks: what time it is, being on and off, deadlines, threads. */
#include "threads.h"

static QEMUTimerListGroup group;
static uint32_t notified[QEMU_CLOCK_MAX];
static uint32_t fired;

static void count_notify(void *opaque, QEMUClockType type)
{
    (void)opaque;
    qatomic_inc(&notified[type]);
}

static void setup(void)
{
    timerlistgroup_init(&group, count_notify, NULL);
    memset(notified, 0, sizeof(notified));
    fired = 0;
}

static void count_fire(void *opaque)
{
    (void)opaque;
    qatomic_inc(&fired);
}

static void timer_setup(QEMUTimer *ts, QEMUClockType clock)
{
    timer_init_full(ts, &group, clock, SCALE_NS, 0, count_fire, NULL);
}

static int64_t now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
}

#define HOUR (INT64_C(3600) * NANOSECONDS_PER_SECOND)

/* ---- The time ---- */

static void realtime_never_goes_back(void)
{
    int64_t before = now_ns();

    for (int i = 0; i < 100000; i++) {
        int64_t now = now_ns();
        ASSERT_INT_GE(now, before);
        before = now;
    }
}

static void host_is_the_wall_clock(void)
{
    time_t before = time(NULL);
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_HOST);

    ASSERT_INT_GE(now / NANOSECONDS_PER_SECOND, before - 1);
    ASSERT_INT_LE(now / NANOSECONDS_PER_SECOND, time(NULL) + 1);
    ASSERT_INT_GE(qemu_clock_get_us(QEMU_CLOCK_HOST), now / SCALE_US);
    ASSERT_INT_GE(qemu_clock_get_ms(QEMU_CLOCK_HOST), now / SCALE_MS);
}

/* Threads hand their time to and fro: it must not go back by more than the
 * clocks of different workers may differ. */
static int64_t handed;
static uint32_t turn;

static void hand_on(int index, void *opaque)
{
    (void)opaque;
    for (uint32_t i = 0; i < 2000; i++) {
        TEST_WAIT_UNTIL(qatomic_mb_read(&turn) == 2 * i + (uint32_t)index);
        int64_t now = now_ns();
        ASSERT_INT_GE(now, handed - SCALE_MS);
        handed = now;
        qatomic_mb_set(&turn, 2 * i + (uint32_t)index + 1);
    }
}

static void threads_agree_on_the_time(void)
{
    handed = now_ns();
    test_in_threads(2, hand_on, NULL);
}

/* ---- Deadlines ---- */

static void deadline_tells_none_due_and_future(void)
{
    QEMUTimer t;

    setup();
    timer_setup(&t, QEMU_CLOCK_REALTIME);
    QEMUTimerList *list = t.timer_list;
    ASSERT_INT_EQ(timerlist_get_clock(list), QEMU_CLOCK_REALTIME);
    ASSERT_INT_EQ(timerlist_deadline_ns(list), -1);
    ASSERT_FALSE(timerlist_has_timers(list));
    ASSERT_FALSE(timerlist_expired(list));

    timer_mod_ns(&t, now_ns() + HOUR);
    ASSERT_INT_LE(timerlist_deadline_ns(list), HOUR);
    ASSERT_INT_GT(timerlist_deadline_ns(list), HOUR / 2);
    ASSERT_TRUE(timerlist_has_timers(list));
    ASSERT_FALSE(timerlist_expired(list));

    timer_mod_ns(&t, 1);
    ASSERT_INT_EQ(timerlist_deadline_ns(list), 0);
    ASSERT_TRUE(timerlist_expired(list));

    timer_del(&t);
    ASSERT_INT_EQ(timerlist_deadline_ns(list), -1);
    timerlistgroup_deinit(&group);
}

static void deadline_follows_the_first_timer(void)
{
    QEMUTimer near, far;

    setup();
    timer_setup(&near, QEMU_CLOCK_REALTIME);
    timer_setup(&far, QEMU_CLOCK_REALTIME);
    timer_mod_ns(&far, now_ns() + 10 * HOUR);
    timer_mod_ns(&near, now_ns() + HOUR);
    ASSERT_INT_LE(timerlistgroup_deadline_ns(&group), HOUR);
    timer_mod_ns(&near, now_ns() + 20 * HOUR);
    ASSERT_INT_GT(timerlistgroup_deadline_ns(&group), 9 * HOUR);
    ASSERT_INT_LE(timerlistgroup_deadline_ns(&group), 10 * HOUR);
    timer_del(&far);
    ASSERT_INT_GT(timerlistgroup_deadline_ns(&group), 19 * HOUR);
    timer_mod_ns(&far, 0);
    timerlistgroup_run_timers(&group);
    ASSERT_INT_GT(timerlistgroup_deadline_ns(&group), 19 * HOUR);
    timer_del(&near);
    timerlistgroup_deinit(&group);
}

static void deadline_of_a_group_is_the_soonest(void)
{
    QEMUTimer real, host;

    setup();
    timer_setup(&real, QEMU_CLOCK_REALTIME);
    timer_setup(&host, QEMU_CLOCK_HOST);
    ASSERT_INT_EQ(timerlistgroup_deadline_ns(&group), -1);
    timer_mod_ns(&real, now_ns() + 2 * HOUR);
    timer_mod_ns(&host, qemu_clock_get_ns(QEMU_CLOCK_HOST) + HOUR);
    ASSERT_INT_LE(timerlistgroup_deadline_ns(&group), HOUR);
    ASSERT_INT_GT(timerlistgroup_deadline_ns(&group), 0);
    timer_del(&host);
    ASSERT_INT_GT(timerlistgroup_deadline_ns(&group), HOUR);
    timer_mod_ns(&host, 0);
    ASSERT_INT_EQ(timerlistgroup_deadline_ns(&group), 0);
    ASSERT_INT_EQ(qemu_clock_deadline_ns_all(QEMU_CLOCK_HOST,
                                             QEMU_TIMER_ATTR_ALL), 0);
    ASSERT_INT_EQ(qemu_clock_deadline_ns_all(QEMU_CLOCK_VIRTUAL_RT,
                                             QEMU_TIMER_ATTR_ALL), -1);
    timer_del(&host);
    timer_del(&real);
    timerlistgroup_deinit(&group);
}

static void soonest_takes_minus_one_for_never(void)
{
    ASSERT_INT_EQ(qemu_soonest_timeout(-1, -1), -1);
    ASSERT_INT_EQ(qemu_soonest_timeout(-1, 5), 5);
    ASSERT_INT_EQ(qemu_soonest_timeout(0, -1), 0);
    ASSERT_INT_EQ(qemu_soonest_timeout(7, 5), 5);
}

static void milliseconds_are_rounded_up(void)
{
    ASSERT_INT_EQ(qemu_timeout_ns_to_ms(-1), -1);
    ASSERT_INT_EQ(qemu_timeout_ns_to_ms(INT64_MIN), -1);
    ASSERT_INT_EQ(qemu_timeout_ns_to_ms(0), 0);
    ASSERT_INT_EQ(qemu_timeout_ns_to_ms(1), 1);
    ASSERT_INT_EQ(qemu_timeout_ns_to_ms(SCALE_MS), 1);
    ASSERT_INT_EQ(qemu_timeout_ns_to_ms(SCALE_MS + 1), 2);
    ASSERT_INT_EQ(qemu_timeout_ns_to_ms(INT64_MAX), INT32_MAX);
}

/* ---- On and off ---- */

static void virtual_is_off_until_it_is_enabled(void)
{
    QEMUTimer t;

    setup();
    timer_setup(&t, QEMU_CLOCK_VIRTUAL);
    timer_mod_ns(&t, 0);
    ASSERT_INT_EQ(timerlistgroup_deadline_ns(&group), -1);
    ASSERT_FALSE(timerlistgroup_run_timers(&group));
    ASSERT_TRUE(timer_pending(&t));

    qemu_clock_enable(QEMU_CLOCK_VIRTUAL, true);
    ASSERT_INT_EQ(timerlistgroup_deadline_ns(&group), 0);
    ASSERT_TRUE(timerlistgroup_run_timers(&group));
    ASSERT_INT_EQ(fired, 1);
    qemu_clock_enable(QEMU_CLOCK_VIRTUAL, false);
    timer_mod_ns(&t, 0);
    ASSERT_FALSE(timerlistgroup_run_timers(&group));
    timer_del(&t);
    timerlistgroup_deinit(&group);
}

static void enabling_notifies_every_list(void)
{
    QEMUTimerListGroup other;

    setup();
    timerlistgroup_init(&other, count_notify, NULL);
    qemu_clock_enable(QEMU_CLOCK_VIRTUAL, true);
    ASSERT_INT_EQ(notified[QEMU_CLOCK_VIRTUAL], 2);
    ASSERT_INT_EQ(notified[QEMU_CLOCK_REALTIME], 0);
    timerlistgroup_deinit(&other);
    qemu_clock_notify(QEMU_CLOCK_VIRTUAL);
    ASSERT_INT_EQ(notified[QEMU_CLOCK_VIRTUAL], 3);
    timerlistgroup_deinit(&group);
}

static uint32_t inside;

/* Stays until the clock is off, which it sees by its list's having no deadline
 * although the next timer is due, and a while longer. */
static void dwell(void *opaque)
{
    (void)opaque;
    qatomic_mb_set(&inside, 1);
    TEST_WAIT_UNTIL(timerlistgroup_deadline_ns(&group) == -1);
    for (int i = 0; i < 1000; i++) {
        port_pause();
    }
    qatomic_mb_set(&inside, 2);
}

static void run_group(void *opaque)
{
    (void)opaque;
    timerlistgroup_run_timers(&group);
}

static void disabling_waits_for_callbacks_in_progress(void)
{
    TestCall call = { run_group, NULL };
    QemuThread runner;
    QEMUTimer t, next;

    for (int i = 0; i < test_rounds(50); i++) {
        setup();
        inside = 0;
        timer_init_full(&t, &group, QEMU_CLOCK_VIRTUAL_RT, SCALE_NS, 0, dwell,
                        NULL);
        timer_setup(&next, QEMU_CLOCK_VIRTUAL_RT);
        timer_mod_ns(&t, 0);
        timer_mod_ns(&next, 1);
        qemu_thread_create(&runner, "runner", test_call, &call,
                           QEMU_THREAD_JOINABLE);
        TEST_WAIT_UNTIL(qatomic_mb_read(&inside));
        qemu_clock_enable(QEMU_CLOCK_VIRTUAL_RT, false);
        ASSERT_INT_EQ(qatomic_mb_read(&inside), 2);
        qemu_thread_join(&runner);
        ASSERT_INT_EQ(fired, 0);          /* next is due, but the clock is off */
        qemu_clock_enable(QEMU_CLOCK_VIRTUAL_RT, true);
        timerlistgroup_run_timers(&group);
        ASSERT_INT_EQ(fired, 1);
        timerlistgroup_deinit(&group);
    }
}

/* ---- The main loop's lists ---- */

static void never_notify(void *opaque, QEMUClockType type)
{
    (void)opaque;
    TEST_FAIL("the second call-back was called for clock %d", (int)type);
}

static void init_clocks_is_idempotent_and_keeps_the_first_callback(void)
{
    QEMUTimer *t = timer_new_ms(QEMU_CLOCK_REALTIME, count_fire, NULL);

    /* Lists exist without a call; a call-back comes later. */
    fired = 0;
    timer_mod(t, 0);
    ASSERT_INT_EQ(notified[QEMU_CLOCK_REALTIME], 0);
    init_clocks(count_notify);
    init_clocks(NULL);
    QEMUTimerList *list = main_loop_tlg.tl[QEMU_CLOCK_REALTIME];
    init_clocks(never_notify);
    ASSERT_PTR_EQ(main_loop_tlg.tl[QEMU_CLOCK_REALTIME], list);
    timer_mod(t, 0);
    ASSERT_INT_EQ(notified[QEMU_CLOCK_REALTIME], 1);

    ASSERT_TRUE(qemu_clock_has_timers(QEMU_CLOCK_REALTIME));
    ASSERT_FALSE(qemu_clock_has_timers(QEMU_CLOCK_HOST));
    ASSERT_TRUE(qemu_clock_expired(QEMU_CLOCK_REALTIME));
    ASSERT_FALSE(qemu_clock_run_timers(QEMU_CLOCK_HOST));
    ASSERT_TRUE(qemu_clock_run_timers(QEMU_CLOCK_REALTIME));
    timer_mod(t, 0);
    ASSERT_TRUE(qemu_clock_run_all_timers());
    ASSERT_INT_EQ(fired, 2);
    timer_free(t);
}

/* ---- Threads ---- */

typedef struct Storm {
    QEMUTimer timers[3][50];
    uint32_t fires[3];
    uint32_t finished;
    uint64_t seed;
    int rounds;
} Storm;

static void count_for_thread(void *opaque)
{
    qatomic_inc((uint32_t *)opaque);
}

/* Each thread plays with timers of its own; every one that it arms and leaves
 * alone has to fire once. */
static void play(int index, void *opaque)
{
    Storm *storm = opaque;
    uint64_t random = storm->seed + (uint64_t)index;

    for (int i = 0; i < storm->rounds; i++) {
        QEMUTimer *t = &storm->timers[index][1 + test_random(&random) % 49];
        switch (test_random(&random) % 3) {
        case 0:
            timer_del(t);
            break;
        case 1:
            timer_mod_ns(t, (int64_t)(test_random(&random) % 1000));
            break;
        default:
            timer_mod_ns(t, now_ns() + (int64_t)(test_random(&random) % HOUR));
            break;
        }
        if (i % 16 == 0) {
            QEMUTimer *mine = &storm->timers[index][0];
            uint32_t before = qatomic_read(&storm->fires[index]);
            timer_mod_ns(mine, 0);
            TEST_WAIT_UNTIL(qatomic_mb_read(&storm->fires[index]) != before);
            ASSERT_FALSE(timer_pending(mine));
        }
    }
    for (int i = 0; i < 50; i++) {
        timer_del(&storm->timers[index][i]);
    }
    qatomic_inc(&storm->finished);
}

static void timers_are_changed_from_any_thread(void)
{
    static Storm storm;
    TestGang gang;

    setup();
    storm.seed = test_seed();
    storm.rounds = test_rounds(5000);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 50; k++) {
            timer_init_full(&storm.timers[i][k], &group, QEMU_CLOCK_REALTIME,
                            SCALE_NS, 0, k ? count_fire : count_for_thread,
                            &storm.fires[i]);
        }
    }
    test_gang_start(&gang, 3, play, &storm);
    while (qatomic_mb_read(&storm.finished) != 3) {
        timerlistgroup_run_timers(&group);
    }
    test_gang_join(&gang);
    ASSERT_FALSE(timerlistgroup_run_timers(&group));
    timerlistgroup_deinit(&group);
}

TEST_PROGRAM(
    TEST(realtime_never_goes_back),
    TEST(host_is_the_wall_clock),
    TEST(threads_agree_on_the_time),
    TEST(deadline_tells_none_due_and_future),
    TEST(deadline_follows_the_first_timer),
    TEST(deadline_of_a_group_is_the_soonest),
    TEST(soonest_takes_minus_one_for_never),
    TEST(milliseconds_are_rounded_up),
    TEST(virtual_is_off_until_it_is_enabled),
    TEST(enabling_notifies_every_list),
    TEST(disabling_waits_for_callbacks_in_progress),
    TEST(init_clocks_is_idempotent_and_keeps_the_first_callback),
    TEST(timers_are_changed_from_any_thread),
)
