/* SPDX-License-Identifier: MIT */
/* Timers of a list: being armed, order, waking the loop. */
#include "letters.h"

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

TEST_PROGRAM(
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
)
