/* SPDX-License-Identifier: MIT */
#ifndef BENCH_H
#define BENCH_H
/*
 * What the benchmark programs share. A program is run as
 *
 *     prog [ms=N] [name...]
 *
 * measures the lines that are named (none named: all it knows) for about N
 * milliseconds each, and prints what it measured, a line of JSON each. With ms=0
 * each line is run once, cold: what it counts is tested, and the figure is worth nothing.
 *
 *     {"name":"a_idle_poll","unit":"ns","samples":[38.1,37.9]}
 *
 * run.mjs starts the programs in turn, several times, and makes one figure of
 * all samples. A count that is not what it ought to be ends the program with
 * exit code 1: a figure of work that was not done is worth nothing.
 */
#include "qemu/atomic.h"
#include "qemu/osdep.h"
#include "qemu/timer.h"
#ifdef CONFIG_POSIX
#include <sys/resource.h>
#endif

/* ---- The command line ---- */

static unsigned bench_ms = 50;
static int bench_argc;
static char **bench_argv;

static inline void bench_init(int argc, char **argv)
{
    bench_argc = argc - 1;
    bench_argv = argv + 1;
    if (bench_argc && strncmp(bench_argv[0], "ms=", 3) == 0) {
        bench_ms = (unsigned)atoi(bench_argv[0] + 3);
        bench_argc--;
        bench_argv++;
    }
}

static inline bool bench_wants(const char *name)
{
    for (int i = 0; i < bench_argc; i++) {
        if (strcmp(bench_argv[i], name) == 0) {
            return true;
        }
    }
    return bench_argc == 0;
}

/* Natively each notifier and pipe is an fd, and the kernel allows few unless it is asked. */
static inline void bench_allow_many_fds(void)
{
#ifdef CONFIG_POSIX
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
#endif
}

/* ---- Time and truth ---- */

static inline int64_t bench_now(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
}

/* The time of one turn's worth of measuring is over at this moment. */
static inline int64_t bench_deadline(void)
{
    return bench_now() + bench_ms * INT64_C(1000000);
}

static inline void bench_expect(const char *what, uint64_t is, uint64_t ought)
{
    if (is != ought) {
        fprintf(stderr, "%s: %" PRIu64 " instead of %" PRIu64 "\n", what, is,
                ought);
        fflush(NULL);
        _Exit(1);
    }
}

/* A small, quick generator: the same numbers in every build. */
static inline uint32_t bench_random(uint32_t *state)
{
    uint32_t x = *state;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

/*
 * Which CPUs its threads run on is decided from outside: a program for which
 * that matters says "place", works on for a while as it will when it measures,
 * so that its threads can be told by what they do, and then says "placed".
 */
#define BENCH_PLACE_NS (bench_ms ? 500000000 : 0)

static inline void bench_say(const char *what)
{
    printf("{\"%s\":true}\n", what);
    fflush(stdout);
}

/* ---- Samples ---- */

#define BENCH_MAX_SAMPLES 10000

typedef struct BenchSamples {
    const char *name;
    const char *unit;
    double *values;
    unsigned count;
} BenchSamples;

static inline BenchSamples bench_samples(const char *name, const char *unit)
{
    BenchSamples s = { name, unit, NULL, 0 };

    s.values = calloc(BENCH_MAX_SAMPLES, sizeof(double));
    bench_expect("samples that there is memory for", s.values != NULL, 1);
    return s;
}

static inline void bench_add(BenchSamples *s, double value)
{
    if (s->count < BENCH_MAX_SAMPLES) {
        s->values[s->count++] = value;
    }
}

static inline void bench_print(BenchSamples *s)
{
    if (s->count) {
        printf("{\"name\":\"%s\",\"unit\":\"%s\",\"samples\":[", s->name,
               s->unit);
        for (unsigned i = 0; i < s->count; i++) {
            printf("%s%.2f", i ? "," : "", s->values[i]);
        }
        printf("]}\n");
        fflush(stdout);
    }
    free(s->values);
}

/* ---- Batches: for operations that are shorter than a clock read ---- */

#define BENCH_BATCH_NS 200000
#define BENCH_WARMUP_NS (bench_ms ? 100000000 : 0)

typedef struct BenchLine {
    const char *name;
    /* Does the operation n times, and checks that it was done. */
    void (*run)(uint64_t n);
    unsigned per;              /* one operation counts as so many; 0 is 1 */
    BenchSamples samples;
    uint64_t batch;
} BenchLine;

static inline int64_t bench_time(const BenchLine *line, uint64_t n)
{
    int64_t start = bench_now();

    line->run(n);
    return bench_now() - start;
}

/*
 * Runs the line until the compiler had time to do its best (WebAssembly starts
 * in quickly made code) and finds how many operations make a batch.
 */
static inline void bench_warm_up(BenchLine *line)
{
    int64_t end = bench_now() + BENCH_WARMUP_NS;

    line->batch = 1;
    while (bench_now() < end) {
        int64_t ns = bench_time(line, line->batch);
        if (ns < BENCH_BATCH_NS / 2) {
            line->batch *= 2;
        } else if (ns > BENCH_BATCH_NS * 2 && line->batch > 1) {
            line->batch /= 2;
        }
    }
}

/* Lines take turns, a batch each, so that what disturbs one disturbs all. */
static inline void bench_lines(BenchLine *lines, unsigned count)
{
    unsigned wanted = 0;
    int64_t end;

    for (unsigned i = 0; i < count; i++) {
        if (bench_wants(lines[i].name)) {
            lines[wanted++] = lines[i];
        }
    }
    for (unsigned i = 0; i < wanted; i++) {
        lines[i].samples = bench_samples(lines[i].name, "ns");
        bench_warm_up(&lines[i]);
    }
    end = bench_now() + wanted * bench_ms * INT64_C(1000000);
    do {
        for (unsigned i = 0; i < wanted; i++) {
            double ns = bench_time(&lines[i], lines[i].batch);
            bench_add(&lines[i].samples,
                      ns / lines[i].batch / MAX(lines[i].per, 1u));
        }
    } while (wanted && bench_now() < end);
    for (unsigned i = 0; i < wanted; i++) {
        bench_print(&lines[i].samples);
    }
}

#endif
