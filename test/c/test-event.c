/* SPDX-License-Identifier: MIT */
/* Events, and the futex as programs see it. */
#include "qemu/futex.h"
#include "threads.h"

/* ---- Event ---- */

static void event_wait_returns_while_it_is_set(void)
{
    QemuEvent ev;

    qemu_event_init(&ev, true);
    qemu_event_wait(&ev);
    qemu_event_wait(&ev);
    qemu_event_reset(&ev);
    qemu_event_set(&ev);
    qemu_event_set(&ev);
    qemu_event_wait(&ev);
    qemu_event_destroy(&ev);
}

static QemuEvent gate;
static uint32_t passed;

static void pass_gate(int index, void *opaque)
{
    (void)index;
    (void)opaque;
    qatomic_inc(&passed);
    qemu_event_wait(&gate);
    qatomic_inc(&passed);
}

static void event_set_wakes_all_waiters(void)
{
    TestGang gang;

    passed = 0;
    qemu_event_init(&gate, false);
    test_gang_start(&gang, 4, pass_gate, NULL);
    TEST_WAIT_UNTIL(qatomic_read(&passed) == 4);
    qemu_event_set(&gate);
    test_gang_join(&gang);
    ASSERT_INT_EQ(passed, 8);
}

static void event_reset_makes_wait_wait(void)
{
    TestGang gang;

    passed = 0;
    qemu_event_init(&gate, true);
    qemu_event_reset(&gate);
    test_gang_start(&gang, 1, pass_gate, NULL);
    TEST_WAIT_UNTIL(qatomic_read(&passed) == 1);
    for (int i = 0; i < 100000; i++) {
        ASSERT_INT_EQ(qatomic_read(&passed), 1);
    }
    qemu_event_set(&gate);
    test_gang_join(&gang);
}

static void event_reset_does_not_forget_a_waiter(void)
{
    for (int i = 0; i < 20; i++) {
        TestGang gang;

        passed = 0;
        qemu_event_init(&gate, false);
        test_gang_start(&gang, 1, pass_gate, NULL);
        TEST_WAIT_UNTIL(qatomic_read(&passed) == 1);
        test_nap(UINT_MAX);               /* lets it fall asleep */
        qemu_event_reset(&gate);
        qemu_event_set(&gate);
        test_gang_join(&gang);
    }
}

/*
 * The protocol of its users: the waiter resets, then looks whether there is
 * work, then waits; the setter makes work, then sets. Plain data is published by
 * the event alone.
 */
typedef struct Work {
    QemuEvent made, taken;
    int rounds;
    int item;                  /* no atomic */
} Work;

static void make_or_take(int index, void *opaque)
{
    Work *work = opaque;

    for (int i = 1; i <= work->rounds; i++) {
        if (index == 0) {
            work->item = i;
            qemu_event_set(&work->made);
            qemu_event_wait(&work->taken);
            qemu_event_reset(&work->taken);
        } else {
            qemu_event_wait(&work->made);
            qemu_event_reset(&work->made);
            ASSERT_INT_EQ(work->item, i);
            qemu_event_set(&work->taken);
        }
    }
}

static void event_publishes_what_was_written_before_set(void)
{
    Work work = { .rounds = test_rounds(20000) };

    qemu_event_init(&work.made, false);
    qemu_event_init(&work.taken, false);
    test_in_threads(2, make_or_take, &work);
}

typedef struct Flood {
    QemuEvent ev;
    uint32_t made;
    int rounds;
} Flood;

static void flood(int index, void *opaque)
{
    Flood *f = opaque;
    uint32_t all = 3 * (uint32_t)f->rounds;

    if (index > 0) {
        for (int i = 0; i < f->rounds; i++) {
            qatomic_inc(&f->made);
            qemu_event_set(&f->ev);
        }
        return;
    }
    for (;;) {
        qemu_event_reset(&f->ev);
        if (qatomic_read(&f->made) == all) {
            return;
        }
        /* A set that was lost leaves this asleep. */
        qemu_event_wait(&f->ev);
    }
}

static void event_loses_no_set(void)
{
    Flood f = { .rounds = test_rounds(50000) };

    qemu_event_init(&f.ev, false);
    test_in_threads(4, flood, &f);
}

/* ---- Futex ---- */

static void futex_wait_returns_when_the_word_differs(void)
{
    uint32_t word = 1;

    qemu_futex_wait(&word, 0);
    qemu_futex_wake(&word, INT_MAX);
}

static void turn_word(void *opaque)
{
    qatomic_mb_set((uint32_t *)opaque, 1);
    qemu_futex_wake(opaque, 1);
}

static void futex_wake_ends_a_wait(void)
{
    for (int i = 0; i < 100; i++) {
        uint32_t word = 0;
        TestCall call = { turn_word, &word };
        QemuThread thread;

        qemu_thread_create(&thread, "wake", test_call, &call,
                           QEMU_THREAD_JOINABLE);
        while (!qatomic_mb_read(&word)) {
            qemu_futex_wait(&word, 0);
        }
        qemu_thread_join(&thread);
    }
}

TEST_PROGRAM(
    TEST(event_wait_returns_while_it_is_set),
    TEST(event_set_wakes_all_waiters),
    TEST(event_reset_makes_wait_wait),
    TEST(event_reset_does_not_forget_a_waiter),
    TEST(event_publishes_what_was_written_before_set),
    TEST(event_loses_no_set),
    TEST(futex_wait_returns_when_the_word_differs),
    TEST(futex_wake_ends_a_wait),
)
