/* SPDX-License-Identifier: MIT */
/*
 * Locks that 2 and 4 threads want all the time: short sections a second, of all threads
 * together. A CoMutex's are those of a coroutine in each thread's own context.
 */
#include "bench.h"
#include "block/aio.h"
#include "qemu/coroutine.h"
#include "qemu/thread.h"

#define MAX_THREADS 4
#define BURST_MS 30
#define WORK 40                        /* steps in a section, and as many outside: about 60 ns */

static QemuEvent start;
static QemuMutex mutex;
static CoMutex co_mutex;
static uint64_t counter;               /* under the lock */
static uint32_t ready, stop;

static void work(uint32_t *state)
{
    for (int i = 0; i < WORK; i++) {
        bench_random(state);
        __asm__ volatile("" : "+r"(*state));
    }
}

static void wait_for_start(void)
{
    qatomic_inc(&ready);
    qemu_event_wait(&start);
}

/* opaque: where each counts its own sections. */
static void *use_mutex(void *opaque)
{
    uint64_t *sections = opaque;
    uint32_t state = 1;

    wait_for_start();
    while (!qatomic_read(&stop)) {
        qemu_mutex_lock(&mutex);
        counter++;
        work(&state);
        qemu_mutex_unlock(&mutex);
        ++*sections;
        work(&state);
    }
    return NULL;
}

static void coroutine_fn use_co_mutex_entry(void *opaque)
{
    uint64_t sections = 0;
    uint32_t state = 1;

    while (!qatomic_read(&stop)) {
        qemu_co_mutex_lock(&co_mutex);
        counter++;
        work(&state);
        qemu_co_mutex_unlock(&co_mutex);
        sections++;
        work(&state);
    }
    /* One more than they are: it has ended, though there may have been none. */
    *(uint64_t *)opaque = sections + 1;
}

static void *use_co_mutex(void *opaque)
{
    AioContext *ctx = aio_context_new(NULL);
    uint64_t *sections = opaque;

    bench_expect("contexts", ctx != NULL, 1);
    qemu_set_current_aio_context(ctx);
    wait_for_start();
    qemu_coroutine_enter(qemu_coroutine_create(use_co_mutex_entry, sections));
    while (!*sections) {
        aio_poll(ctx, true);
    }
    --*sections;
    aio_context_detach_current();
    aio_context_unref(ctx);
    return NULL;
}

/* Sections a second. */
static double burst(void *(*run)(void *opaque), unsigned threads)
{
    struct {
        uint64_t sections __attribute__((aligned(64)));
        QemuThread thread;
    } of[MAX_THREADS] = { 0 };
    int64_t begun;
    uint64_t sum = 0;

    counter = 0;
    ready = stop = 0;
    qemu_event_init(&start, false);
    for (unsigned i = 0; i < threads; i++) {
        qemu_thread_create(&of[i].thread, "contender", run, &of[i].sections,
                           QEMU_THREAD_JOINABLE);
    }
    while (qatomic_mb_read(&ready) < threads) {
        usleep(1000);
    }
    begun = bench_now();
    qemu_event_set(&start);
    usleep(BURST_MS * 1000);
    qatomic_set(&stop, 1);
    for (unsigned i = 0; i < threads; i++) {
        qemu_thread_join(&of[i].thread);
        sum += of[i].sections;
    }
    begun = bench_now() - begun;
    qemu_event_destroy(&start);
    bench_expect("sections", counter, sum);
    return sum * 1e9 / begun;
}

static void line(const char *name, void *(*run)(void *opaque), unsigned threads)
{
    BenchSamples samples = bench_samples(name, "1/s");
    int64_t end;

    if (!bench_wants(name)) {
        return;
    }
    burst(run, threads);
    end = bench_deadline();
    do {
        bench_add(&samples, burst(run, threads));
    } while (bench_now() < end);
    bench_print(&samples);
}

int main(int argc, char **argv)
{
    bench_init(argc, argv);
    qemu_mutex_init(&mutex);
    qemu_co_mutex_init(&co_mutex);
    line("g_mutex_2t", use_mutex, 2);
    line("g_mutex_4t", use_mutex, 4);
    line("g_comutex_2t", use_co_mutex, 2);
    line("g_comutex_4t", use_co_mutex, 4);
    return 0;
}
