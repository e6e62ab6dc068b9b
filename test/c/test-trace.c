/* SPDX-License-Identifier: MIT */
/* Tracing: which events are written, and what they say. */
#include "block/block.h"
#include "block/raw-aio.h"
#include "notifiers.h"
#include "pool.h"
#include "qemu/coroutine.h"
#include "qemu/gmain.h"
#include "trace.h"

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
    ASSERT_FALSE(when_asleep_poll(&w));
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

static void a_thread_gets_another_name(void)
{
    loop_setup();
    aio_trace_name_thread("first");
    begin(1);
    aio_poll(ctx, false);
    aio_trace_name_thread("a name that is longer than events have room for");
    end();
    expect("aio_trace_thread aio_poll_begin aio_poll_end aio_trace_thread");
    ASSERT_STR_EQ(events[0].name, "first");
    ASSERT_STR_EQ(events[3].name, "a name that is longer than ");
    loop_teardown();
}

/* ---- Loops that others drive ---- */

/* As JavaScript does. */
static void an_iteration_that_must_not_sleep(void)
{
    loop_setup();
    begin(1);
    aio_bh_schedule_oneshot(ctx, do_nothing, NULL);
    ASSERT_TRUE(aio_poll_awake(ctx, 0));
    end();
    expect("aio_trace_thread aio_notify_saved aio_poll_begin aio_notify_accept aio_bh_begin "
           "aio_bh_end aio_poll_end");
    ASSERT_INT_EQ(the(AIO_TRACE_aio_poll_begin)->object, 0);
    ASSERT_TRUE(the(AIO_TRACE_aio_bh_begin)->context == (uintptr_t)ctx);
    loop_teardown();
}

/* Only some monitors of fds watch one anew. */
static void leave_out(AioTraceType type)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < count; i++) {
        if (events[i].type != type) {
            events[kept++] = events[i];
        }
    }
    count = kept;
}

/* What a foreign loop does while it polls is not the context's. */
static void a_foreign_loop_dispatches(void)
{
    GSource *source;
    gint timeout;

    loop_setup();
    source = aio_get_g_source(ctx);
    begin(1);
    aio_bh_schedule_oneshot(ctx, do_nothing, NULL);
    ASSERT_TRUE(source->source_funcs->prepare(source, &timeout));
    source->source_funcs->dispatch(source, NULL, NULL);
    ASSERT_FALSE(source->source_funcs->prepare(source, &timeout));
    aio_bh_schedule_oneshot(ctx, do_nothing, NULL);
    ASSERT_TRUE(source->source_funcs->check(source));
    source->source_funcs->dispatch(source, NULL, NULL);
    end();
    leave_out(AIO_TRACE_poll_add);
    expect("aio_trace_thread aio_notify_saved "
           "aio_dispatch_begin aio_bh_begin aio_bh_end aio_dispatch_end "
           "aio_notify_sent aio_notify_accept "
           "aio_dispatch_begin aio_bh_begin aio_bh_end aio_dispatch_end");
    for (unsigned i = 0; i < count; i++) {
        bool outside = i < 2 || events[i].type == AIO_TRACE_aio_notify_sent;

        ASSERT_TRUE(events[i].context == (outside ? 0 : (uintptr_t)ctx));
    }
    g_source_unref(source);
    loop_teardown();
}

/* ---- Requests ---- */

static int completed;

static void note_completion(void *opaque, int ret)
{
    (void)opaque;
    ASSERT_INT_EQ(ret, 0);
    completed++;
}

static void requests_on_a_file(void)
{
    static char bytes[2][10];
    struct iovec iov[] = { { bytes[0], 10 }, { bytes[1], 7 } };
    RawAioOp op = { .engine = AIO_ENGINE_NATIVE, .type = QEMU_AIO_READ, .fd = test_file(), .niov = 1 };
    uint64_t objects = 0;
    Error *err = NULL;

    loop_setup();
    if (!raw_aio_setup(ctx, AIO_ENGINE_NATIVE, &err)) {
        TEST_SKIP(error_get_pretty(err));
    }
    /* In WebAssembly a thread carries the requests out. It may write the first event, when it has started. */
    begin(2);
    raw_aio_plug(ctx, AIO_ENGINE_NATIVE);
    for (int i = 0; i < 2; i++) {
        op.iov = &iov[i];
        raw_aio_submit(ctx, &op, note_completion, NULL);
    }
    raw_aio_unplug(ctx, AIO_ENGINE_NATIVE, 0);
    while (completed < 2) {
        aio_poll(ctx, true);
    }
    end();
    for (unsigned i = 0; i < 2; i++) {
        const AioTraceEvent *submitted = nth(AIO_TRACE_raw_aio_submit, i);

        const AioTraceEvent *complete = nth(AIO_TRACE_raw_aio_complete, i);

        ASSERT_TRUE(submitted && complete);
        ASSERT_STR_EQ(submitted->name, "native");
        ASSERT_INT_EQ(submitted->value, iov[i].iov_len);
        ASSERT_INT_EQ(complete->value, 0);
        objects ^= submitted->object ^ complete->object;
    }
    /* They complete in any order. */
    ASSERT_INT_EQ(objects, 0);
    ASSERT_STR_EQ(the(AIO_TRACE_aio_queue_submit)->name, "native");
    ASSERT_INT_EQ(the(AIO_TRACE_aio_queue_submit)->value, 2);
    ASSERT_PTR_EQ(nth(AIO_TRACE_aio_queue_submit, 1), NULL);
    close(op.fd);
    loop_teardown();
}

TEST_PROGRAM(
    TEST(a_bottom_half_has_its_name_and_duration),
    TEST(the_clock_is_read_no_more_than_is_promised),
    TEST(a_wake_up_says_who_has_sent_it),
    TEST(handlers_and_timers),
    TEST(coroutines_and_their_mutex),
    TEST(jobs_of_the_pool),
    TEST(a_thread_gets_another_name),
    TEST(an_iteration_that_must_not_sleep),
    TEST(a_foreign_loop_dispatches),
    TEST(requests_on_a_file),
)
