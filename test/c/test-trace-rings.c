/* SPDX-License-Identifier: MIT */
/* Tracing: turning it on and off, and what becomes of events that nobody reads in time, or that have no place. The ring itself:
 * test/sim/trace.c. */
#include "../fail-nth/fail.h"
#include "trace.h"

#if !defined(__wasm__)
#include <signal.h>
#include <sys/mman.h>
#endif

static void do_nothing(void *opaque)
{
    (void)opaque;
}

static void nothing_is_traced_while_it_is_off(void)
{
    loop_setup();
    begin(1);
    aio_poll(ctx, false);
    aio_trace_stop();
    aio_bh_schedule_oneshot(ctx, do_nothing, NULL);
    aio_poll(ctx, false);
    collect();
    expect("aio_trace_thread aio_poll_begin aio_poll_end");
    ASSERT_INT_EQ(aio_trace_unwritten(), 0);
    loop_teardown();
}

static void starts_are_counted(void)
{
    loop_setup();
    begin(1);
    ASSERT_TRUE(aio_trace_start(1));
    aio_trace_stop();
    aio_poll(ctx, false);
    end();
    expect("aio_trace_thread aio_poll_begin aio_poll_end");
    loop_teardown();
}

static void stopped_too_often(void)
{
    ASSERT_TRUE(aio_trace_start(1));
    aio_trace_stop();
    aio_trace_stop();
}

static void events_that_nobody_has_read_are_counted(void)
{
    enum { POLLS = RING_EVENTS };

    loop_setup();
    begin(1);
    for (int i = 0; i < POLLS; i++) {
        aio_poll(ctx, false);
    }
    end();
    ASSERT_INT_EQ(count + readers[0].lost, 1 + 2 * POLLS);
    ASSERT_INT_LE(count, RING_EVENTS);
    ASSERT_INT_GT(count, RING_EVENTS * 9 / 10);
    ASSERT_INT_EQ(events[count - 1].type, AIO_TRACE_aio_poll_end);
    loop_teardown();
}

static uint32_t polling;         /* threads in the next function */

static void *polls_in_its_own_context(void *opaque)
{
    AioContext *own = aio_context_new(&error_abort);

    qemu_set_current_aio_context(own);
    for (int i = 0; i < *(int *)opaque; i++) {
        aio_poll(own, false);
    }
    aio_context_detach_current();
    aio_context_unref(own);
    qatomic_dec(&polling);
    return NULL;
}

/* A reader at work while others write sees events whole and in order, and knows how many it
 * has not seen. */
static void reading_while_loops_run(void)
{
    enum { THREADS = 3 };
    static int polls = 20000;
    const uint64_t expected = (uint64_t)THREADS * 2 * (uint64_t)polls;
    QemuThread threads[THREADS];
    uint64_t seen = 0, lost = 0;
    unsigned n;

    begin(THREADS);
    polling = THREADS;
    for (int i = 0; i < THREADS; i++) {
        qemu_thread_create(&threads[i], "polls", polls_in_its_own_context, &polls,
                           QEMU_THREAD_JOINABLE);
    }
    for (unsigned batch = 0; qatomic_read(&polling) || batch % THREADS; batch++) {
        unsigned ring = batch % THREADS;
        uint64_t lost_before = readers[ring].lost;

        n = aio_trace_read(&readers[ring], events, RING_EVENTS);
        for (unsigned k = 0; k < n; k++) {
            ASSERT_INT_LT(events[k].type, AIO_TRACE_TYPES);
            if (k && events[k].thread == events[k - 1].thread &&
                readers[ring].lost == lost_before) {
                ASSERT_TRUE(events[k].time_ns >= events[k - 1].time_ns);
                if (events[k].type == AIO_TRACE_aio_poll_end) {
                    ASSERT_INT_NE(events[k - 1].type, AIO_TRACE_aio_poll_end);
                }
            }
        }
        seen += n;
    }
    for (int i = 0; i < THREADS; i++) {
        qemu_thread_join(&threads[i]);
    }
    aio_trace_stop();
    for (unsigned i = 0; i < THREADS; i++) {
        while ((n = aio_trace_read(&readers[i], events, RING_EVENTS))) {
            seen += n;
        }
        lost += readers[i].lost;
    }
    /* Each thread also writes its name, and notifies its context when that ends. */
    ASSERT_TRUE(seen + lost >= expected);
    ASSERT_TRUE(seen + lost < expected + THREADS * 20);
    ASSERT_INT_EQ(aio_trace_unwritten(), 0);
}

static void a_thread_without_a_ring_is_counted(void)
{
    QemuThread thread;
    static int polls = 5;

    loop_setup();
    begin(1);
    aio_poll(ctx, false);
    qemu_thread_create(&thread, "late", polls_in_its_own_context, &polls,
                       QEMU_THREAD_JOINABLE);
    qemu_thread_join(&thread);
    end();
    ASSERT_TRUE(aio_trace_unwritten() >= 10);
    loop_teardown();
}

static void a_ring_is_used_again_when_its_thread_has_ended(void)
{
    static int polls = 1;
    uint16_t first;

    begin(1);
    for (int i = 0; i < 2; i++) {
        QemuThread thread;

        qemu_thread_create(&thread, i ? "second" : "first", polls_in_its_own_context,
                           &polls, QEMU_THREAD_JOINABLE);
        qemu_thread_join(&thread);
    }
    end();
    ASSERT_INT_EQ(aio_trace_unwritten(), 0);
    first = events[0].thread;
    ASSERT_STR_EQ(events[0].name, "first");
    ASSERT_STR_EQ(nth(AIO_TRACE_aio_trace_thread, 1)->name, "second");
    ASSERT_INT_NE(nth(AIO_TRACE_aio_trace_thread, 1)->thread, first);
}

static void there_is_no_such_ring(void)
{
    ASSERT_TRUE(aio_trace_start(1));
    aio_trace_reader(1);
}

/* ---- No memory ---- */

static void there_is_no_memory_for_a_ring(void)
{
    size_t in_use = fail_memory_in_use();

    /* For the ring, and for its events. */
    for (unsigned n = 1; n <= 2; n++) {
        fail_nth(FAIL_MEMORY, n, false);
        ASSERT_FALSE(aio_trace_start(1));
        ASSERT_TRUE(fail_has_come(FAIL_MEMORY));
        ASSERT_INT_EQ(fail_memory_in_use(), in_use);
        ASSERT_INT_EQ(aio_trace_rings(), 0);
    }
    loop_setup();
    aio_poll(ctx, false);
    ASSERT_INT_EQ(aio_trace_unwritten(), 0);
    begin(1);
    aio_poll(ctx, false);
    end();
    expect("aio_trace_thread aio_poll_begin aio_poll_end");
    loop_teardown();
}

#if !defined(__wasm__)

/* ---- A thread that is stopped in the middle of an event ---- */

enum { PAGE = 4096 };

static char *pages;              /* two; the second one cannot be touched until its_turn() was called */
static void (*its_turn)(void);

static void touched(int signal)
{
    (void)signal;
    its_turn();
    ASSERT_INT_EQ(mprotect(pages + PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
}

static void stop_who_touches_the_second_page(void (*fn)(void))
{
    struct sigaction action = { .sa_handler = touched };

    its_turn = fn;
    pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_TRUE(pages != MAP_FAILED);
    ASSERT_INT_EQ(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
    ASSERT_INT_EQ(sigaction(SIGSEGV, &action, NULL), 0);
}

static uint32_t stopped, released;

static void wait_in_the_middle(void)
{
    qatomic_mb_set(&stopped, 1);
    while (!qatomic_mb_read(&released)) {
        port_pause();
    }
}

static void *reads_ten(void *opaque)
{
    enum { BEFORE = 5 };
    AioTraceEvent *into = (AioTraceEvent *)(pages + PAGE) - BEFORE;

    ASSERT_INT_EQ(aio_trace_read(opaque, into, 2 * BEFORE), 2 * BEFORE);
    memcpy(events, into, 2 * BEFORE * sizeof(*into));
    return NULL;
}

/* The writer drops events rather than to overwrite those that are being read, or to wait. */
static void a_reader_stands_still(void)
{
    enum { BLOCK = 64, POLLS = RING_EVENTS };
    uint64_t seen = 10;
    QemuThread thread;
    unsigned n;

    loop_setup();
    begin(1);
    for (int i = 0; i < 10; i++) {
        aio_poll(ctx, false);
    }
    stop_who_touches_the_second_page(wait_in_the_middle);
    qemu_thread_create(&thread, "reads", reads_ten, &readers[0], QEMU_THREAD_JOINABLE);
    while (!qatomic_mb_read(&stopped)) {
        port_pause();
    }
    for (int i = 0; i < POLLS; i++) {
        aio_poll(ctx, false);
    }
    qatomic_mb_set(&released, 1);
    qemu_thread_join(&thread);
    ASSERT_INT_EQ(events[0].type, AIO_TRACE_aio_trace_thread);
    for (int i = 1; i < 10; i++) {
        ASSERT_INT_EQ(events[i].type, i % 2 ? AIO_TRACE_aio_poll_begin : AIO_TRACE_aio_poll_end);
        ASSERT_TRUE(events[i].time_ns >= events[i - 1].time_ns);
    }
    aio_trace_stop();
    while ((n = aio_trace_read(&readers[0], events, RING_EVENTS))) {
        seen += n;
    }
    /* All that followed the first RING_EVENTS had no place, and the rest of the block was given up. */
    ASSERT_INT_EQ(seen, RING_EVENTS - (BLOCK - 10));
    ASSERT_INT_EQ(seen + readers[0].lost, 1 + 2 * (10 + POLLS));
    ASSERT_INT_EQ(aio_trace_unwritten(), 0);
    loop_teardown();
}

static void notify(void)
{
    aio_notify(ctx);
}

/* Its event is counted, and the one that is being written is whole. */
static void a_signal_handler_interrupts_an_event(void)
{
    loop_setup();
    stop_who_touches_the_second_page(notify);
    memcpy(pages + PAGE - 5, "split", 5);
    begin(1);
    aio_bh_schedule_oneshot_full(ctx, do_nothing, NULL, pages + PAGE - 5);
    aio_poll(ctx, false);
    end();
    expect("aio_trace_thread aio_notify_saved aio_poll_begin aio_notify_accept aio_bh_begin "
           "aio_bh_end aio_poll_end");
    ASSERT_STR_EQ(the(AIO_TRACE_aio_bh_begin)->name, "split");
    ASSERT_INT_EQ(aio_trace_unwritten(), 1);
    loop_teardown();
}

#endif

TEST_PROGRAM(
    TEST(nothing_is_traced_while_it_is_off),
    TEST(starts_are_counted),
    TEST_PANICS(stopped_too_often, "aio_trace_stop: tracing is not on"),
    TEST(events_that_nobody_has_read_are_counted),
    TEST(reading_while_loops_run),
    TEST(a_thread_without_a_ring_is_counted),
    TEST(a_ring_is_used_again_when_its_thread_has_ended),
    TEST_PANICS(there_is_no_such_ring, "there is no ring 1, but 1 rings"),
    TEST(there_is_no_memory_for_a_ring),
#if !defined(__wasm__)
    TEST(a_reader_stands_still),
    TEST(a_signal_handler_interrupts_an_event),
#endif
)
