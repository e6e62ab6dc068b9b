/* SPDX-License-Identifier: MIT */
#ifndef TEST_DESTROY_H
#define TEST_DESTROY_H
/*
 * What threads wait on is destroyed as soon as POSIX allows it, while those who were
 * woken, or who woke somebody, have not returned yet. Its memory is unmapped at once, or
 * written to and looked at later: nobody may have touched it.
 */
#include "threads.h"
#if !defined(__wasm__)
#include <sys/mman.h>
#endif

enum { WAITERS = 3, ROUNDS = 2000, OBJECT = 128 };
/* In each so many-th round those who wait for a condition time out again and again. */
enum { TIMED = 25 };

/* ---- Memory that goes ---- */

static void *object;
static char *left_behind;              /* it stays mapped in this round */

static inline bool is_unmapped(int round)
{
#if defined(__wasm__)
    (void)round;
    return false;
#else
    return round % 2;
#endif
}

static inline void object_make(int round)
{
#if !defined(__wasm__)
    if (is_unmapped(round)) {
        object = mmap(NULL, OBJECT, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ASSERT_TRUE(object != MAP_FAILED);
        return;
    }
#endif
    (void)round;
    object = malloc(OBJECT);
    ASSERT_TRUE(object);
}

/* By who has destroyed what was in it. */
static inline void object_drop(int round)
{
    void *memory = object;

    if (is_unmapped(round)) {
#if !defined(__wasm__)
        munmap(memory, OBJECT);
#endif
        return;
    }
    memset(memory, 0xff, OBJECT);
    left_behind = memory;
}

static inline void object_check(int round)
{
    if (!is_unmapped(round)) {
        for (int i = 0; i < OBJECT; i++) {
            ASSERT_INT_EQ((unsigned char)left_behind[i], 0xff);
        }
        free(left_behind);
    }
}

/* ---- Rounds ---- */

/* What one thread, index 0, and the others do in a round. */
typedef struct Kind {
    void (*make)(void);
    void (*first)(int round);
    void (*other)(int round);
    int others;
} Kind;

static uint32_t started, finished;
static int waiting;                    /* under the round's lock */
static bool ready;

static inline void member(int index, void *opaque)
{
    const Kind *kind = opaque;

    for (int round = 0; round < ROUNDS; round++) {
        if (index == 0) {
            object_make(round);
            waiting = 0;
            ready = false;
            kind->make();
            qatomic_mb_set(&started, (uint32_t)round + 1);
            kind->first(round);
            TEST_WAIT_UNTIL(qatomic_mb_read(&finished) ==
                            (uint32_t)((round + 1) * kind->others));
            object_check(round);
        } else {
            TEST_WAIT_UNTIL(qatomic_mb_read(&started) == (uint32_t)round + 1);
            kind->other(round);
            qatomic_inc(&finished);
        }
    }
}

static inline void run(const Kind *kind)
{
    test_in_threads(kind->others + 1, member, (void *)kind);
}

#endif
