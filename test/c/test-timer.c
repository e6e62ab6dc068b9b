/* SPDX-License-Identifier: MIT */
/* Timers of a list: arming, order, running. */
#include "threads.h"

static QEMUTimerListGroup group;
static uint32_t notified;

static void count_notify(void *opaque, QEMUClockType type)
{
    (void)opaque;
    (void)type;
    qatomic_inc(&notified);
}

static void setup(void)
{
    timerlistgroup_init(&group, count_notify, NULL);
    notified = 0;
}

static void teardown(void)
{
    timerlistgroup_deinit(&group);
}

static int64_t now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
}

#define HOUR (INT64_C(3600) * NANOSECONDS_PER_SECOND)

/* A timer that writes its letter when it fires. */
typedef struct Letter {
    QEMUTimer timer;
    char letter;
    void (*then)(struct Letter *self);
} Letter;

static char written[64];

static void write_letter(void *opaque)
{
    Letter *l = opaque;

    ASSERT_FALSE(timer_pending(&l->timer));
    ASSERT_INT_EQ(timer_expire_time_ns(&l->timer), -1);
    written[strlen(written)] = l->letter;
    if (l->then) {
        l->then(l);
    }
}

static void letter_init(Letter *l, QEMUClockType clock, char letter)
{
    timer_init_full(&l->timer, &group, clock, SCALE_NS, 0, write_letter, l);
    l->letter = letter;
    l->then = NULL;
}

static Letter a, b, c, d;

static void setup_letters(void)
{
    setup();
    memset(written, 0, sizeof(written));
    letter_init(&a, QEMU_CLOCK_REALTIME, 'a');
    letter_init(&b, QEMU_CLOCK_REALTIME, 'b');
    letter_init(&c, QEMU_CLOCK_REALTIME, 'c');
    letter_init(&d, QEMU_CLOCK_REALTIME, 'd');
}

static bool run(void)
{
    return timerlistgroup_run_timers(&group);
}

/* ---- Being armed ---- */

static void a_new_timer_is_not_armed(void)
{
    setup_letters();
    ASSERT_FALSE(timer_pending(&a.timer));
    ASSERT_TRUE(timer_expire_time_ns(&a.timer) == UINT64_MAX);
    ASSERT_FALSE(timer_expired(&a.timer, INT64_MAX));
    ASSERT_FALSE(timer_expired(NULL, INT64_MAX));
    ASSERT_FALSE(run());
    ASSERT_STR_EQ(written, "");
    teardown();
}

static void mod_arms_and_fires_once(void)
{
    setup_letters();
    timer_mod_ns(&a.timer, 1000);
    ASSERT_TRUE(timer_pending(&a.timer));
    ASSERT_INT_EQ(timer_expire_time_ns(&a.timer), 1000);
    ASSERT_FALSE(timer_expired(&a.timer, 999));
    ASSERT_TRUE(timer_expired(&a.timer, 1000));
    ASSERT_TRUE(run());
    ASSERT_FALSE(run());
    ASSERT_STR_EQ(written, "a");
    teardown();
}

static void not_before_its_time(void)
{
    int64_t deadline;

    setup_letters();
    deadline = now_ns() + 2 * SCALE_MS;
    timer_mod_ns(&a.timer, deadline);
    timer_mod_ns(&b.timer, now_ns() + HOUR);
    while (!run()) {
        continue;
    }
    ASSERT_INT_GE(now_ns(), deadline);
    ASSERT_STR_EQ(written, "a");
    timer_del(&b.timer);
    teardown();
}

static void negative_deadlines_are_zero(void)
{
    setup_letters();
    timer_mod_ns(&a.timer, -5);
    ASSERT_INT_EQ(timer_expire_time_ns(&a.timer), 0);
    ASSERT_TRUE(timer_pending(&a.timer));
    timer_mod(&a.timer, INT64_MIN);
    ASSERT_INT_EQ(timer_expire_time_ns(&a.timer), 0);
    ASSERT_TRUE(run());
    teardown();
}

static void scale_multiplies(void)
{
    static const int scales[] = { SCALE_NS, SCALE_US, SCALE_MS };
    QEMUTimer timer;

    setup();
    for (int i = 0; i < 3; i++) {
        timer_init_full(&timer, &group, QEMU_CLOCK_REALTIME, scales[i], 0,
                        write_letter, &a);
        timer_mod(&timer, HOUR / scales[i]);
        ASSERT_INT_EQ(timer_expire_time_ns(&timer), HOUR);
        timer_mod_anticipate(&timer, 3);
        ASSERT_INT_EQ(timer_expire_time_ns(&timer), 3 * scales[i]);
        timer_mod_ns(&timer, 17);
        ASSERT_INT_EQ(timer_expire_time_ns(&timer), 17);
        timer_del(&timer);
    }
    teardown();
}

static void the_last_deadline_is_one_too(void)
{
    QEMUTimer timer;

    setup();
    timer_init_full(&timer, &group, QEMU_CLOCK_REALTIME, SCALE_MS, 0,
                    write_letter, &a);
    timer_mod(&timer, INT64_MAX);
    ASSERT_TRUE(timer_pending(&timer));
    ASSERT_TRUE(timerlist_has_timers(group.tl[QEMU_CLOCK_REALTIME]));
    ASSERT_INT_GT(timerlistgroup_deadline_ns(&group), HOUR);
    timer_del(&timer);
    teardown();
}

static void mod_moves_an_armed_timer(void)
{
    setup_letters();
    timer_mod_ns(&a.timer, 10);
    timer_mod_ns(&b.timer, 20);
    timer_mod_ns(&a.timer, 30);
    ASSERT_INT_EQ(timer_expire_time_ns(&a.timer), 30);
    run();
    ASSERT_STR_EQ(written, "ba");
    teardown();
}

static void anticipate_moves_nearer_only(void)
{
    setup_letters();
    timer_mod_anticipate_ns(&a.timer, 50);
    ASSERT_INT_EQ(timer_expire_time_ns(&a.timer), 50);
    timer_mod_anticipate_ns(&a.timer, 60);
    ASSERT_INT_EQ(timer_expire_time_ns(&a.timer), 50);
    timer_mod_anticipate_ns(&a.timer, 40);
    ASSERT_INT_EQ(timer_expire_time_ns(&a.timer), 40);
    run();
    ASSERT_STR_EQ(written, "a");
    teardown();
}

static void del_disarms_and_is_idempotent(void)
{
    setup_letters();
    timer_del(&a.timer);
    timer_mod_ns(&a.timer, 10);
    timer_mod_ns(&b.timer, 20);
    timer_del(&a.timer);
    timer_del(&a.timer);
    ASSERT_FALSE(timer_pending(&a.timer));
    run();
    ASSERT_STR_EQ(written, "b");
    teardown();
}

/* ---- Order ---- */

static void equal_deadlines_fire_in_the_order_of_arming(void)
{
    setup_letters();
    timer_mod_ns(&c.timer, 10);
    timer_mod_ns(&a.timer, 10);
    timer_mod_ns(&d.timer, 10);
    timer_mod_ns(&b.timer, 10);
    timer_mod_ns(&a.timer, 10);          /* arms it anew: behind b */
    run();
    ASSERT_STR_EQ(written, "cdba");
    teardown();
}

typedef struct Numbered {
    QEMUTimer timer;
    int64_t deadline;
    uint64_t turn;
} Numbered;

static Numbered last;
static int fired;

static void check_order(void *opaque)
{
    Numbered *n = opaque;

    if (n->deadline == last.deadline) {
        ASSERT_INT_GT(n->turn, last.turn);
    }
    ASSERT_INT_GE(n->deadline, last.deadline);
    last = *n;
    fired++;
}

/* Arms, moves and disarms at random, then looks at the order of firing. */
static void random_deadlines_fire_in_order(void)
{
    uint64_t random = test_seed();

    for (int round = 0; round < test_rounds(20); round++) {
        int count = 1 + test_random(&random) % (round % 2 ? 3000 : 30);
        int spread = round % 3 ? 1000000 : count / 4 + 1;
        Numbered *timers = calloc(count, sizeof(*timers));
        int armed = 0;

        setup();
        for (int i = 0; i < count; i++) {
            timer_init_full(&timers[i].timer, &group, QEMU_CLOCK_REALTIME,
                            SCALE_NS, 0, check_order, &timers[i]);
        }
        for (int turn = 1; turn <= 4 * count; turn++) {
            Numbered *n = &timers[test_random(&random) % count];
            bool was_armed = timer_pending(&n->timer);
            if (test_random(&random) % 4 == 0) {
                timer_del(&n->timer);
                armed -= was_armed;
            } else {
                n->deadline = test_random(&random) % spread;
                n->turn = turn;
                timer_mod_ns(&n->timer, n->deadline);
                armed += !was_armed;
            }
        }
        fired = 0;
        last.deadline = last.turn = 0;
        run();
        ASSERT_INT_EQ(fired, armed);
        teardown();
        free(timers);
    }
}

static void lists_run_in_the_order_of_their_clocks(void)
{
    setup_letters();
    qemu_clock_enable(QEMU_CLOCK_VIRTUAL, true);
    letter_init(&a, QEMU_CLOCK_REALTIME, 'a');
    letter_init(&b, QEMU_CLOCK_VIRTUAL, 'b');
    letter_init(&c, QEMU_CLOCK_HOST, 'c');
    letter_init(&d, QEMU_CLOCK_VIRTUAL_RT, 'd');
    timer_mod_ns(&d.timer, 0);
    timer_mod_ns(&c.timer, 1);
    timer_mod_ns(&b.timer, 2);
    timer_mod_ns(&a.timer, 3);
    ASSERT_TRUE(run());
    ASSERT_STR_EQ(written, "abcd");
    teardown();
}

/* ---- Waking the loop ---- */

static void only_a_new_head_notifies(void)
{
    setup_letters();
    timer_mod_ns(&a.timer, HOUR);
    ASSERT_INT_EQ(notified, 1);
    timer_mod_ns(&b.timer, 2 * HOUR);
    ASSERT_INT_EQ(notified, 1);
    timer_mod_ns(&c.timer, 1);
    ASSERT_INT_EQ(notified, 2);
    timer_mod_ns(&c.timer, 2);           /* later, but the head still */
    ASSERT_INT_EQ(notified, 3);
    timer_mod_ns(&c.timer, 3 * HOUR);    /* the head no more */
    ASSERT_INT_EQ(notified, 3);
    timer_mod_anticipate_ns(&b.timer, 3 * HOUR);
    ASSERT_INT_EQ(notified, 3);
    timer_mod_anticipate_ns(&b.timer, 1);
    ASSERT_INT_EQ(notified, 4);
    timer_del(&b.timer);
    timer_del(&a.timer);
    timer_del(&c.timer);
    ASSERT_INT_EQ(notified, 4);
    teardown();
}

/* ---- Call-backs ---- */

static int rearms;

static void rearm_now(Letter *self)
{
    if (--rearms > 0) {
        timer_mod_ns(&self->timer, 0);
    }
}

static void a_rearmed_due_timer_runs_again_in_the_same_pass(void)
{
    setup_letters();
    rearms = 4;
    a.then = rearm_now;
    timer_mod_ns(&a.timer, 0);
    ASSERT_TRUE(run());
    ASSERT_STR_EQ(written, "aaaa");
    teardown();
}

static int64_t later;

static void outlast_b(Letter *self)
{
    (void)self;
    while (now_ns() <= later) {
        continue;
    }
}

static void the_time_is_read_once_a_pass(void)
{
    setup_letters();
    later = now_ns() + 5 * SCALE_MS;
    timer_mod_ns(&a.timer, 0);
    timer_mod_ns(&b.timer, later);
    a.then = outlast_b;
    ASSERT_TRUE(timerlist_run_timers(group.tl[QEMU_CLOCK_REALTIME]));
    ASSERT_STR_EQ(written, "a");
    ASSERT_TRUE(run());
    ASSERT_STR_EQ(written, "ab");
    teardown();
}

static void del_b_and_arm_d(Letter *self)
{
    (void)self;
    ASSERT_TRUE(timer_pending(&b.timer));
    timer_del(&b.timer);
    ASSERT_FALSE(timer_pending(&b.timer));
    ASSERT_TRUE(timer_pending(&c.timer));
    timer_mod_ns(&d.timer, 25);
}

static void a_callback_may_change_what_else_is_due(void)
{
    setup_letters();
    timer_mod_ns(&a.timer, 10);
    timer_mod_ns(&b.timer, 20);
    timer_mod_ns(&c.timer, 30);
    a.then = del_b_and_arm_d;
    run();
    ASSERT_STR_EQ(written, "adc");
    teardown();
}

static void free_timer(void *opaque)
{
    QEMUTimer **ts = opaque;

    timer_free(*ts);
    *ts = NULL;
}

static void a_callback_may_free_its_timer(void)
{
    QEMUTimer *ts;

    setup();
    ts = timer_new_full(&group, QEMU_CLOCK_REALTIME, SCALE_MS, 0, free_timer,
                        &ts);
    timer_mod(ts, 0);
    ASSERT_TRUE(run());
    ASSERT_PTR_EQ(ts, NULL);
    timer_free(NULL);
    teardown();
}

static void free_armed_timer_disarms(void)
{
    QEMUTimer *ts;

    setup();
    ts = timer_new_full(&group, QEMU_CLOCK_REALTIME, SCALE_MS, 0, free_timer,
                        &ts);
    timer_mod(ts, 0);
    timer_free(ts);
    ASSERT_FALSE(run());
    teardown();
}

static void run_nested(Letter *self)
{
    (void)self;
    /* b is due: the inner pass takes it. */
    ASSERT_TRUE(run());
    written[strlen(written)] = '.';
}

static void a_callback_may_run_timers(void)
{
    setup_letters();
    timer_mod_ns(&a.timer, 10);
    timer_mod_ns(&b.timer, 20);
    a.then = run_nested;
    run();
    ASSERT_STR_EQ(written, "ab.");
    teardown();
}

static void arm_b(void *opaque)
{
    (void)opaque;
    timer_mod_ns(&b.timer, 5);
}

static void arm_b_elsewhere(Letter *self)
{
    (void)self;
    test_elsewhere(arm_b, NULL);
}

static void callbacks_run_without_the_lock(void)
{
    setup_letters();
    a.then = arm_b_elsewhere;
    timer_mod_ns(&a.timer, 0);
    run();
    ASSERT_STR_EQ(written, "ab");
    teardown();
}

/* ---- Broken contracts ---- */

static void deinit_of_an_armed_timer_panics(void)
{
    setup_letters();
    timer_deinit(&b.timer);
    timer_mod_ns(&a.timer, 0);
    timer_deinit(&a.timer);
}

static void freeing_a_list_with_an_armed_timer_panics(void)
{
    setup_letters();
    timer_mod_ns(&a.timer, 0);
    teardown();
}

static void arming_after_deinit_panics(void)
{
    setup_letters();
    timer_deinit(&a.timer);
    timer_del(&a.timer);
    timer_mod_ns(&a.timer, 0);
}

TEST_MAIN(
    TEST(a_new_timer_is_not_armed),
    TEST(mod_arms_and_fires_once),
    TEST(not_before_its_time),
    TEST(negative_deadlines_are_zero),
    TEST(scale_multiplies),
    TEST(the_last_deadline_is_one_too),
    TEST(mod_moves_an_armed_timer),
    TEST(anticipate_moves_nearer_only),
    TEST(del_disarms_and_is_idempotent),
    TEST(equal_deadlines_fire_in_the_order_of_arming),
    TEST(random_deadlines_fire_in_order),
    TEST(lists_run_in_the_order_of_their_clocks),
    TEST(only_a_new_head_notifies),
    TEST(a_rearmed_due_timer_runs_again_in_the_same_pass),
    TEST(the_time_is_read_once_a_pass),
    TEST(a_callback_may_change_what_else_is_due),
    TEST(a_callback_may_free_its_timer),
    TEST(free_armed_timer_disarms),
    TEST(a_callback_may_run_timers),
    TEST(callbacks_run_without_the_lock),
    TEST_PANICS(deinit_of_an_armed_timer_panics, "is armed"),
    TEST_PANICS(freeing_a_list_with_an_armed_timer_panics,
                "1 timers of clock 0 are armed"),
    TEST_PANICS(arming_after_deinit_panics, "is not initialised"),
)
