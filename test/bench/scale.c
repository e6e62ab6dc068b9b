/* SPDX-License-Identifier: MIT */
/*
 * How the loop's costs grow with the number of what there is (x_*): contexts, handlers, timers, coroutines, pipes, requests,
 * IOThreads. Each curve has a line for each of its numbers, from the smallest on, and x_bytes_*: the memory that one more takes.
 * `make bench-scale` draws them.
 */
#include "bench.h"
#include "block/aio.h"
#include "block/raw-aio.h"
#include "qapi/error.h"
#include "qemu/coroutine.h"
#include "sysemu/iothread.h"
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

/* The place of the i-th of n: each comes once, none beside the one before. */
#define STRIDE 7919
/* V8 compiles what a curve runs only after many calls. */
#define FIRST_WARM_UP_NS 700000000
#define WARM_UP_NS 30000000

static AioContext *ctx;
static uint64_t calls;

static void count_cb(void *opaque)
{
    (void)opaque;
    calls++;
}

/* What is allocated; natively what is resident, since stacks are mapped as a whole and used in part. */
static double used_bytes(void)
{
#ifdef CONFIG_POSIX
    static int statm = -1;             /* stays open: later there may be no fd left */
    char text[128] = "";
    long pages = 0;

    if (statm < 0) {
        statm = open("/proc/self/statm", O_RDONLY);
    }
    bench_expect("/proc/self/statm", pread(statm, text, sizeof(text) - 1, 0) > 0 && sscanf(text, "%*d %ld", &pages) == 1, 1);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
#else
    return mallinfo().uordblks;
#endif
}

/* ---- Contexts: a bottom half in one of n, which is then polled ---- */

#define MAX_CONTEXTS 64

static AioContext *contexts[MAX_CONTEXTS];
static QEMUBH *bhs[MAX_CONTEXTS];

static bool add_context(unsigned i)
{
    contexts[i] = aio_context_new(&error_abort);
    bhs[i] = aio_bh_new(contexts[i], count_cb, NULL);
    return true;
}

static void use_contexts(unsigned n, uint64_t times)
{
    aio_context_detach_current();
    for (uint64_t i = 0; i < times; i++) {
        unsigned which = i * STRIDE % n;
        qemu_bh_schedule(bhs[which]);
        qemu_set_current_aio_context(contexts[which]);
        aio_poll(contexts[which], false);
        aio_context_detach_current();
    }
    qemu_set_current_aio_context(ctx);
}

/* ---- Handlers: the notifier of one of n is set, and its handler dispatched ---- */

#define MAX_HANDLERS 100000

static EventNotifier notifiers[MAX_HANDLERS];

static void clear_cb(EventNotifier *e)
{
    event_notifier_test_and_clear(e);
    calls++;
}

static bool add_handler(unsigned i)
{
    if (event_notifier_init(&notifiers[i], 0) < 0) {
        return false;
    }
    aio_set_event_notifier(ctx, &notifiers[i], false, clear_cb, NULL);
    return true;
}

static void use_handlers(unsigned n, uint64_t times)
{
    for (uint64_t i = 0; i < times; i++) {
        event_notifier_set(&notifiers[i * STRIDE % n]);
        aio_poll(ctx, false);
    }
}

/* ---- Timers: one of n is moved, and one that is due runs beside them ---- */

#define MAX_TIMERS 100000
#define FAR_NS INT64_C(1000000000000)

static QEMUTimer *timers;
static QEMUTimer *due;
static uint32_t seed = 20261;

static int64_t far_deadline(void)
{
    return FAR_NS + bench_random(&seed);
}

static bool add_timer(unsigned i)
{
    if (!timers) {
        timers = calloc(MAX_TIMERS, sizeof(QEMUTimer));
        due = aio_timer_new(ctx, QEMU_CLOCK_REALTIME, SCALE_NS, count_cb, NULL);
    }
    aio_timer_init(ctx, &timers[i], QEMU_CLOCK_REALTIME, SCALE_NS, count_cb, NULL);
    timer_mod_ns(&timers[i], bench_now() + far_deadline());
    return true;
}

static void use_timers(unsigned n, uint64_t times)
{
    int64_t now = bench_now();

    for (uint64_t i = 0; i < times; i++) {
        timer_mod_ns(&timers[i * STRIDE % n], now + far_deadline());
        timer_mod_ns(due, now - 1);
        aio_poll(ctx, false);
    }
}

/* ---- Coroutines: one of n that wait is entered, and waits again ---- */

/* In WebAssembly the stacks take 0.2 MB each of the 1 GiB that a module may have. */
#ifdef CONFIG_POSIX
#define MAX_COROUTINES 100000
#else
#define MAX_COROUTINES 1000
#endif

static Coroutine *coroutines[MAX_COROUTINES];

static void coroutine_fn yield_for_ever(void *opaque)
{
    (void)opaque;
    for (;;) {
        calls++;
        qemu_coroutine_yield();
    }
}

static bool add_coroutine(unsigned i)
{
    coroutines[i] = qemu_coroutine_create(yield_for_ever, NULL);
    qemu_coroutine_enter(coroutines[i]);
    return true;
}

static void use_coroutines(unsigned n, uint64_t times)
{
    for (uint64_t i = 0; i < times; i++) {
        qemu_coroutine_enter(coroutines[i * STRIDE % n]);
    }
}

/* ---- Pipes: a byte through one of n, whose handler reads it ---- */

#define MAX_PIPES 10000

static int pipes[MAX_PIPES][2];

static void read_byte(void *opaque)
{
    char byte;

    calls += read(*(int *)opaque, &byte, 1) == 1;
}

static bool add_pipe(unsigned i)
{
    if (pipe(pipes[i]) < 0) {
        return false;
    }
    aio_set_fd_handler(ctx, pipes[i][0], false, read_byte, NULL, NULL, pipes[i]);
    return true;
}

static void use_pipes(unsigned n, uint64_t times)
{
    for (uint64_t i = 0; i < times; i++) {
        uint64_t before = calls;
        bench_expect("bytes written", write(pipes[i * STRIDE % n][1], "x", 1) == 1, 1);
        while (calls == before) {
            aio_poll(ctx, true);
        }
    }
}

/* ---- Requests: n reads of a file are in flight at once ---- */

#define MAX_REQUESTS 100000

/* The memory that is used while they are, if somebody looks. */
static bool looks;
static double used_at_once;
static struct iovec *iovs;
static int file_fd = -1;
static uint64_t words[1024];

static bool add_request(unsigned i)
{
    char path[] = "/tmp/scale-XXXXXX";

    if (!iovs) {
        iovs = calloc(MAX_REQUESTS, sizeof(*iovs));
        file_fd = mkstemp(path);
        bench_expect("a file in /tmp", file_fd >= 0 && unlink(path) == 0, 1);
        bench_expect("bytes written", write(file_fd, words, sizeof(words)) == sizeof(words), 1);
        raw_aio_setup(ctx, AIO_ENGINE_THREADS, &error_abort);
        ctx->thread_pool_max = 4;
    }
    iovs[i] = (struct iovec) { calloc(1, sizeof(uint64_t)), sizeof(uint64_t) };
    return true;
}

static void request_done(void *opaque, int ret)
{
    (void)opaque;
    calls += ret == 0;
}

static void submit(unsigned i)
{
    const RawAioOp op = {
        .engine = AIO_ENGINE_THREADS, .type = QEMU_AIO_READ, .fd = file_fd, .iov = &iovs[i], .niov = 1,
        .offset = i * sizeof(uint64_t) % sizeof(words),
    };

    bench_expect("memory for a request", raw_aio_submit(ctx, &op, request_done, NULL) != NULL, 1);
}

static void use_requests(unsigned n, uint64_t times)
{
    for (uint64_t round = 0; round < times / n; round++) {
        uint64_t end = calls + n;
        for (unsigned i = 0; i < n; i++) {
            submit(i);
        }
        if (looks) {
            looks = false;
            used_at_once = used_bytes();
        }
        while (calls < end) {
            aio_poll(ctx, true);
        }
    }
}

/* ---- IOThreads: messages to n of them, and back, with so many under way in all ---- */

#define MAX_IOTHREADS 16
#define UNDER_WAY 64

static IOThread *iothreads[MAX_IOTHREADS];
static uint64_t sent, to_send;

static void send_to(void *opaque);

static void message_back(void *opaque)
{
    calls++;
    if (sent < to_send) {
        sent++;
        send_to(opaque);
    }
}

static void message_there(void *opaque)
{
    (void)opaque;
    aio_bh_schedule_oneshot(ctx, message_back, opaque);
}

static void send_to(void *opaque)
{
    aio_bh_schedule_oneshot(iothread_get_aio_context(opaque), message_there, opaque);
}

static bool add_iothread(unsigned i)
{
    char name[16];

    snprintf(name, sizeof(name), "io%u", i);
    iothreads[i] = iothread_create(name, &error_abort);
    return true;
}

static void use_iothreads(unsigned n, uint64_t times)
{
    uint64_t end = calls + times;

    to_send = times;
    for (sent = 0; sent < MIN(times, UNDER_WAY); sent++) {
        send_to(iothreads[sent % n]);
    }
    while (calls < end) {
        aio_poll(ctx, true);
    }
}

/* ---- All curves ---- */

typedef struct Curve {
    const char *name;
    /* Makes the i-th. Returns false if the system has no room for it. */
    bool (*add)(unsigned i);
    /* Does something so many times, each time with another of the n, or with all. */
    void (*use)(unsigned n, uint64_t times);
    bool at_once;              /* one time is one of n that are used together */
    unsigned most;
    unsigned numbers[7];
} Curve;

static const Curve curves[] = {
    { "contexts", add_context, use_contexts, false, MAX_CONTEXTS, { 1, 2, 4, 8, 16, 32, 64 } },
    { "handlers", add_handler, use_handlers, false, MAX_HANDLERS, { 1, 10, 100, 1000, 10000, 100000 } },
    { "timers", add_timer, use_timers, false, MAX_TIMERS, { 1, 10, 100, 1000, 10000, 100000 } },
    { "coroutines", add_coroutine, use_coroutines, false, MAX_COROUTINES, { 1, 10, 100, 1000, 10000, 100000 } },
    { "pipes", add_pipe, use_pipes, false, MAX_PIPES, { 1, 10, 100, 1000, 10000 } },
    { "requests", add_request, use_requests, true, MAX_REQUESTS, { 1, 10, 100, 1000, 10000, 100000 } },
    { "iothreads", add_iothread, use_iothreads, false, MAX_IOTHREADS, { 1, 2, 4, 8, 16 } },
};

static double time_of(const Curve *curve, unsigned n, uint64_t times)
{
    int64_t start = bench_now(), ns;
    uint64_t before = calls;

    curve->use(n, times);
    ns = bench_now() - start;
    bench_expect(curve->name, calls - before, times);
    return (double)ns;
}

static void measure(const Curve *curve, unsigned n, int64_t warm_up)
{
    char name[32];
    uint64_t times = curve->at_once ? n : 1;
    int64_t end = bench_now() + (bench_ms ? warm_up : 0);

    snprintf(name, sizeof(name), "x_%s_%u", curve->name, n);
    BenchSamples samples = bench_samples(name, "ns");
    while (bench_now() < end) {
        times *= time_of(curve, n, times) < BENCH_BATCH_NS ? 2 : 1;
    }
    end = bench_deadline();
    do {
        bench_add(&samples, time_of(curve, n, times) / (double)times);
    } while (bench_now() < end);
    bench_print(&samples);
}

/* What the n that are there take in all. */
static double used_by(const Curve *curve, unsigned n)
{
    if (!curve->at_once) {
        return used_bytes();
    }
    looks = true;
    curve->use(n, n);
    return used_at_once;
}

static void draw(const Curve *curve)
{
    char name[32];
    unsigned have = 0, before = 0;
    double used = 0;

    for (size_t k = 0; k < ARRAY_SIZE(curve->numbers) && curve->numbers[k]; k++) {
        for (; have < curve->numbers[k]; have++) {
            if (have == curve->most || !curve->add(have)) {
                return;
            }
        }
        double now = used_by(curve, have);
        if (before) {
            snprintf(name, sizeof(name), "x_bytes_%s_%u", curve->name, have);
            BenchSamples bytes = bench_samples(name, "B");
            bench_add(&bytes, (now - used) / (have - before));
            bench_print(&bytes);
        }
        before = have;
        measure(curve, have, k ? WARM_UP_NS : FIRST_WARM_UP_NS);
        used = used_by(curve, have);
    }
}

int main(int argc, char **argv)
{
    bench_init(argc, argv);
    bench_allow_many_fds();
    ctx = aio_context_new(&error_abort);
    qemu_set_current_aio_context(ctx);
    for (size_t i = 0; i < ARRAY_SIZE(curves); i++) {
        if (bench_wants(curves[i].name)) {
            draw(&curves[i]);
        }
    }
    return 0;
}
