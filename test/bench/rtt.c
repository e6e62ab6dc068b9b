/* SPDX-License-Identifier: MIT */
/* Two loops send one-shot bottom halves to and fro, asleep (b_rtt_sleep_*; traced:
 * t_b_rtt_sleep_*) or polling (b_rtt_poll_*), or a coroutine goes there and back, polling (f_co_*). On
 * one CPU or on two: the name says which, but it is done from outside. */
#include "aio/trace.h"
#include "bench.h"
#include "block/aio.h"

#define POLL_MAX_NS 200000     /* longer than waking a CPU takes */
#define TRIPS 10               /* a sample: less than a clock read's share */

static AioContext *near_ctx, *far_ctx;
static bool far_running = true;    /* far's home thread */
static bool answered;              /* near's home thread */
static uint64_t trips, answers;

static void answer_cb(void *opaque)
{
    (void)opaque;
    answers++;
    answered = true;
}

static void ask_cb(void *opaque)
{
    (void)opaque;
    aio_bh_schedule_oneshot(near_ctx, answer_cb, NULL);
}

static void stop_cb(void *opaque)
{
    (void)opaque;
    far_running = false;
}

static void *far_main(void *opaque)
{
    (void)opaque;
    qemu_set_current_aio_context(far_ctx);
    while (far_running) {
        aio_poll(far_ctx, true);
    }
    aio_context_detach_current();
    return NULL;
}

static __attribute__((noinline)) void round_trips(int n)
{
    for (int i = 0; i < n; i++) {
        answered = false;
        trips++;
        aio_bh_schedule_oneshot(far_ctx, ask_cb, NULL);
        while (!answered) {
            aio_poll(near_ctx, true);
        }
    }
}

static void coroutine_fn hop(void *opaque)
{
    for (int i = 0; i < *(int *)opaque; i++) {
        trips++;
        aio_co_reschedule_self(far_ctx);
        bool was_far = qemu_get_current_aio_context() == far_ctx;
        aio_co_reschedule_self(near_ctx);
        answers += was_far && qemu_get_current_aio_context() == near_ctx;
    }
    answered = true;
}

static void co_round_trips(int n)
{
    answered = false;
    aio_co_schedule(near_ctx, qemu_coroutine_create(hop, &n));
    while (!answered) {
        aio_poll(near_ctx, true);
    }
}

static void (*trip)(int n) = round_trips;

static void *near_main(void *opaque)
{
    BenchSamples *samples = opaque;
    int64_t end = bench_now() + BENCH_PLACE_NS;

    qemu_set_current_aio_context(near_ctx);
    bench_say("place");
    while (bench_now() < end) {
        trip(TRIPS);
    }
    bench_say("placed");
    end = bench_deadline();
    do {
        int64_t start = bench_now();
        trip(TRIPS);
        bench_add(samples, (double)(bench_now() - start) / TRIPS);
    } while (bench_now() < end);
    bench_expect("answers", answers, trips);
    aio_bh_schedule_oneshot(far_ctx, stop_cb, NULL);
    aio_context_detach_current();
    return NULL;
}

int main(int argc, char **argv)
{
    BenchSamples samples;
    QemuThread near, far;

    bench_init(argc, argv);
    samples = bench_samples(bench_argc ? bench_argv[0] : "b_rtt_sleep", "ns");
    if (strncmp(samples.name, "t_", 2) == 0) {
        bench_expect("tracing", aio_trace_start(4), 1);
    }
    near_ctx = aio_context_new(NULL);
    far_ctx = aio_context_new(NULL);
    bench_expect("contexts", near_ctx && far_ctx, 1);
    if (strncmp(samples.name, "f_co", 4) == 0) {
        trip = co_round_trips;
    }
    if (trip == co_round_trips ||
        strncmp(samples.name, "b_rtt_poll", 10) == 0) {
        aio_context_set_poll_params(near_ctx, POLL_MAX_NS, 0, 0, NULL);
        aio_context_set_poll_params(far_ctx, POLL_MAX_NS, 0, 0, NULL);
    }
    qemu_thread_create(&far, "far", far_main, NULL, QEMU_THREAD_JOINABLE);
    qemu_thread_create(&near, "near", near_main, &samples,
                       QEMU_THREAD_JOINABLE);
    qemu_thread_join(&near);
    qemu_thread_join(&far);
    bench_print(&samples);
    aio_context_unref(near_ctx);
    aio_context_unref(far_ctx);
    return 0;
}
