/* SPDX-License-Identifier: MIT */
/* Coroutines of five contexts, which move, wake each other and end anywhere. */
#include "contexts.h"
#include "qemu/coroutine_int.h"

static _Thread_local int here = -1;     /* the context's number */
static _Thread_local unsigned visits;

/* In functions of their own: natively a compiler may keep the address of a
 * thread's variable over a yield. */
static __attribute__((noinline)) int where(void)
{
    __asm__ volatile("");
    return here;
}

static __attribute__((noinline)) void count_visit(void)
{
    __asm__ volatile("");
    visits++;
}

static uint32_t visits_sum;

static void enter_thread(void *opaque)
{
    here = (int)(intptr_t)opaque;
    visits = 0;
    run_done();
}

static void leave_thread(void *opaque)
{
    (void)opaque;
    qatomic_add(&visits_sum, visits);
    run_done();
}

static void in_each(QEMUBHFunc *cb)
{
    for (int i = 0; i < context_count; i++) {
        qatomic_inc(&running);
        aio_bh_schedule_oneshot(contexts[i], cb, (void *)(intptr_t)i);
    }
    run_wait();
}

static void setup(void)
{
    contexts_start(5);
    in_each(enter_thread);
}

/* ---- Moving, and being woken by others ---- */

static Coroutine *slots[MAX_CONTEXTS];  /* who waits in that context */
static uint32_t moves, wakes, arrivals;
static uint64_t checksum;
static uint32_t stopping;

/* Takes one that has published itself, and has it go on where it is: it may not
 * even have yielded yet. */
static void wake_one(int slot)
{
    Coroutine *co = qatomic_xchg(&slots[slot], NULL);

    if (co) {
        ASSERT_PTR_EQ(qemu_coroutine_get_aio_context(co), contexts[slot]);
        qatomic_inc(&wakes);
        aio_co_wake(co);
    }
}

/* Waits in the slot of the context it is in; who waited there goes on. */
static void coroutine_fn wait_in_slot(void)
{
    int slot = where();
    Coroutine *before = qatomic_xchg(&slots[slot], qemu_coroutine_self());

    if (before) {
        qatomic_inc(&wakes);
        aio_co_schedule(contexts[slot], before);
    }
    qemu_coroutine_yield();
    ASSERT_INT_EQ(where(), slot);
}

static void coroutine_fn wander(void *opaque)
{
    int rounds = test_rounds(400);
    Worker *worker = opaque;
    volatile uint64_t local = (uint64_t)worker->number * 1000003;
    uint64_t sent = 0;

    for (int i = 0; i < rounds; i++) {
        int from = where(), to = chance(worker, context_count);

        ASSERT_PTR_EQ(qemu_get_current_aio_context(), contexts[from]);
        count_visit();
        qatomic_inc(&arrivals);
        switch (chance(worker, 4)) {
        case 0:
            wake_one(to);
            wait_in_slot();
            break;
        case 1:
            wake_one(to);
            take_turns();
            ASSERT_INT_EQ(where(), from);
            break;
        default:
            aio_co_reschedule_self(contexts[to]);
            ASSERT_INT_EQ(where(), to);
            qatomic_add(&moves, from != to);
            break;
        }
        local += (uint64_t)to;
        sent += (uint64_t)to;
    }
    ASSERT_INT_EQ(local, (uint64_t)worker->number * 1000003 + sent);
    qatomic_fetch_add(&checksum, sent);
    run_done();
}

/* A thread that is no context's home wakes whoever waits. */
static void wake_from_outside(int index, void *opaque)
{
    (void)opaque;
    for (unsigned turn = (unsigned)index; !qatomic_mb_read(&stopping); turn++) {
        wake_one((int)(turn % MAX_CONTEXTS));
        test_nap(turn % 8 ? 0 : UINT_MAX);
    }
}

static uint64_t checksum_of(int count, uint64_t seed)
{
    uint64_t expected = 0;
    int rounds = test_rounds(400);

    for (int i = 0; i < count; i++) {
        Worker worker = { i, test_random(&seed) };

        for (int j = 0; j < rounds; j++) {
            expected += (uint64_t)chance(&worker, MAX_CONTEXTS);
            chance(&worker, 4);
        }
    }
    return expected;
}

static void coroutines_wander_between_five_threads(void)
{
    enum { COUNT = 20 };
    uint64_t seed = test_seed();
    TestGang gang;

    setup();
    test_gang_start(&gang, 2, wake_from_outside, NULL);
    run_workers(COUNT, wander, seed);
    qatomic_mb_set(&stopping, 1);
    test_gang_join(&gang);
    in_each(leave_thread);
    ASSERT_INT_EQ(checksum, checksum_of(COUNT, seed));
    ASSERT_INT_EQ(arrivals, COUNT * test_rounds(400));
    ASSERT_INT_EQ(visits_sum, arrivals);
    /* Half of the rounds move, a fifth of these to where they are. */
    ASSERT_INT_GT(moves, arrivals / 4);
    ASSERT_INT_GT(wakes, 0);
    for (int i = 0; i < MAX_CONTEXTS; i++) {
        ASSERT_PTR_EQ(slots[i], NULL);
    }
    contexts_stop();
}

/* ---- Ending elsewhere ---- */

enum { STACKS_MAX = 1024 };

static Coroutine *stacks[STACKS_MAX];   /* all that were ever handed out */
static int stack_count;
static uint32_t ended;

static void note_stack(Coroutine *co)
{
    for (int i = 0; i < stack_count; i++) {
        if (stacks[i] == co) {
            return;
        }
    }
    ASSERT_INT_LT(stack_count, STACKS_MAX);
    stacks[stack_count++] = co;
}

static void coroutine_fn end_elsewhere(void *opaque)
{
    if (opaque) {
        aio_co_reschedule_self(opaque);
        ASSERT_PTR_EQ(qemu_get_current_aio_context(), opaque);
    }
    qatomic_inc(&ended);
}

/* Made in this thread alone, ended in five others: what ends comes back. */
static void the_pool_does_not_grow(void)
{
    enum { BATCH = 40 };
    const uint32_t pairs = (uint32_t)test_rounds(20000);

    setup();
    for (uint32_t made = 0; made < pairs; made += BATCH) {
        for (int i = 0; i < BATCH; i++) {
            int first = i % context_count;
            AioContext *last = i % 2 ? contexts[(i / 2) % context_count] : NULL;
            Coroutine *co = qemu_coroutine_create(end_elsewhere, last);

            note_stack(co);
            aio_co_schedule(contexts[first], co);
        }
        TEST_WAIT_UNTIL(qatomic_mb_read(&ended) == made + BATCH);
    }
    /* 64 of each thread, 64 for all, and a batch; freed ones may lie anywhere. */
    ASSERT_INT_LE(stack_count, (MAX_CONTEXTS + 2) * 64 + BATCH + 64);
    contexts_stop();
}

/* ---- Contracts ---- */

static void coroutine_fn just_yield(void *opaque)
{
    (void)opaque;
    qemu_coroutine_yield();
}

static void entering_what_another_thread_runs_next(void)
{
    Coroutine *co = qemu_coroutine_create(just_yield, NULL);
    AioContext *ctx = aio_context_new(&error_abort);

    qemu_set_current_aio_context(ctx);
    qemu_coroutine_enter(co);
    aio_co_schedule(ctx, co);
    qemu_coroutine_enter(co);
}

static void waking_what_is_scheduled(void)
{
    Coroutine *co = qemu_coroutine_create(just_yield, NULL);
    AioContext *ctx = aio_context_new(&error_abort);

    qemu_set_current_aio_context(ctx);
    qemu_coroutine_enter(co);
    aio_co_schedule(ctx, co);
    aio_co_wake(co);
}

static void coroutine_fn enter_who_entered(void *opaque)
{
    qemu_coroutine_enter(opaque);
}

static void coroutine_fn enter_another(void *opaque)
{
    Coroutine *self = qemu_coroutine_self();

    (void)opaque;
    qemu_coroutine_enter(qemu_coroutine_create(enter_who_entered, self));
}

static void entering_who_entered_us(void)
{
    qemu_coroutine_enter(qemu_coroutine_create(enter_another, NULL));
}

static void coroutine_fn move_from_nowhere(void *opaque)
{
    aio_co_reschedule_self(opaque);
}

static void moving_out_of_no_context(void)
{
    AioContext *ctx = aio_context_new(&error_abort);

    qemu_coroutine_enter(qemu_coroutine_create(move_from_nowhere, ctx));
}

static void coroutine_fn schedule_itself_and_end(void *opaque)
{
    aio_co_schedule(opaque, qemu_coroutine_self());
}

static void ending_though_scheduled(void)
{
    AioContext *ctx = aio_context_new(&error_abort);

    qemu_set_current_aio_context(ctx);
    qemu_coroutine_enter(qemu_coroutine_create(schedule_itself_and_end, ctx));
}

static void coroutine_fn just_end(void *opaque)
{
    (void)opaque;
}

static void entering_what_has_ended(void)
{
    Coroutine *co = qemu_coroutine_create(just_end, NULL);

    qemu_coroutine_enter(co);
    qemu_coroutine_enter(co);
}

static void scheduling_what_has_ended(void)
{
    Coroutine *co = qemu_coroutine_create(just_end, NULL);
    AioContext *ctx = aio_context_new(&error_abort);

    qemu_coroutine_enter(co);
    aio_co_schedule(ctx, co);
}

#define HERE "last entered at test/c/test-co-threads.c:"

TEST_PROGRAM(
    TEST(coroutines_wander_between_five_threads),
    TEST(the_pool_does_not_grow),
    TEST_PANICS(entering_what_another_thread_runs_next,
                "'just_yield', " HERE),
    TEST_PANICS(waking_what_is_scheduled,
                "aio_co_wake: Co-routine was already scheduled by "
                "aio_co_schedule: coroutine"),
    TEST_PANICS(entering_who_entered_us, "'enter_another', " HERE),
    TEST_PANICS(ending_though_scheduled,
                "'schedule_itself_and_end' ended while aio_co_schedule was"),
    TEST_PANICS(entering_what_has_ended, "Co-routine has ended: coroutine"),
    TEST_PANICS(scheduling_what_has_ended,
                "aio_co_schedule: Co-routine has ended: coroutine"),
    TEST_PANICS(moving_out_of_no_context,
                "aio_co_reschedule_self: this thread is not the home of a context"),
)
