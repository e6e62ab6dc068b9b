/* SPDX-License-Identifier: MIT */
/* Parts of a context: what other rooms than the loop keep for each context. */
#include "loop.h"
#include "loop/loop.h"
#include "loop/bh.h"

typedef struct TestPart {
    uint64_t number;           /* 0 at first */
    QEMUBH bh;
    unsigned ran;
} TestPart;

/* All C tests are one program: contexts of other tests are counted, too, by any thread. */
static unsigned begun, begun_again, ended, abandoned, idle;

static void begin(AioContext *c, bool again);
static void end(AioContext *c);
static void abandon(AioContext *c);
static void become_idle(AioContext *c);
static void dump(AioContext *c, AioDumpLine *line, void *opaque);

static AioPart test_part = {
    .size = sizeof(TestPart),
    .begin = begin,
    .end = end,
    .abandon = abandon,
    .idle = become_idle,
    .dump = dump,
};
AIO_PART_REGISTER(test_part);

/* One without any function, of a size that would spoil the alignment of the next. */
static AioPart odd_part = { .size = 3 };
AIO_PART_REGISTER(odd_part);
static AioPart last_part = { .size = sizeof(uint64_t) };
AIO_PART_REGISTER(last_part);

static TestPart *part_of(AioContext *c)
{
    return aio_part(c, &test_part);
}

static void count_run(void *opaque)
{
    part_of(opaque)->ran++;
}

static void begin(AioContext *c, bool again)
{
    qatomic_inc(&begun);
    qatomic_add(&begun_again, again);
    if (!again) {
        bh_init(&part_of(c)->bh, c, count_run, c, "test_part");
    }
}

static void end(AioContext *c)
{
    (void)c;
    qatomic_inc(&ended);
}

static void abandon(AioContext *c)
{
    ASSERT_INT_EQ(idle, abandoned);
    aio_context_serving(c);
    qatomic_inc(&abandoned);
    aio_context_served(c);     /* there is somebody else to wait for */
    ASSERT_INT_EQ(idle, abandoned - 1);
}

static void become_idle(AioContext *c)
{
    (void)c;
    qatomic_inc(&idle);
}

static void dump(AioContext *c, AioDumpLine *line, void *opaque)
{
    char text[64];

    snprintf(text, sizeof(text), "  test part: %" PRIu64, part_of(c)->number);
    line(opaque, text);
}

/* ---- Tests ---- */

/* In WebAssembly the owner has a context of its own. */
static void forget_other_contexts(void)
{
    begun = 0;
}

static void each_context_has_its_own(void)
{
    AioContext *a, *b;

    forget_other_contexts();
    a = aio_context_new(&error_abort);
    b = aio_context_new(&error_abort);
    ASSERT_TRUE(part_of(a) != part_of(b));
    ASSERT_INT_EQ(part_of(a)->number, 0);
    part_of(a)->number = 1;
    ASSERT_INT_EQ(part_of(b)->number, 0);
    ASSERT_INT_EQ(begun, 2);
    aio_context_unref(a);
    ASSERT_INT_EQ(ended, 1);
    aio_context_unref(b);
    ASSERT_INT_EQ(ended, 2);
    ASSERT_INT_EQ(begun_again, 0);
}

static void parts_neither_overlap_nor_are_misaligned(void)
{
    AioContext *a = aio_context_new(&error_abort);
    char *odd = aio_part(a, &odd_part), *last = aio_part(a, &last_part);
    char *first = aio_part(a, &test_part), *ends = (char *)a + aio_parts_size();

    ASSERT_INT_EQ((uintptr_t)last % _Alignof(uint64_t), 0);
    ASSERT_TRUE(first >= (char *)(a + 1) && odd >= (char *)(a + 1));
    ASSERT_TRUE(first + sizeof(TestPart) <= ends && last + 8 <= ends);
    ASSERT_TRUE(odd + 3 <= last || last + 8 <= odd);
    aio_context_unref(a);
}

static void end_with_what_is_scheduled(void)
{
    aio_context_detach_current();
    aio_context_unref(ctx);
}

/* One that is scheduled when the context ends is no leak: its part has ended. */
static void a_bottom_half_of_a_part_needs_no_deletion(void)
{
    loop_setup();
    qemu_bh_schedule(&part_of(ctx)->bh);
    aio_poll(ctx, false);
    ASSERT_INT_EQ(part_of(ctx)->ran, 1);
    qemu_bh_schedule(&part_of(ctx)->bh);
    end_with_what_is_scheduled();
    ASSERT_INT_EQ(ended, 1);
}

static void leaked(void *opaque)
{
    (void)opaque;
}

static void another_one_does(void)
{
    static QEMUBH bh;

    loop_setup();
    bh_init(&bh, ctx, leaked, NULL, "leaked");
    qemu_bh_schedule(&bh);
    end_with_what_is_scheduled();
}

static void add_line(void *opaque, const char *line)
{
    strcat(strcat(opaque, line), "\n");
}

static void it_is_shown(void)
{
    static char text[4096];

    loop_setup();
    part_of(ctx)->number = 27;
    aio_context_dump(ctx, add_line, text);
    ASSERT_TRUE(strstr(text, "  test part: 27\n"));
    loop_teardown();
}

static void count_idle(void *opaque)
{
    ASSERT_INT_EQ(idle, 1);
    ++*(unsigned *)opaque;
}

static void it_hears_that_the_context_is_abandoned_and_used_again(void)
{
    AioContext *a, *b;
    unsigned told = 0;

    forget_other_contexts();
    a = aio_context_new(&error_abort);
    qemu_bh_schedule(&part_of(a)->bh);
    aio_context_abandon(a, count_idle, &told);
    ASSERT_INT_EQ(abandoned, 1);
    ASSERT_INT_EQ(idle, 1);
    ASSERT_INT_EQ(told, 1);
    ASSERT_INT_EQ(ended, 0);
    aio_context_unref(a);
    b = aio_context_new(&error_abort);
    ASSERT_TRUE(b == a);
    ASSERT_INT_EQ(begun, 2);
    ASSERT_INT_EQ(begun_again, 1);
    qemu_bh_schedule(&part_of(b)->bh);
    qemu_set_current_aio_context(b);
    aio_poll(b, false);
    ASSERT_INT_EQ(part_of(b)->ran, 1);
    aio_context_detach_current();
    aio_context_unref(b);
    ASSERT_INT_EQ(ended, 1);
}

TEST_PROGRAM(
    TEST(each_context_has_its_own),
    TEST(parts_neither_overlap_nor_are_misaligned),
    TEST(a_bottom_half_of_a_part_needs_no_deletion),
    TEST_PANICS(another_one_does, "BH 'leaked' leaked"),
    TEST(it_is_shown),
    TEST(it_hears_that_the_context_is_abandoned_and_used_again),
)
