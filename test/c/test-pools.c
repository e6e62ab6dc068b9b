/* SPDX-License-Identifier: MIT */
/* The use of what lies in a pool is reported by AddressSanitizer. */
#include "coroutine/coroutine.h"
#include "loop.h"
#include "loop/bh-pool.h"
#include "port/sanitize.h"

#if defined(WITH_ASAN)
#define ASSERT_POISONED(object, member) \
    ASSERT_TRUE(__asan_address_is_poisoned(&(object)->member))
#define ASSERT_USABLE(object) \
    ASSERT_PTR_EQ(__asan_region_is_poisoned(object, sizeof(*(object))), NULL)
#else
#define ASSERT_POISONED(object, member) ((void)(object))
#define ASSERT_USABLE(object) ((void)(object))
#endif

/* More than a thread keeps for itself. */
enum { MANY = 64 * BH_BATCH };

static void ignore(void *opaque)
{
    (void)opaque;
}

static void bottom_halves(void)
{
    static QEMUBH *bhs[MANY];

    loop_setup();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++) {
            bhs[i] = aio_bh_new(ctx, ignore, NULL);
            ASSERT_USABLE(bhs[i]);
        }
        for (int i = 0; i < MANY; i++) {
            qemu_bh_delete(bhs[i]);
        }
        while (aio_poll(ctx, false)) {
            continue;
        }
        for (int i = 0; i < MANY; i++) {
            ASSERT_POISONED(bhs[i], flags);
            ASSERT_POISONED(bhs[i], ctx);
            ASSERT_POISONED(bhs[i], cb);
        }
    }
    loop_teardown();
}

static void bottom_halves_freed_elsewhere(int index, void *opaque)
{
    (void)opaque;
    if (index == 0) {
        bottom_halves();
    } else {
        for (int i = 0; i < 20000; i++) {
            QEMUBH *bh = bh_alloc();
            ASSERT_USABLE(bh);
            bh_free(bh);
        }
    }
}

static void bottom_halves_of_two_threads(void)
{
    test_in_threads(2, bottom_halves_freed_elsewhere, NULL);
}

static void coroutine_fn entry(void *opaque)
{
    (void)opaque;
}

static void coroutines(void)
{
    enum { MANY_CO = 200 };
    Coroutine *cos[MANY_CO];

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY_CO; i++) {
            cos[i] = qemu_coroutine_create(entry, NULL);
            ASSERT_USABLE(cos[i]);
        }
        for (int i = 0; i < MANY_CO / 2; i++) {
            qemu_coroutine_enter(cos[i]);
        }
        /* The first of them; the pool may have freed others. */
        ASSERT_POISONED(cos[0], entry);
        ASSERT_POISONED(cos[0], caller);
        ASSERT_POISONED(cos[0], co_queue_wakeup);
        for (int i = MANY_CO / 2; i < MANY_CO; i++) {
            qemu_coroutine_enter(cos[i]);
        }
    }
}

static void *make_one(void *opaque)
{
    *(Coroutine **)opaque = qemu_coroutine_create(entry, NULL);
    return NULL;
}

/* A thread that makes a coroutine, and in which none ends, takes over what others have left. It
 * frees that when it ends: otherwise LeakSanitizer finds it. */
static void coroutines_are_only_made(void)
{
    enum { MANY_CO = 100 };
    /* Freed before the end, so that nothing but the pools refers to them. */
    Coroutine **cos = calloc(MANY_CO, sizeof(*cos));
    QemuThread thread;

    for (int i = 0; i < MANY_CO; i++) {
        cos[i] = qemu_coroutine_create(entry, NULL);
    }
    for (int i = 0; i < MANY_CO; i++) {
        qemu_coroutine_enter(cos[i]);
    }
    qemu_thread_create(&thread, "maker", make_one, &cos[0], QEMU_THREAD_JOINABLE);
    qemu_thread_join(&thread);
    qemu_coroutine_enter(cos[0]);
    free(cos);
}

TEST_PROGRAM(
    TEST(bottom_halves),
    TEST(bottom_halves_of_two_threads),
    TEST(coroutines),
    TEST(coroutines_are_only_made),
)
