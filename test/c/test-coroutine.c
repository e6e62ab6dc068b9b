/* SPDX-License-Identifier: MIT */
/* Making, entering, yielding and ending. */
#include "loop.h"
#include "port/sanitize.h"
#include "qemu/coroutine_int.h"

/* ---- Life ---- */

static void coroutine_fn note_and_end(void *opaque)
{
    journal_cb(opaque);
}

static void it_is_not_started_when_it_is_made(void)
{
    Coroutine *co = qemu_coroutine_create(note_and_end, "a");

    ASSERT_STR_EQ(journal, "");
    ASSERT_FALSE(qemu_coroutine_entered(co));
    ASSERT_PTR_EQ(qemu_coroutine_get_aio_context(co), NULL);
    qemu_coroutine_enter(co);
    ASSERT_STR_EQ(journal, "a");
}

static void coroutine_fn note_thrice(void *opaque)
{
    for (int i = 0; i < 3; i++) {
        journal_cb(opaque);
        qemu_coroutine_yield();
    }
}

static void entering_goes_on_where_it_has_yielded(void)
{
    Coroutine *co = qemu_coroutine_create(note_thrice, "a");

    for (int i = 0; i < 4; i++) {
        qemu_coroutine_enter(co);
        journal_add('-');
    }
    ASSERT_STR_EQ(journal, "a-a-a--");
}

static Coroutine *seen;

static void coroutine_fn look_at_itself(void *opaque)
{
    Coroutine *self = *(Coroutine **)opaque;

    for (int i = 0; i < 2; i++) {
        ASSERT_TRUE(qemu_in_coroutine());
        ASSERT_PTR_EQ(qemu_coroutine_self(), self);
        ASSERT_TRUE(qemu_coroutine_entered(self));
        qemu_coroutine_yield();
    }
    seen = qemu_coroutine_self();
}

static void self_is_the_one_that_runs(void)
{
    Coroutine *leader = qemu_coroutine_self(), *co;

    ASSERT_FALSE(qemu_in_coroutine());
    ASSERT_TRUE(leader != NULL);
    co = qemu_coroutine_create(look_at_itself, &co);
    for (int i = 0; i < 3; i++) {
        ASSERT_FALSE(qemu_coroutine_entered(co));
        qemu_coroutine_enter(co);
        ASSERT_PTR_EQ(qemu_coroutine_self(), leader);
        ASSERT_FALSE(qemu_in_coroutine());
    }
    ASSERT_PTR_EQ(seen, co);
}

static void it_runs_in_the_current_context(void)
{
    Coroutine *co = qemu_coroutine_create(note_thrice, "a");

    loop_setup();
    qemu_coroutine_enter(co);
    ASSERT_PTR_EQ(qemu_coroutine_get_aio_context(co), ctx);
    qemu_aio_coroutine_enter(NULL, co);
    ASSERT_PTR_EQ(qemu_coroutine_get_aio_context(co), NULL);
    qemu_coroutine_enter(co);
    qemu_coroutine_enter(co);
    loop_teardown();
}

static void coroutine_fn enter_if_inactive(void *opaque)
{
    Coroutine **co = opaque;

    /* Has been entered: nothing happens. */
    qemu_coroutine_enter_if_inactive(*co);
    journal_add('a');
    qemu_coroutine_yield();
    journal_add('b');
}

static void entering_if_inactive_leaves_alone_one_that_runs(void)
{
    Coroutine *co = qemu_coroutine_create(enter_if_inactive, &co);

    qemu_coroutine_enter_if_inactive(co);
    qemu_coroutine_enter_if_inactive(co);
    ASSERT_STR_EQ(journal, "ab");
}

/* By pointer it is a function, too. */
static void entering_by_function_pointer(void)
{
    Coroutine *(*create)(CoroutineEntry *, void *) = qemu_coroutine_create;
    void (*enter)(Coroutine *) = qemu_coroutine_enter;

    enter(create(note_and_end, "a"));
    ASSERT_STR_EQ(journal, "a");
}

/* ---- Frames ---- */

static int coroutine_fn sum_below(int depth)
{
    volatile int kept[8];
    int sum = 0;

    for (int i = 0; i < 8; i++) {
        kept[i] = depth * 8 + i;
    }
    qemu_coroutine_yield();
    if (depth > 0) {
        sum = sum_below(depth - 1);
        qemu_coroutine_yield();
    }
    for (int i = 0; i < 8; i++) {
        ASSERT_INT_EQ(kept[i], depth * 8 + i);
    }
    return sum + 1;
}

static void coroutine_fn sum_up(void *opaque)
{
    *(int *)opaque = sum_below(50);
}

static void locals_of_all_frames_are_kept(void)
{
    int sums[2] = { 0, 0 }, turns = 0;
    Coroutine *co[2];

    for (int i = 0; i < 2; i++) {
        co[i] = qemu_coroutine_create(sum_up, &sums[i]);
    }
    /* In turns, so that each finds its own. */
    for (; !sums[1]; turns++) {
        qemu_coroutine_enter(co[0]);
        qemu_coroutine_enter(co[1]);
    }
    ASSERT_INT_EQ(sums[0], 51);
    ASSERT_INT_EQ(sums[1], 51);
    ASSERT_INT_EQ(turns, 102);
}

static void coroutine_fn only_caller_of_yield(void *opaque)
{
    do {
        ++*(int *)opaque;
        qemu_coroutine_yield();
    } while (*(int *)opaque < 1000);
}

/* The compiler sees the one entry, and its one yield: both may not become a part
 * of the switching. */
static void an_entry_that_the_compiler_could_inline(void)
{
    int count = 0;
    Coroutine *co = qemu_coroutine_create(only_caller_of_yield, &count);

    for (int i = 1; i <= 1000; i++) {
        qemu_coroutine_enter(co);
        ASSERT_INT_EQ(count, i);
    }
    qemu_coroutine_enter(co);
}

typedef void Visitor(int *value);
static bool sorted;

static void coroutine_fn yield_and_double(int *value)
{
    qemu_coroutine_yield();
    *value *= 2;
}

static int coroutine_fn compare_with_a_yield(const void *a, const void *b)
{
    qemu_coroutine_yield();
    return *(const int *)a - *(const int *)b;
}

static void coroutine_fn call_back_and_sort(void *opaque)
{
    Visitor *volatile visit = yield_and_double;
    int *values = opaque;

    for (int i = 0; i < 20; i++) {
        visit(&values[i]);
    }
    qsort(values, 20, sizeof(*values), compare_with_a_yield);
    sorted = true;
}

static void yielding_in_a_call_back_of_the_program_or_of_libc(void)
{
    int values[20];
    Coroutine *co = qemu_coroutine_create(call_back_and_sort, values);

    for (int i = 0; i < 20; i++) {
        values[i] = i * 7 % 20;
    }
    while (!sorted) {
        qemu_coroutine_enter(co);
    }
    for (int i = 0; i < 20; i++) {
        ASSERT_INT_EQ(values[i], 2 * i);
    }
}

/* ---- Nesting ---- */

enum { NESTED = 128 };

typedef struct Nest {
    int entered, returned;
} Nest;

static void coroutine_fn nest(void *opaque)
{
    Nest *n = opaque;
    Coroutine *inner;

    n->entered++;
    if (n->entered < NESTED) {
        inner = qemu_coroutine_create(nest, n);
        qemu_coroutine_enter(inner);
    }
    n->returned++;
}

static void a_coroutine_enters_another_128_deep(void)
{
    Nest n = { 0, 0 };

    qemu_coroutine_enter(qemu_coroutine_create(nest, &n));
    ASSERT_INT_EQ(n.entered, NESTED);
    ASSERT_INT_EQ(n.returned, NESTED);
}

static void coroutine_fn yield_to_the_one_that_entered(void *opaque)
{
    journal_cb(opaque);
    qemu_coroutine_yield();
    journal_cb(opaque);
}

static void coroutine_fn enter_twice(void *opaque)
{
    Coroutine *inner = qemu_coroutine_create(yield_to_the_one_that_entered,
                                             opaque);

    qemu_coroutine_enter(inner);
    journal_add('1');
    qemu_coroutine_yield();
    qemu_coroutine_enter(inner);
    journal_add('2');
}

static void a_yield_goes_to_who_entered_last(void)
{
    Coroutine *co = qemu_coroutine_create(enter_twice, "i");

    qemu_coroutine_enter(co);
    journal_add('-');
    qemu_coroutine_enter(co);
    ASSERT_STR_EQ(journal, "i1-i2");
}

/* ---- Waking ---- */

static Coroutine *players[2];
static int strokes;

/* Where the coroutine's stack is while it plays: two that nested would need ever
 * more of the stack of the thread, on which the entering function's frames are. */
static void coroutine_fn play(void *opaque)
{
    int me = *(int *)opaque;

    qemu_coroutine_yield();
    while (strokes < 25000) {
        strokes++;
        aio_co_wake(players[!me]);
        qemu_coroutine_yield();
    }
}

static void mutual_wake_ups_do_not_nest(void)
{
    static int numbers[2] = { 0, 1 };

    loop_setup();
    for (int i = 0; i < 2; i++) {
        players[i] = qemu_coroutine_create(play, &numbers[i]);
        qemu_coroutine_enter(players[i]);
    }
    aio_co_wake(players[0]);
    ASSERT_INT_EQ(strokes, 25000);
    loop_teardown();
}

static Coroutine *sleepers[4];

static void coroutine_fn sleep_once(void *opaque)
{
    qemu_coroutine_yield();
    journal_cb(opaque);
    if (*(char *)opaque == 'b') {
        aio_co_wake(sleepers[2]);
        aio_co_wake(sleepers[3]);
        journal_add('+');
    }
}

static void coroutine_fn wake_two(void *opaque)
{
    (void)opaque;
    aio_co_wake(sleepers[1]);
    aio_co_wake(sleepers[0]);
    journal_add('w');
}

/* b wakes c and d, which come before a, though a was woken before them. */
static void the_woken_run_after_the_waker_depth_first(void)
{
    static char letters[] = "abcd";

    loop_setup();
    for (int i = 0; i < 4; i++) {
        sleepers[i] = qemu_coroutine_create(sleep_once, &letters[i]);
        qemu_coroutine_enter(sleepers[i]);
    }
    qemu_coroutine_enter(qemu_coroutine_create(wake_two, NULL));
    ASSERT_STR_EQ(journal, "wb+cda");
    loop_teardown();
}

/* ---- The pool ---- */

static void an_ended_one_is_used_again(void)
{
    Coroutine *co = qemu_coroutine_create(note_and_end, "a");

    qemu_coroutine_enter(co);
    ASSERT_PTR_EQ(qemu_coroutine_create(note_and_end, "b"), co);
    qemu_coroutine_enter(co);
    ASSERT_STR_EQ(journal, "ab");
}

static void one_of_another_size_is_not(void)
{
    Coroutine *co = qemu_coroutine_create(note_and_end, "a"), *large;

    qemu_coroutine_enter(co);
    qemu_coroutine_set_stack_size(2 * 1024 * 1024, 256 * 1024);
    large = qemu_coroutine_create(note_and_end, "b");
    qemu_coroutine_enter(large);
    qemu_coroutine_set_stack_size(0, 0);
    co = qemu_coroutine_create(note_and_end, "c");
    qemu_coroutine_enter(co);
    ASSERT_STR_EQ(journal, "abc");
}

static void coroutine_fn end_the_other(void *opaque)
{
    qemu_coroutine_enter(opaque);
}

/* Others are made and end meanwhile; what it is comes back before it is used. */
static void an_ended_one_is_not_touched(void)
{
    Coroutine *other = qemu_coroutine_create(note_and_end, "o");
    Coroutine *co = qemu_coroutine_create(end_the_other, other);
    Coroutine *third = qemu_coroutine_create(note_and_end, "t"), kept;
    unsigned char *bytes = (unsigned char *)co;

    qemu_coroutine_enter(co);
    sanitize_unpoison(co, sizeof(*co));
    kept = *co;
    memset(co, 0xff, sizeof(*co));
    qemu_coroutine_enter(third);
    for (size_t i = 0; i < sizeof(*co); i++) {
        ASSERT_INT_EQ(bytes[i], 0xff);
    }
    *co = kept;
    qemu_coroutine_enter(qemu_coroutine_create(note_and_end, "a"));
    qemu_coroutine_enter(qemu_coroutine_create(note_and_end, "b"));
    qemu_coroutine_enter(qemu_coroutine_create(note_and_end, "c"));
    ASSERT_STR_EQ(journal, "otabc");
}

/* ---- Contracts ---- */

static void coroutine_fn enter_itself(void *opaque)
{
    (void)opaque;
    qemu_coroutine_enter(qemu_coroutine_self());
}

static void entering_one_that_runs(void)
{
    qemu_coroutine_enter(qemu_coroutine_create(enter_itself, NULL));
}

static void yielding_in_plain_code(void)
{
    qemu_coroutine_yield();
}

static void coroutine_fn keep_a_mutex(void *opaque)
{
    qemu_co_mutex_lock(opaque);
}

static void ending_with_a_lock(void)
{
    CoMutex mutex;

    qemu_co_mutex_init(&mutex);
    qemu_coroutine_enter(qemu_coroutine_create(keep_a_mutex, &mutex));
}

static void coroutine_fn wake_itself(void *opaque)
{
    (void)opaque;
    aio_co_wake(qemu_coroutine_self());
}

static void waking_oneself(void)
{
    qemu_coroutine_enter(qemu_coroutine_create(wake_itself, NULL));
}

TEST_PROGRAM(
    TEST(it_is_not_started_when_it_is_made),
    TEST(entering_goes_on_where_it_has_yielded),
    TEST(self_is_the_one_that_runs),
    TEST(it_runs_in_the_current_context),
    TEST(entering_if_inactive_leaves_alone_one_that_runs),
    TEST(entering_by_function_pointer),
    TEST(locals_of_all_frames_are_kept),
    TEST(an_entry_that_the_compiler_could_inline),
    TEST(yielding_in_a_call_back_of_the_program_or_of_libc),
    TEST(a_coroutine_enters_another_128_deep),
    TEST(a_yield_goes_to_who_entered_last),
    TEST(mutual_wake_ups_do_not_nest),
    TEST(the_woken_run_after_the_waker_depth_first),
    TEST(an_ended_one_is_used_again),
    TEST(one_of_another_size_is_not),
    TEST(an_ended_one_is_not_touched),
    TEST_PANICS(entering_one_that_runs,
                "re-entered recursively: coroutine"),
    TEST_PANICS(yielding_in_plain_code, "Co-routine is yielding to no one"),
    TEST_PANICS(ending_with_a_lock, "'keep_a_mutex' ended while it held 1 locks"),
    TEST_PANICS(waking_oneself, "'wake_itself' wakes itself"),
)
