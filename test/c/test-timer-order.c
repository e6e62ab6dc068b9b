/* SPDX-License-Identifier: MIT */
/* The order in which the timers of a list fire while call-backs arm, move and disarm
 * others, compared with a model: a plain table in which the next one is looked for. */
#include "letters.h"
#include "time/clock.h"

enum { MOST = 1500 };

typedef struct Modelled {
    QEMUTimer timer;
    bool armed;
    int64_t place;
    uint64_t turn;
} Modelled;

static Modelled timers[MOST];
static int count;                /* how many of them the round uses */
static uint64_t seed, turn;
static int64_t from, spread;     /* of the deadlines */
static int changes;              /* how many there may still be */

static QEMUTimerList *list(void)
{
    return group.tl[QEMU_CLOCK_REALTIME];
}

static bool comes_before(const Modelled *x, const Modelled *y)
{
    return x->place != y->place ? x->place < y->place : x->turn < y->turn;
}

/* What is armed in a pass comes after all that were due when it began. */
static void arm(Modelled *m)
{
    int64_t deadline = from + (int64_t)(test_random(&seed) % (uint64_t)spread);

    m->armed = true;
    m->place = MAX(deadline, list()->pass_now);
    m->turn = turn++;
    timer_mod_ns(&m->timer, deadline);
}

static void disarm(Modelled *m)
{
    ASSERT_INT_EQ(timer_pending(&m->timer), m->armed);
    m->armed = false;
    timer_del(&m->timer);
}

static void change(unsigned n)
{
    for (; n > 0 && changes > 0; n--, changes--) {
        Modelled *m = &timers[test_random(&seed) % (uint64_t)count];
        if (test_random(&seed) % 3 == 0) {
            disarm(m);
        } else {
            arm(m);
        }
    }
}

/* A budget that is spent after one call-back leaves the rest for the next pass. */
static bool run_one(void)
{
    AioBudget budget = aio_budget(0);

    return timerlistgroup_run(&group, &budget) > 0;
}

static bool run_some(void)
{
    bool progress = test_random(&seed) % 3 == 0 ? run_one() : run();

    ASSERT_INT_EQ(list()->first, heap_first(&list()->heap));
    return progress;
}

static void check_next(void *opaque)
{
    Modelled *fired = opaque;

    ASSERT_TRUE(fired->armed);
    ASSERT_FALSE(timer_pending(&fired->timer));
    for (int i = 0; i < count; i++) {
        if (timers[i].armed && &timers[i] != fired) {
            ASSERT_TRUE(comes_before(fired, &timers[i]));
        }
    }
    fired->armed = false;
    change(test_random(&seed) % 4);
    if (changes > 0 && test_random(&seed) % 16 == 0) {
        run_some();
    }
}

static void begin(int n)
{
    setup();
    count = n;
    turn = 0;
    for (int i = 0; i < count; i++) {
        timers[i].armed = false;
        timer_init_full(&timers[i].timer, &group, QEMU_CLOCK_REALTIME, SCALE_NS, 0, check_next,
                        &timers[i]);
    }
}

static bool any_is_armed(void)
{
    bool any = false;

    for (int i = 0; i < count; i++) {
        ASSERT_INT_EQ(timer_pending(&timers[i].timer), timers[i].armed);
        any |= timers[i].armed;
    }
    return any;
}

/* Few and many, all at one time, close together, far apart, and such as become due
 * meanwhile. */
static void callbacks_change_what_is_due_and_the_order_remains(void)
{
    seed = test_seed();
    for (int round = 0; round < test_rounds(30); round++) {
        begin(1 + (int)(test_random(&seed) % (round % 2 ? MOST : 40)));
        from = round / 2 % 5 == 0 ? now_ns() : 0;
        spread = (int64_t[]){ 3 * SCALE_MS, 1, count / 4 + 1, 1000000, now_ns() }[round / 2 % 5];
        changes = INT_MAX;
        change(3 * (unsigned)count);
        changes = 2 * count;
        while (any_is_armed()) {
            run_some();
            change(4);
        }
        ASSERT_FALSE(timerlist_has_timers(list()));
        teardown();
    }
}

static void what_is_left_of_a_pass_counts_when_the_list_grows(void)
{
    enum { BEFORE = 8, ALL = 40 };

    begin(ALL);
    from = changes = 0;
    spread = 1;
    for (int i = 0; i < ALL; i++) {
        if (i == BEFORE) {
            ASSERT_TRUE(run_one());
        }
        arm(&timers[i]);
    }
    ASSERT_TRUE(run());
    ASSERT_FALSE(any_is_armed());
    teardown();
}

static void look_at_the_list(Letter *self)
{
    (void)self;
    ASSERT_INT_EQ(timerlist_has_timers(list()), timer_pending(&b.timer) || timer_pending(&c.timer));
    ASSERT_INT_EQ(timerlist_expired(list()), timer_pending(&b.timer));
}

/* Within a call-back the list tells what is left, and when. */
static void callbacks_see_what_is_left(void)
{
    setup_letters();
    timer_mod_ns(&a.timer, 1);
    timer_mod_ns(&b.timer, 2);
    timer_mod_ns(&c.timer, now_ns() + HOUR);
    a.then = b.then = look_at_the_list;
    run();
    timer_del(&c.timer);
    timer_mod_ns(&a.timer, 1);
    timer_mod_ns(&b.timer, 2);
    run();
    ASSERT_STR_EQ(written, "abab");
    teardown();
}

static void three_of_which_one_has_run(void)
{
    setup_letters();
    timer_mod_ns(&a.timer, 1);
    timer_mod_ns(&b.timer, 3);
    timer_mod_ns(&c.timer, 4);
    ASSERT_TRUE(run_one());
    notified = 0;
}

static void only_what_comes_before_the_rest_of_a_pass_notifies(void)
{
    three_of_which_one_has_run();
    timer_mod_ns(&d.timer, HOUR);
    timer_mod_ns(&d.timer, 3);
    ASSERT_INT_EQ(notified, 0);
    timer_mod_ns(&d.timer, 2);
    ASSERT_INT_EQ(notified, 1);
    timer_mod_ns(&c.timer, 2);
    ASSERT_INT_EQ(notified, 1);
    timer_mod_ns(&b.timer, 1);
    ASSERT_INT_EQ(notified, 2);
    run();
    ASSERT_STR_EQ(written, "abdc");
    teardown();
}

/* As for a loop whose thread was lost in the middle of a pass. */
static void the_rest_of_a_pass_is_disarmed_with_the_list(void)
{
    three_of_which_one_has_run();
    timer_mod_ns(&d.timer, 1);
    timerlistgroup_abandon(&group);
    ASSERT_FALSE(timer_pending(&b.timer) || timer_pending(&c.timer) || timer_pending(&d.timer));
    timerlistgroup_reuse(&group);
    ASSERT_FALSE(run());
    timer_mod_ns(&c.timer, 3);
    ASSERT_TRUE(run());
    ASSERT_STR_EQ(written, "ac");
    teardown();
}

TEST_PROGRAM(
    TEST(callbacks_change_what_is_due_and_the_order_remains),
    TEST(what_is_left_of_a_pass_counts_when_the_list_grows),
    TEST(callbacks_see_what_is_left),
    TEST(only_what_comes_before_the_rest_of_a_pass_notifies),
    TEST(the_rest_of_a_pass_is_disarmed_with_the_list),
)
