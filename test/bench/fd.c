/* SPDX-License-Identifier: MIT */
/* Handlers (e_*): one notifier of n is set and its handler dispatched; one more
 * handler is registered, and removed, beside n. */
#include "bench.h"
#include "block/aio.h"
#include "qapi/error.h"

/* A loop with so many handlers; all four exist at once, so that their lines can
 * take turns. */
typedef struct Loop {
    AioContext *ctx;
    EventNotifier *notifiers;      /* one more than there are handlers */
    unsigned handlers;
} Loop;

static Loop loops[] = {
    { .handlers = 1 }, { .handlers = 64 }, { .handlers = 1000 },
    { .handlers = 10000 },
};
static uint64_t calls;

static void clear_cb(EventNotifier *e)
{
    event_notifier_test_and_clear(e);
    calls++;
}

static void set_up(Loop *loop)
{
    loop->ctx = aio_context_new(&error_abort);
    loop->notifiers = calloc(loop->handlers + 1, sizeof(EventNotifier));
    for (unsigned i = 0; i <= loop->handlers; i++) {
        int ret = event_notifier_init(&loop->notifiers[i], 0);
        bench_expect("notifiers", ret == 0, 1);
        if (i < loop->handlers) {
            aio_set_event_notifier(loop->ctx, &loop->notifiers[i], false,
                                   clear_cb, NULL);
        }
    }
}

static void dispatch(Loop *loop, uint64_t n)
{
    uint64_t before = calls;

    qemu_set_current_aio_context(loop->ctx);
    for (uint64_t i = 0; i < n; i++) {
        event_notifier_set(&loop->notifiers[i * 7919 % loop->handlers]);
        aio_poll(loop->ctx, false);
    }
    aio_context_detach_current();
    bench_expect("handlers run", calls - before, n);
}

/* Registering one more, and removing it again, which counts as another. */
static void add_and_remove(Loop *loop, uint64_t n)
{
    EventNotifier *e = &loop->notifiers[loop->handlers];

    qemu_set_current_aio_context(loop->ctx);
    for (uint64_t i = 0; i < n; i++) {
        aio_set_event_notifier(loop->ctx, e, false, clear_cb, NULL);
        aio_set_event_notifier(loop->ctx, e, false, NULL, NULL);
    }
    /* The same call makes a handler that runs, and no other one is left behind. */
    uint64_t before = calls;
    aio_set_event_notifier(loop->ctx, e, false, clear_cb, NULL);
    event_notifier_set(e);
    aio_poll(loop->ctx, false);
    aio_set_event_notifier(loop->ctx, e, false, NULL, NULL);
    event_notifier_set(e);
    aio_poll(loop->ctx, false);
    event_notifier_test_and_clear(e);
    aio_context_detach_current();
    bench_expect("times the handler ran", calls - before, 1);
}

#define OF_LOOP(name, what, at)                                              \
    static void name(uint64_t n)                                             \
    {                                                                        \
        what(&loops[at], n);                                                 \
    }
OF_LOOP(dispatch_1, dispatch, 0)
OF_LOOP(dispatch_64, dispatch, 1)
OF_LOOP(dispatch_1k, dispatch, 2)
OF_LOOP(dispatch_10k, dispatch, 3)
OF_LOOP(register_1, add_and_remove, 0)
OF_LOOP(register_10k, add_and_remove, 3)

int main(int argc, char **argv)
{
    BenchLine lines[] = {
        { .name = "e_fd_dispatch_1", .run = dispatch_1 },
        { .name = "e_fd_dispatch_64", .run = dispatch_64 },
        { .name = "e_fd_dispatch_1k", .run = dispatch_1k },
        { .name = "e_fd_dispatch_10k", .run = dispatch_10k },
        { .name = "e_fd_register_1", .run = register_1, .per = 2 },
        { .name = "e_fd_register_10k", .run = register_10k, .per = 2 },
    };

    bench_init(argc, argv);
    bench_allow_many_fds();
    for (size_t i = 0; i < ARRAY_SIZE(loops); i++) {
        set_up(&loops[i]);
    }
    bench_lines(lines, ARRAY_SIZE(lines));
    return 0;
}
