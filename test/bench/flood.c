/* SPDX-License-Identifier: MIT */
/*
 * Other threads schedule onto one loop as fast as they can (c_flood_*): one-shot
 * bottom halves, each of which must run, and one bottom half that is scheduled
 * again and again, of which it is asked only that it runs after the last time.
 */
#include "bench.h"
#include "block/aio.h"
#include "qemu/thread.h"

#define BURST 200000
#define MAX_PRODUCERS 2
#define WARMUP_BURSTS 2

typedef struct Producer {
    QemuThread thread;
    QemuEvent go;
    unsigned count;
    bool coalescing;
    bool stop;
} Producer;

static AioContext *ctx;
static QEMUBH *bh;
static Producer producers[MAX_PRODUCERS];

static uint64_t arrived;       /* one-shots that ran; home thread */
static uint32_t made;          /* what the coalescing producer has written */
static uint32_t seen;          /* and bh has read; home thread */

static void arrive_cb(void *opaque)
{
    (void)opaque;
    arrived++;
}

static void see_cb(void *opaque)
{
    (void)opaque;
    seen = qatomic_read(&made);
}

static __attribute__((noinline)) void send_oneshots(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        aio_bh_schedule_oneshot(ctx, arrive_cb, NULL);
    }
}

static __attribute__((noinline)) void send_coalescing(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        /* Scheduling publishes what was written before it. */
        qatomic_set(&made, made + 1);
        qemu_bh_schedule(bh);
    }
}

static void *producer_main(void *opaque)
{
    Producer *producer = opaque;

    for (;;) {
        qemu_event_wait(&producer->go);
        qemu_event_reset(&producer->go);
        if (producer->stop) {
            return NULL;
        }
        if (producer->coalescing) {
            send_coalescing(producer->count);
        } else {
            send_oneshots(producer->count);
        }
    }
}

static void start_burst(unsigned count, bool coalescing)
{
    for (unsigned i = 0; i < count; i++) {
        producers[i].count = BURST / count;
        producers[i].coalescing = coalescing;
        qemu_event_set(&producers[i].go);
    }
}

/* ns */
static int64_t oneshot_burst(unsigned count)
{
    int64_t start = bench_now(), ns;

    arrived = 0;
    start_burst(count, false);
    while (arrived < BURST) {
        aio_poll(ctx, true);
    }
    ns = bench_now() - start;
    aio_poll(ctx, false);
    bench_expect("one-shots", arrived, BURST);
    return ns;
}

static int64_t coalescing_burst(unsigned count)
{
    uint32_t end = made + BURST;
    int64_t start = bench_now();

    start_burst(count, true);
    while (seen != end) {
        aio_poll(ctx, true);
    }
    return bench_now() - start;
}

static void place(int64_t (*burst)(unsigned), unsigned count)
{
    static bool placed;
    int64_t end = bench_now() + BENCH_PLACE_NS;

    if (!placed) {
        bench_say("place");
        while (bench_now() < end) {
            burst(count);
        }
        bench_say("placed");
        placed = true;
    }
}

static void measure(const char *name, int64_t (*burst)(unsigned),
                    unsigned count)
{
    BenchSamples samples = bench_samples(name, "1/s");
    int64_t end;

    if (bench_wants(name)) {
        place(burst, count);
        for (int i = 0; i < WARMUP_BURSTS; i++) {
            burst(count);
        }
        end = bench_deadline();
        do {
            bench_add(&samples, BURST * 1e9 / burst(count));
        } while (bench_now() < end);
    }
    bench_print(&samples);
}

int main(int argc, char **argv)
{
    bench_init(argc, argv);
    ctx = aio_context_new(NULL);
    bench_expect("contexts", ctx != NULL, 1);
    qemu_set_current_aio_context(ctx);
    bh = aio_bh_new(ctx, see_cb, NULL);
    for (int i = 0; i < MAX_PRODUCERS; i++) {
        qemu_event_init(&producers[i].go, false);
        qemu_thread_create(&producers[i].thread, "producer", producer_main,
                           &producers[i], QEMU_THREAD_JOINABLE);
    }
    measure("c_flood_1p", oneshot_burst, 1);
    measure("c_flood_2p", oneshot_burst, 2);
    measure("c_flood_bh", coalescing_burst, 1);

    for (int i = 0; i < MAX_PRODUCERS; i++) {
        producers[i].stop = true;
        qemu_event_set(&producers[i].go);
        qemu_thread_join(&producers[i].thread);
        qemu_event_destroy(&producers[i].go);
    }
    qemu_bh_delete(bh);
    aio_poll(ctx, false);
    aio_context_detach_current();
    aio_context_unref(ctx);
    return 0;
}
