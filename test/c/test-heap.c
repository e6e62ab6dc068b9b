/* SPDX-License-Identifier: MIT */
/* The heap, as threads use it that make the memory grow at the same time. */
#include "test.h"
#include "threads.h"

enum { BLOCKS = 200, SIZE = 40000 };

static bool all_is(const unsigned char *p, size_t size, unsigned char value)
{
    for (size_t i = 0; i < size; i++) {
        if (p[i] != value) {
            return false;
        }
    }
    return true;
}

/* Each block comes from memory that any of the threads may just have got. */
static void allocate(int index, void *opaque)
{
    unsigned char *blocks[BLOCKS];
    unsigned char mark = (unsigned char)(1 + index);

    (void)opaque;
    for (int i = 0; i < BLOCKS; i++) {
        size_t size = SIZE + (size_t)i % 7 * 1000;

        if (i % 3 == 0) {
            blocks[i] = calloc(1, size);
            ASSERT_TRUE(blocks[i] && all_is(blocks[i], size, 0));
        } else if (i % 3 == 1) {
            blocks[i] = aligned_alloc(4096, 10 * 4096);
            ASSERT_TRUE(blocks[i] && (uintptr_t)blocks[i] % 4096 == 0);
            size = 10 * 4096;
        } else {
            blocks[i] = malloc(100);
            memset(blocks[i], 7, 100);
            blocks[i] = realloc(blocks[i], size);
            ASSERT_TRUE(blocks[i] && all_is(blocks[i], 100, 7));
        }
        memset(blocks[i], mark, size);
    }
    for (int i = 0; i < BLOCKS; i++) {
        ASSERT_TRUE(all_is(blocks[i], SIZE, mark));
        free(blocks[i]);
    }
}

static void memory_that_another_thread_got_can_be_used_at_once(void)
{
    TestGang gang;

    test_gang_start(&gang, 4, allocate, NULL);
    test_gang_join(&gang);
}

static void what_cannot_be_had_is_null(void)
{
    volatile size_t most = SIZE_MAX - 4096, half = SIZE_MAX / 2;
    /* Volatile, or the compiler leaves the calls out. */
    void *volatile p = calloc(half, 3);
    void *other = NULL;

    ASSERT_PTR_EQ(p, NULL);
    p = realloc(NULL, most);
    ASSERT_PTR_EQ(p, NULL);
    ASSERT_INT_EQ(posix_memalign(&other, 3, 10), EINVAL);
}

TEST_PROGRAM(
    TEST(memory_that_another_thread_got_can_be_used_at_once),
    TEST(what_cannot_be_had_is_null))
