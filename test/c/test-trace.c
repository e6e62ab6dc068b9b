/* SPDX-License-Identifier: MIT */
/* Tracing: which events are written, what they say, and what becomes of those that nobody
 * reads in time. The ring itself: test/sim/trace.c. */
#include "aio/trace.h"
#include "loop.h"
#include "notifiers.h"
#include "pool.h"
#include "qemu/coroutine.h"

enum { RING_EVENTS = 8192, MAX_READERS = 8 };

static AioTraceReader readers[MAX_READERS];
static AioTraceEvent events[RING_EVENTS];
static unsigned count;

/* From now on collect() finds what is traced. */
static void begin(unsigned rings)
{
    ASSERT_TRUE(aio_trace_start(rings));
    for (unsigned i = 0; i < aio_trace_rings(); i++) {
        readers[i] = aio_trace_reader(i);
    }
}

/* Reads the events of all rings, one ring after the other. */
static void collect(void)
{
    count = 0;
    for (unsigned i = 0; i < aio_trace_rings(); i++) {
        unsigned n;

        while ((n = aio_trace_read(&readers[i], events + count,
                                   RING_EVENTS - count))) {
            count += n;
        }
    }
}

static void end(void)
{
    aio_trace_stop();
    collect();
}

/* Returns the n-th event of that type, or NULL. */
static const AioTraceEvent *nth(AioTraceType type, unsigned n)
{
    for (unsigned i = 0; i < count; i++) {
        if (events[i].type == type && n-- == 0) {
            return &events[i];
        }
    }
    return NULL;
}

static const AioTraceEvent *the(AioTraceType type)
{
    const AioTraceEvent *event = nth(type, 0);

    if (!event) {
        TEST_FAIL("no event %s among %u", aio_trace_types[type].name, count);
    }
    return event;
}

/* Checks the names of all events, in their order. */
static void expect(const char *names)
{
    char text[2048] = "";

    for (unsigned i = 0; i < count; i++) {
        ASSERT_INT_LT(strlen(text) + 40, sizeof(text));
        strcat(text, i ? " " : "");
        strcat(text, aio_trace_types[events[i].type].name);
    }
    ASSERT_STR_EQ(text, names);
}

static void do_nothing(void *opaque)
{
    (void)opaque;
}

static void a_bottom_half_has_its_name_and_duration(void)
{
    static int opaque;

    loop_setup();
    aio_trace_name_thread("main");
    begin(1);
    aio_bh_schedule_oneshot(ctx, do_nothing, &opaque);
    aio_poll(ctx, false);
    end();
    expect("aio_trace_thread aio_notify_saved aio_poll_begin aio_notify_accept aio_bh_begin "
           "aio_bh_end aio_poll_end");
    ASSERT_STR_EQ(events[0].name, "main");
    ASSERT_STR_EQ(the(AIO_TRACE_aio_bh_begin)->name, "do_nothing");
    ASSERT_TRUE(the(AIO_TRACE_aio_bh_begin)->object == (uintptr_t)do_nothing);
    ASSERT_TRUE(the(AIO_TRACE_aio_bh_begin)->value == (uintptr_t)&opaque);
    ASSERT_TRUE(the(AIO_TRACE_aio_bh_end)->object == (uintptr_t)do_nothing);
    for (unsigned i = 1; i < count; i++) {
        ASSERT_TRUE(events[i].time_ns >= events[i - 1].time_ns);
        ASSERT_TRUE(events[i].context == (i < 2 ? 0 : (uintptr_t)ctx));
        ASSERT_INT_EQ(events[i].thread, events[0].thread);
    }
    loop_teardown();
}

/* An iteration reads the clock once, and a call-back once more at its end. */
static void the_clock_is_read_no_more_than_is_promised(void)
{
    loop_setup();
    begin(1);
    aio_bh_schedule_oneshot(ctx, do_nothing, NULL);
    aio_bh_schedule_oneshot(ctx, do_nothing, NULL);
    aio_poll(ctx, false);
    end();
    ASSERT_INT_EQ(the(AIO_TRACE_aio_bh_begin)->time_ns,
                  the(AIO_TRACE_aio_poll_begin)->time_ns);
    ASSERT_INT_EQ(nth(AIO_TRACE_aio_bh_begin, 1)->time_ns,
                  the(AIO_TRACE_aio_bh_end)->time_ns);
    ASSERT_INT_EQ(the(AIO_TRACE_aio_poll_end)->time_ns,
                  nth(AIO_TRACE_aio_bh_end, 1)->time_ns);
    loop_teardown();
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

static void wake(void *opaque)
{
    aio_notify(opaque);
}

static void a_wake_up_says_who_has_sent_it(void)
{
    WhenAsleep w;
    const AioTraceEvent *sent, *accept;

    loop_setup();
    begin(2);
    when_asleep(&w, wake, ctx);
    ASSERT_FALSE(aio_poll(ctx, true));
    when_asleep_join(&w);
    end();
    sent = the(AIO_TRACE_aio_notify_sent);
    accept = the(AIO_TRACE_aio_notify_accept);
    ASSERT_TRUE(sent->object == accept->object);
    ASSERT_TRUE(sent->value < accept->value);
    ASSERT_INT_NE(sent->thread, accept->thread);
    ASSERT_TRUE(sent->time_ns >= the(AIO_TRACE_aio_sleep_begin)->time_ns);
    ASSERT_TRUE(sent->time_ns <= the(AIO_TRACE_aio_sleep_end)->time_ns);
    ASSERT_TRUE(the(AIO_TRACE_aio_sleep_begin)->object == (uint64_t)-1);
    for (unsigned i = 0; i < count; i++) {
        if (events[i].type == AIO_TRACE_aio_trace_thread &&
            events[i].thread == sent->thread) {
            ASSERT_STR_EQ(events[i].name, "when-asleep");
        }
    }
    loop_teardown();
}

static void handlers_and_timers(void)
{
    Source source;
    QEMUTimer timer;

    loop_setup();
    source_init(&source, 's');
    source.then = source_clear;
    source_watch(&source);
    timer_setup(&timer, do_nothing, &timer);
    aio_poll(ctx, false);
    begin(1);
    event_notifier_set(&source.e);
    timer_mod(&timer, now_ns());
    aio_poll(ctx, false);
    aio_poll(ctx, false);
    end();
    ASSERT_INT_EQ(the(AIO_TRACE_aio_handler_begin)->value,
                  event_notifier_get_fd(&source.e));
    ASSERT_STR_EQ(the(AIO_TRACE_aio_handler_begin)->name, "io_read");
    ASSERT_PTR_EQ(nth(AIO_TRACE_aio_handler_begin, 1), NULL);
    ASSERT_TRUE(the(AIO_TRACE_aio_handler_end) > the(AIO_TRACE_aio_handler_begin));
    ASSERT_TRUE(the(AIO_TRACE_aio_timer_begin)->object == (uintptr_t)do_nothing);
    ASSERT_TRUE(the(AIO_TRACE_aio_timer_begin)->value == (uintptr_t)&timer);
    ASSERT_TRUE(the(AIO_TRACE_aio_timer_end) > the(AIO_TRACE_aio_timer_begin));
    source_unwatch(&source);
    source_cleanup(&source);
    loop_teardown();
}

static CoMutex mutex;

static void coroutine_fn holder(void *opaque)
{
    (void)opaque;
    qemu_co_mutex_lock(&mutex);
    qemu_coroutine_yield();
    qemu_co_mutex_unlock(&mutex);
}

static void coroutine_fn waiter(void *opaque)
{
    (void)opaque;
    qemu_co_mutex_lock(&mutex);
    qemu_co_mutex_unlock(&mutex);
}

static void coroutines_and_their_mutex(void)
{
    Coroutine *first, *second;

    loop_setup();
    qemu_co_mutex_init(&mutex);
    first = qemu_coroutine_create(holder, NULL);
    second = qemu_coroutine_create(waiter, NULL);
    begin(1);
    aio_co_schedule(ctx, first);
    aio_poll(ctx, false);
    qemu_coroutine_enter(second);
    aio_co_wake(first);
    end();
    expect("aio_trace_thread aio_co_schedule aio_notify_saved aio_poll_begin aio_notify_accept "
           "aio_bh_begin aio_co_schedule_bh_cb qemu_aio_coroutine_enter qemu_coroutine_yield "
           "aio_bh_end aio_poll_end "
           "qemu_aio_coroutine_enter qemu_co_mutex_lock_entry qemu_coroutine_yield "
           "qemu_aio_coroutine_enter qemu_coroutine_terminate "
           "qemu_aio_coroutine_enter qemu_co_mutex_lock_return qemu_coroutine_terminate");
    ASSERT_TRUE(the(AIO_TRACE_aio_co_schedule)->object == (uintptr_t)first);
    ASSERT_STR_EQ(the(AIO_TRACE_qemu_aio_coroutine_enter)->name, "holder");
    ASSERT_TRUE(the(AIO_TRACE_qemu_co_mutex_lock_entry)->object == (uintptr_t)&mutex);
    ASSERT_TRUE(the(AIO_TRACE_qemu_co_mutex_lock_entry)->value == (uintptr_t)second);
    loop_teardown();
}

static void jobs_of_the_pool(void)
{
    const AioTraceEvent *submitted, *begun, *complete;

    setup(4);
    begin(2);
    submit(&jobs[0]);
    poll_until(1);
    end();
    submitted = the(AIO_TRACE_thread_pool_submit);
    begun = the(AIO_TRACE_aio_job_begin);
    complete = the(AIO_TRACE_thread_pool_complete);
    ASSERT_TRUE(submitted->object == begun->value);
    ASSERT_TRUE(submitted->object == complete->object);
    ASSERT_INT_EQ(submitted->thread, complete->thread);
    ASSERT_INT_NE(submitted->thread, begun->thread);
    ASSERT_TRUE(submitted->time_ns <= begun->time_ns);
    ASSERT_TRUE(begun->time_ns <= the(AIO_TRACE_aio_job_end)->time_ns);
    loop_teardown();
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

        n = aio_trace_read(&readers[ring], events, 1000);
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

TEST_PROGRAM(
    TEST(a_bottom_half_has_its_name_and_duration),
    TEST(the_clock_is_read_no_more_than_is_promised),
    TEST(nothing_is_traced_while_it_is_off),
    TEST(starts_are_counted),
    TEST_PANICS(stopped_too_often, "aio_trace_stop: tracing is not on"),
    TEST(a_wake_up_says_who_has_sent_it),
    TEST(handlers_and_timers),
    TEST(coroutines_and_their_mutex),
    TEST(jobs_of_the_pool),
    TEST(events_that_nobody_has_read_are_counted),
    TEST(reading_while_loops_run),
    TEST(a_thread_without_a_ring_is_counted),
    TEST(a_ring_is_used_again_when_its_thread_has_ended),
    TEST_PANICS(there_is_no_such_ring, "there is no ring 1, but 1 rings"),
)
