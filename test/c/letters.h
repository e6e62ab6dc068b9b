/* SPDX-License-Identifier: MIT */
#ifndef TEST_LETTERS_H
#define TEST_LETTERS_H
/* A timer list group, and timers of it that write a letter when they fire. */
#include "threads.h"

static QEMUTimerListGroup group;
static uint32_t notified;

static inline void count_notify(void *opaque, QEMUClockType type)
{
    (void)opaque;
    (void)type;
    qatomic_inc(&notified);
}

static inline void setup(void)
{
    timerlistgroup_init(&group, count_notify, NULL);
    notified = 0;
}

static inline void teardown(void)
{
    timerlistgroup_deinit(&group);
}

static inline int64_t now_ns(void)
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

static inline void write_letter(void *opaque)
{
    Letter *l = opaque;

    ASSERT_FALSE(timer_pending(&l->timer));
    ASSERT_INT_EQ(timer_expire_time_ns(&l->timer), -1);
    written[strlen(written)] = l->letter;
    if (l->then) {
        l->then(l);
    }
}

static inline void letter_init(Letter *l, QEMUClockType clock, char letter)
{
    timer_init_full(&l->timer, &group, clock, SCALE_NS, 0, write_letter, l);
    l->letter = letter;
    l->then = NULL;
}

static Letter a, b, c, d;

static inline void setup_letters(void)
{
    setup();
    memset(written, 0, sizeof(written));
    letter_init(&a, QEMU_CLOCK_REALTIME, 'a');
    letter_init(&b, QEMU_CLOCK_REALTIME, 'b');
    letter_init(&c, QEMU_CLOCK_REALTIME, 'c');
    letter_init(&d, QEMU_CLOCK_REALTIME, 'd');
}

static inline bool run(void)
{
    return timerlistgroup_run_timers(&group);
}

#endif
