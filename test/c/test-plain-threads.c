/* SPDX-License-Identifier: MIT */
/* Threads that the library did not make: pthreads of the program's own. */
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>

#include "block/aio.h"
#include "port/port.h"
#include "qapi/error.h"
#include "qemu/coroutine.h"
#include "sync/thread.h"
#include "test.h"

static void in_a_thread(void *(*run)(void *), void *arg)
{
    pthread_t thread;

    ASSERT_INT_EQ(pthread_create(&thread, NULL, run, arg), 0);
    ASSERT_INT_EQ(pthread_join(thread, NULL), 0);
}

/* ---- What a thread keeps for itself is given back when it ends ---- */

enum { COROUTINES = 64 };

static void coroutine_fn yield_once(void *opaque)
{
    (void)opaque;
    qemu_coroutine_yield();
}

static void *run_coroutines(void *opaque)
{
    Coroutine *co[COROUTINES];

    for (int i = 0; i < COROUTINES; i++) {
        co[i] = qemu_coroutine_create(yield_once, NULL);
        qemu_coroutine_enter(co[i]);
    }
    for (int i = 0; i < COROUTINES; i++) {
        qemu_coroutine_enter(co[i]);
    }
    return opaque;
}

/* Address space, for coroutines' stacks are mapped natively. */
static size_t used(void)
{
#if defined(__wasm__)
    return (unsigned)mallinfo().uordblks;
#else
    char line[256];
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file && fgets(line, sizeof(line), file)) {
        pages = strtoul(line, NULL, 10);
    }
    if (file) {
        fclose(file);
    }
    return pages * 4096;
#endif
}

static void coroutines_of_a_thread_that_ended_take_no_memory(void)
{
    size_t before;

    for (int i = 0; i < 10; i++) {
        in_a_thread(run_coroutines, NULL);
    }
    before = used();
    for (int i = 0; i < 20; i++) {
        in_a_thread(run_coroutines, NULL);
    }
    /* Half of what one coroutine of each thread would take. */
    ASSERT_INT_LT(used() - MIN(before, used()), 10 * COROUTINES * 64 * 1024);
}

/* ---- It may end by qemu_thread_exit() ---- */

static char notes[8];

static void take_note(ThreadExitHook *hook)
{
    (void)hook;
    strcat(notes, "h");
}

static void *exit_early(void *opaque)
{
    static ThreadExitHook hook = { .fn = take_note };

    thread_at_exit(&hook);
    if (opaque) {
        qemu_thread_exit(opaque);
    }
    strcat(notes, "-");
    return NULL;
}

static void joining_it_gives_what_it_exited_with(void)
{
    pthread_t thread;
    void *result;

    ASSERT_INT_EQ(pthread_create(&thread, NULL, exit_early, notes), 0);
    ASSERT_INT_EQ(pthread_join(thread, &result), 0);
    ASSERT_PTR_EQ(result, notes);
    ASSERT_STR_EQ(notes, "h");
    in_a_thread(exit_early, NULL);
    ASSERT_STR_EQ(notes, "h-h");
}

static AioContext *ctx;
static uint32_t ran;

static void count(void *opaque)
{
    (void)opaque;
    ran++;
}

static void *schedule_many(void *opaque)
{
    for (int i = 0; i < 1000; i++) {
        aio_bh_schedule_oneshot(ctx, count, NULL);
    }
    return opaque;
}

static void bottom_halves_that_it_scheduled_run_all_the_same(void)
{
    ctx = aio_context_new(&error_abort);
    qemu_set_current_aio_context(ctx);
    for (int i = 0; i < 20; i++) {
        in_a_thread(schedule_many, NULL);
        while (aio_poll(ctx, false)) {
            continue;
        }
    }
    ASSERT_INT_EQ(ran, 20 * 1000);
    aio_context_detach_current();
    aio_context_unref(ctx);
}

/* ---- A key that is made anew is another one ---- */

static pthread_key_t key;
static sem_t is_set, go;
static int destroyed;
static void *found;

static void destroy(void *data)
{
    (void)data;
    destroyed++;
}

static void *set_and_look_again(void *opaque)
{
    pthread_setspecific(key, opaque);
    sem_post(&is_set);
    sem_wait(&go);
    found = pthread_getspecific(key);
    return NULL;
}

static void a_key_that_is_made_anew_is_null_in_every_thread(void)
{
    pthread_t thread;
    pthread_key_t old;

    sem_init(&is_set, 0, 0);
    sem_init(&go, 0, 0);
    ASSERT_INT_EQ(pthread_key_create(&key, NULL), 0);
    old = key;
    ASSERT_INT_EQ(pthread_create(&thread, NULL, set_and_look_again, &ran), 0);
    sem_wait(&is_set);
    ASSERT_INT_EQ(pthread_key_delete(key), 0);
    ASSERT_INT_EQ(pthread_key_create(&key, destroy), 0);
    /* Otherwise this shows nothing. */
    ASSERT_INT_EQ(key, old);
    found = &found;
    sem_post(&go);
    ASSERT_INT_EQ(pthread_join(thread, NULL), 0);
    ASSERT_PTR_EQ(found, NULL);
    ASSERT_INT_EQ(destroyed, 0);
}

TEST_PROGRAM(
    TEST(coroutines_of_a_thread_that_ended_take_no_memory),
    TEST(joining_it_gives_what_it_exited_with),
    TEST(bottom_halves_that_it_scheduled_run_all_the_same),
    TEST(a_key_that_is_made_anew_is_null_in_every_thread),
)
