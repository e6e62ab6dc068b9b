/* SPDX-License-Identifier: MIT */
/* Coroutines in one thread: entering and yielding, making and ending, scheduling
 * (f_*); natively, what sigsetjmp and siglongjmp need for the first (y_*). */
#include "bench.h"
#include "block/aio.h"

static AioContext *ctx;
static uint64_t count;

/* ---- Enter and yield ---- */

static void coroutine_fn yield_for_ever(void *opaque)
{
    (void)opaque;
    for (;;) {
        count++;
        qemu_coroutine_yield();
    }
}

/* Frames between the entry and the yield. Each refers to the one above it, so that the
 * compiler has to keep them all. */
typedef struct Frame {
    const struct Frame *above;
} Frame;

static volatile bool running_on = true;
static uint64_t frames;                   /* that the last yield found */

static __attribute__((noinline)) uint64_t coroutine_fn yield_below(const Frame *above,
                                                                   int depth)
{
    Frame own = { above };

    if (depth > 1) {
        return yield_below(&own, depth - 1) + 1;
    }
    while (running_on) {
        frames = 0;
        for (const Frame *frame = &own; frame; frame = frame->above) {
            frames++;
        }
        count++;
        qemu_coroutine_yield();
    }
    return 1;
}

static void coroutine_fn yield_deep(void *opaque)
{
    count += yield_below(NULL, (int)(intptr_t)opaque);
}

static void enter(Coroutine *co, uint64_t n)
{
    uint64_t before = count;

    for (uint64_t i = 0; i < n; i++) {
        qemu_coroutine_enter(co);
    }
    bench_expect("times it was entered", count - before, n);
}

static void enter_yield(uint64_t n)
{
    static Coroutine *co;

    if (!co) {
        co = qemu_coroutine_create(yield_for_ever, NULL);
    }
    enter(co, n);
}

/* The deepest frame counts them each time, which takes about 1 ns a frame. */
static void enter_deep(Coroutine **co, intptr_t depth, uint64_t n)
{
    if (!*co) {
        *co = qemu_coroutine_create(yield_deep, (void *)depth);
    }
    enter(*co, n);
    bench_expect("frames below the entry", frames, (uint64_t)depth);
}

static void enter_yield_10(uint64_t n)
{
    static Coroutine *co;
    enter_deep(&co, 10, n);
}

static void enter_yield_30(uint64_t n)
{
    static Coroutine *co;
    enter_deep(&co, 30, n);
}

static void enter_yield_100(uint64_t n)
{
    static Coroutine *co;
    enter_deep(&co, 100, n);
}

/* ---- Create and end ---- */

static void coroutine_fn end_at_once(void *opaque)
{
    (void)opaque;
    count++;
}

static void create_end(uint64_t n)
{
    uint64_t before = count;

    for (uint64_t i = 0; i < n; i++) {
        qemu_coroutine_enter(qemu_coroutine_create(end_at_once, NULL));
    }
    bench_expect("coroutines run", count - before, n);
}

/* ---- Schedule ---- */

static void coroutine_fn schedule_itself(void *opaque)
{
    (void)opaque;
    for (;;) {
        count++;
        aio_co_schedule(ctx, qemu_coroutine_self());
        qemu_coroutine_yield();
    }
}

static void schedule_self(uint64_t n)
{
    static Coroutine *co;
    uint64_t before = count;

    if (!co) {
        co = qemu_coroutine_create(schedule_itself, NULL);
        aio_co_schedule(ctx, co);
    }
    for (uint64_t i = 0; i < n; i++) {
        aio_poll(ctx, false);
    }
    bench_expect("times it ran", count - before, n);
}

/* ---- The yardstick: a makecontext stack, switched as the original does ---- */

#if defined(CONFIG_POSIX)
#include <setjmp.h>
#include <ucontext.h>

typedef struct Side {
    sigjmp_buf env;
    struct Side *caller;
} Side;

static Side leader, other;
static _Thread_local Side *running_tls = &leader;
static ucontext_t first, unused;

/* The original's, too, are read and set in functions that are not inlined. */
static __attribute__((noinline)) Side *get_running(void)
{
    __asm__ volatile("");
    return running_tls;
}

static __attribute__((noinline)) void set_running(Side *side)
{
    __asm__ volatile("");
    running_tls = side;
}

static __attribute__((noinline)) int switch_sides(Side *from, Side *to)
{
    int ret;

    set_running(to);
    ret = sigsetjmp(from->env, 0);
    if (ret == 0) {
        siglongjmp(to->env, 1);
    }
    return ret;
}

static __attribute__((noinline)) void enter_side(Side *to)
{
    Side *from = get_running();

    to->caller = from;
    switch_sides(from, to);
}

static __attribute__((noinline)) void yield_side(void)
{
    Side *self = get_running(), *to = self->caller;

    self->caller = NULL;
    switch_sides(self, to);
}

static void other_main(void)
{
    if (!sigsetjmp(other.env, 0)) {
        swapcontext(&unused, &first);
    }
    for (;;) {
        count++;
        yield_side();
    }
}

static void sigsetjmp_yield(uint64_t n)
{
    static char *stack;
    uint64_t before = count;

    if (!stack) {
        ucontext_t context;
        stack = malloc(65536);
        getcontext(&context);
        context.uc_stack.ss_sp = stack;
        context.uc_stack.ss_size = 65536;
        context.uc_link = NULL;
        makecontext(&context, other_main, 0);
        swapcontext(&first, &context);
    }
    for (uint64_t i = 0; i < n; i++) {
        enter_side(&other);
    }
    bench_expect("times it was entered", count - before, n);
}
#endif

int main(int argc, char **argv)
{
    BenchLine lines[] = {
        { .name = "f_co_enter_yield", .run = enter_yield },
        { .name = "f_co_enter_yield_10", .run = enter_yield_10 },
        { .name = "f_co_enter_yield_30", .run = enter_yield_30 },
        { .name = "f_co_enter_yield_100", .run = enter_yield_100 },
        { .name = "f_co_create_end", .run = create_end },
        { .name = "f_co_schedule_self", .run = schedule_self },
#if defined(CONFIG_POSIX)
        { .name = "y_co_sigsetjmp", .run = sigsetjmp_yield },
#endif
    };

    bench_init(argc, argv);
    ctx = aio_context_new(NULL);
    bench_expect("contexts", ctx != NULL, 1);
    qemu_set_current_aio_context(ctx);
    bench_lines(lines, ARRAY_SIZE(lines));
    return 0;
}
