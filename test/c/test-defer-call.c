/* SPDX-License-Identifier: MIT */
/* Calls that are put off to the end of a section of their thread. */
#include "../fail-nth/fail.h"
#include "loop.h"
#include "qemu/defer-call.h"

static void outside_of_a_section_it_is_now(void)
{
    journal_clear();
    defer_call(journal_cb, "a");
    defer_call(journal_cb, "a");
    ASSERT_STR_EQ(journal, "aa");
}

static void the_outermost_end_runs_each_once_in_order(void)
{
    static char b = 'b', c = 'c';

    journal_clear();
    defer_call_begin();
    defer_call(journal_cb, &c);
    defer_call_begin();
    defer_call(journal_cb, &b);
    defer_call(journal_cb, &c);
    defer_call_end();
    defer_call(journal_cb, &b);
    ASSERT_STR_EQ(journal, "");
    defer_call_end();
    ASSERT_STR_EQ(journal, "cb");
    defer_call_begin();
    defer_call_end();
    ASSERT_STR_EQ(journal, "cb");
}

enum { MANY = 1000 };
static int numbers[MANY], next_number;

static void note_number(void *opaque)
{
    ASSERT_PTR_EQ(opaque, &numbers[next_number]);
    next_number++;
}

static void there_may_be_many(void)
{
    for (int round = 0; round < 3; round++) {
        next_number = 0;
        defer_call_begin();
        for (int i = 0; i < 2 * MANY; i++) {
            defer_call(note_number, &numbers[i % MANY]);
        }
        ASSERT_INT_EQ(next_number, 0);
        defer_call_end();
        ASSERT_INT_EQ(next_number, MANY);
    }
}

/* What is to run is run: b by the inner end. */
static void open_another(void *opaque)
{
    (void)opaque;
    journal_add('(');
    defer_call_begin();
    defer_call(journal_cb, "c");
    journal_add('-');
    defer_call_end();
    defer_call(journal_cb, "d");
    journal_add(')');
}

static void one_of_them_may_open_a_section(void)
{
    journal_clear();
    defer_call_begin();
    defer_call(open_another, NULL);
    defer_call(journal_cb, "b");
    defer_call_end();
    ASSERT_STR_EQ(journal, "(-bcd)");
}

static void without_memory_it_is_now(void)
{
    journal_clear();
    defer_call_begin();
    for (int i = 0; i < 8; i++) {
        defer_call(journal_cb, (void *)(uintptr_t)&"abcdefgh"[i]);
    }
    fail_nth(FAIL_MEMORY, 1, true);
    defer_call(journal_cb, "i");
    ASSERT_STR_EQ(journal, "i");
    fail_nth(FAIL_MEMORY, 0, false);
    defer_call(journal_cb, "j");
    defer_call_end();
    ASSERT_STR_EQ(journal, "iabcdefghj");
}

static void *in_another_thread(void *opaque)
{
    defer_call(journal_cb, opaque);
    return NULL;
}

static void a_section_is_its_thread_s(void)
{
    QemuThread thread;

    journal_clear();
    defer_call_begin();
    qemu_thread_create(&thread, "other", in_another_thread, "o",
                       QEMU_THREAD_JOINABLE);
    qemu_thread_join(&thread);
    ASSERT_STR_EQ(journal, "o");
    defer_call_end();
    ASSERT_STR_EQ(journal, "o");
}

static void an_end_too_many(void)
{
    defer_call_begin();
    defer_call_end();
    defer_call_end();
}

TEST_PROGRAM(
    TEST(outside_of_a_section_it_is_now),
    TEST(the_outermost_end_runs_each_once_in_order),
    TEST(there_may_be_many),
    TEST(one_of_them_may_open_a_section),
    TEST(without_memory_it_is_now),
    TEST(a_section_is_its_thread_s),
    TEST_PANICS(an_end_too_many, "defer_call_end: this thread has no section open"),
)
