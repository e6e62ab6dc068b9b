/* SPDX-License-Identifier: MIT */
/*
 * Bounded progress (docs/loop.md): whatever is ready runs within a stated number of
 * iterations, whatever else the loop is busy with. Each pair of a source that keeps it
 * busy and one that waits is tried, in each way a loop is driven, with and without
 * polling in user space, on the ring and where there is none.
 *
 * The matrix is printed (build/native/tests test-progress): the iterations that each
 * pair took at most, on the ring and without one; 0: it came, and nobody counted.
 */
#include "block/raw-aio.h"
#include "loop.h"
#include "qemu/coroutine.h"

/* What a poll that does not wait may leave unlooked at where there is no ring. */
enum { UNWALKED = 32 };

/* ---- Sources ---- */

typedef struct Source Source;

/* A kind of thing that a loop runs. It runs once when it is made ready; a busy one
 * makes itself ready again each time. */
typedef struct Kind {
    const char *name;
    bool (*init)(Source *source);          /* false: this machine has none */
    void (*make_ready)(Source *source);
    void (*cleanup)(Source *source);
    AioEngine engine;
    enum { AT_ONCE, BY_FD, LATER } when;   /* is it ready after make_ready? */
} Kind;

enum { AT_ONCE_IN_FLIGHT = 4 };

/* A request; no two read to the same place. */
typedef struct Read {
    Source *source;
    bool in_flight;
    char byte;
    struct iovec iov;
} Read;

struct Source {
    const Kind *kind;
    bool busy;
    bool level;                            /* it stays ready until it has run */
    uint64_t ran;
    unsigned in_flight;
    QEMUBH *bh;
    QEMUTimer timers[4];
    unsigned next_timer;
    EventNotifier e;
    Coroutine *co;
    QemuThread thread;
    uint32_t stop;
    Read reads[AT_ONCE_IN_FLIGHT];
};

static int file = -1;

static void note_run(Source *source)
{
    source->ran++;
    if (source->busy) {
        source->kind->make_ready(source);
    }
}

static void run_cb(void *opaque)
{
    note_run(opaque);
}

/* ---- Bottom halves ---- */

static bool init_bh(Source *source)
{
    source->bh = aio_bh_new(ctx, run_cb, source);
    return true;
}

static void schedule(Source *source)
{
    qemu_bh_schedule(source->bh);
}

static void schedule_idle(Source *source)
{
    qemu_bh_schedule_idle(source->bh);
}

static void cleanup_bh(Source *source)
{
    qemu_bh_delete(source->bh);
}

/* ---- Timers ---- */

static bool init_timers(Source *source)
{
    for (int i = 0; i < 4; i++) {
        aio_timer_init(ctx, &source->timers[i], QEMU_CLOCK_REALTIME, SCALE_NS,
                       run_cb, source);
    }
    return true;
}

/* Due for some time: those armed at 0 are before it, those at now after. */
static void arm(Source *source)
{
    timer_mod_ns(&source->timers[0], source->busy ? 0 : now_ns() - SCALE_MS);
}

static void arm_twice(Source *source)
{
    timer_mod_ns(&source->timers[0], 0);
    timer_mod_ns(&source->timers[0], 0);
}

static void arm_another(Source *source)
{
    timer_mod_ns(&source->timers[source->next_timer++ % 4], 0);
}

static void cleanup_timers(Source *source)
{
    for (int i = 0; i < 4; i++) {
        timer_del(&source->timers[i]);
    }
}

/* ---- Notifiers ---- */

static void notifier_cb(EventNotifier *e)
{
    Source *source = container_of(e, Source, e);

    if (!source->level || !source->busy) {
        event_notifier_test_and_clear(e);
    }
    note_run(source);
}

static bool never(void *opaque)
{
    (void)opaque;
    return false;
}

static bool watch(Source *source, AioPollFn *io_poll)
{
    ASSERT_INT_EQ(event_notifier_init(&source->e, 0), 0);
    aio_set_event_notifier(ctx, &source->e, false, notifier_cb, io_poll);
    return true;
}

static bool init_notifier(Source *source)
{
    return watch(source, NULL);
}

static bool init_level(Source *source)
{
    source->level = true;
    return watch(source, NULL);
}

static bool init_pollable(Source *source)
{
    return watch(source, never);
}

static void set(Source *source)
{
    event_notifier_set(&source->e);
}

static void cleanup_notifier(Source *source)
{
    aio_set_event_notifier(ctx, &source->e, false, NULL, NULL);
    event_notifier_cleanup(&source->e);
}

/* ---- Requests ---- */

static void request_cb(void *opaque, int ret)
{
    Read *request = opaque;
    Source *source = request->source;

    ASSERT_INT_EQ(ret, 0);
    request->in_flight = false;
    source->in_flight--;
    note_run(source);
}

static bool init_engine(Source *source)
{
    Error *err = NULL;

    if (!raw_aio_setup(ctx, source->kind->engine, &err)) {
        error_free(err);
        return false;
    }
    return true;
}

static void submit(Source *source)
{
    Read *request = source->reads;
    RawAioOp op = { .engine = source->kind->engine, .type = QEMU_AIO_READ,
                    .fd = file, .niov = 1 };

    while (request->in_flight) {
        request++;
    }
    request->source = source;
    request->in_flight = true;
    request->iov = (struct iovec){ &request->byte, 1 };
    op.iov = &request->iov;
    source->in_flight++;
    ASSERT_TRUE(raw_aio_submit(ctx, &op, request_cb, request));
}

static void cleanup_engine(Source *source)
{
    while (source->in_flight) {
        aio_poll(ctx, true);
    }
}

/* ---- A coroutine ---- */

static void schedule_co(Source *source)
{
    source->in_flight = 1;
    aio_co_schedule(ctx, source->co);
}

static void co_entry(void *opaque)
{
    Source *source = opaque;

    for (;;) {
        qemu_coroutine_yield();
        source->in_flight = 0;
        if (source->stop) {
            break;
        }
        note_run(source);
    }
}

static bool init_co(Source *source)
{
    source->co = qemu_coroutine_create(co_entry, source);
    qemu_coroutine_enter(source->co);
    return true;
}

static void cleanup_co(Source *source)
{
    source->stop = true;
    if (!source->in_flight) {
        schedule_co(source);
    }
    while (source->in_flight) {
        aio_poll(ctx, true);
    }
}

/* ---- Notifications of another thread ---- */

static void *notify_thread(void *opaque)
{
    Source *source = opaque;

    while (!qatomic_mb_read(&source->stop)) {
        aio_notify(ctx);
        qatomic_set(&source->ran, source->ran + 1);
    }
    return NULL;
}

static bool init_storm(Source *source)
{
    qemu_thread_create(&source->thread, "storm", notify_thread, source,
                       QEMU_THREAD_JOINABLE);
    return true;
}

static void wait_for_storm(Source *source)
{
    TEST_WAIT_UNTIL(qatomic_read(&source->ran) > 0);
}

static void cleanup_storm(Source *source)
{
    qatomic_mb_set(&source->stop, true);
    qemu_thread_join(&source->thread);
}

/* ---- The kinds ---- */

static const Kind kinds[] = {
    { "bh", init_bh, schedule, cleanup_bh, 0, AT_ONCE },
    { "idle-bh", init_bh, schedule_idle, cleanup_bh, 0, AT_ONCE },
    { "timer", init_timers, arm, cleanup_timers, 0, AT_ONCE },
    { "notifier", init_notifier, set, cleanup_notifier, 0, BY_FD },
    { "pollable", init_pollable, set, cleanup_notifier, 0, BY_FD },
    { "coroutine", init_co, schedule_co, cleanup_co, 0, AT_ONCE },
    { "threads", init_engine, submit, cleanup_engine, AIO_ENGINE_THREADS, LATER },
    { "native", init_engine, submit, cleanup_engine, AIO_ENGINE_NATIVE, LATER },
    { "io_uring", init_engine, submit, cleanup_engine, AIO_ENGINE_IO_URING, LATER },
    { "sync", init_engine, submit, cleanup_engine, AIO_ENGINE_SYNC, AT_ONCE },
    /* These make sense as busy ones only. */
    { "timer-twice", init_timers, arm_twice, cleanup_timers, 0, AT_ONCE },
    { "timer-fresh", init_timers, arm_another, cleanup_timers, 0, AT_ONCE },
    { "level-fd", init_level, set, cleanup_notifier, 0, BY_FD },
    { "notify-storm", init_storm, wait_for_storm, cleanup_storm, 0, AT_ONCE },
};

enum { WAITING_KINDS = 10, KINDS = ARRAY_SIZE(kinds) };

/* ---- Ways to drive a loop ---- */

typedef enum { POLL, POLL_BLOCKING, GSOURCE, HOSTED, WAYS } Way;

static const char *const way_names[WAYS] = { "aio_poll(false)", "aio_poll(true)", "GSource", "hosted" };

/* As GLib does, with a time-out of 0. */
static void iterate_source(void)
{
    const GSourceFuncs *funcs = ctx->source.source_funcs;
    gint timeout;

    if (!funcs->prepare(&ctx->source, &timeout) && !funcs->check(&ctx->source)) {
        return;
    }
    funcs->dispatch(&ctx->source, NULL, NULL);
}

/* As a page does, with time for one call-back of each kind. */
static void turn(void)
{
    const GSourceFuncs *funcs = ctx->source.source_funcs;
    gint timeout;

    if (funcs->check(&ctx->source)) {
        aio_dispatch_for(ctx, 0);
    }
    funcs->prepare(&ctx->source, &timeout);
}

static void iterate(Way way)
{
    switch (way) {
    case POLL:
        aio_poll(ctx, false);
        break;
    case POLL_BLOCKING:
        aio_poll(ctx, true);
        break;
    case GSOURCE:
        iterate_source();
        break;
    default:
        turn();
    }
}

/* ---- The matrix ---- */

typedef struct Set {
    Way way;
    bool polling;
    bool ring;
} Set;

/* docs/loop.md, "What is promised". */
static unsigned bound(const Set *set)
{
    if (set->way == HOSTED) {
        return 4;                /* one call-back of each kind a turn, oldest first */
    }
    return set->ring || set->way == GSOURCE ? 1 : UNWALKED;
}

static bool begin(Source *source, const Kind *kind, bool busy)
{
    *source = (Source){ .kind = kind, .busy = busy };
    return kind->init(source);
}

enum { STARVES = 1000 };

/*
 * What another thread or the kernel makes ready becomes so at a time that nobody sees:
 * then the iterations are not counted, but it has to come. So it is with fds on the
 * kernel's ring: it has been seen to tell of a notifier that was set in the same thread
 * some 50 us late, when another CPU was just completing something for that thread. A
 * request's bottom half and its notifier, one with io_poll, are counted as others are.
 */
static bool is_counted(const Kind *kind, const Set *set)
{
#ifdef CONFIG_POSIX
    bool by_kernel = kind->when == BY_FD && set->ring;
#else
    bool by_kernel = false;
#endif

    (void)set;
    return kind->when != LATER && !by_kernel;
}

/* How many iterations it takes until it has run. */
static int run_once(Source *waiting, const Set *set)
{
    bool counted = is_counted(waiting->kind, set);
    uint64_t ran = waiting->ran;
    int n = 0;

    waiting->kind->make_ready(waiting);
    while (waiting->ran == ran && n < STARVES) {
        iterate(set->way);
        n += counted;
    }
    return n;
}

/* The most of three rounds; -1: this machine lacks one of the two. */
static int try_pair(const Kind *busy_kind, const Kind *waiting_kind, const Set *set)
{
    static Source busy, waiting;
    int most = -1;

    if (!begin(&busy, busy_kind, true)) {
        return -1;
    }
    if (!begin(&waiting, waiting_kind, false)) {
        busy_kind->cleanup(&busy);
        return -1;
    }
    for (int i = 0; i < (busy_kind->when == LATER ? AT_ONCE_IN_FLIGHT : 1); i++) {
        busy_kind->make_ready(&busy);
    }
    while (qatomic_read(&busy.ran) < 3) {
        iterate(set->way);
    }
    for (int round = 0; round < 3 && most < STARVES; round++) {
        for (int i = 0; i < 3; i++) {
            iterate(set->way);
        }
        most = MAX(most, run_once(&waiting, set));
    }
    busy.busy = false;
    waiting_kind->cleanup(&waiting);
    busy_kind->cleanup(&busy);
    return most;
}

static void begin_set(const Set *set)
{
    loop_setup();
    if (!set->ring) {
        loop_leave_the_ring();
    }
    if (set->way == GSOURCE || set->way == HOSTED) {
        aio_context_use_g_source(ctx);
    }
    if (set->polling) {
        aio_context_set_poll_params(ctx, 20 * SCALE_US, 2, 2, &error_abort);
        qatomic_set(&ctx->poll_ns, 20 * SCALE_US);
    }
}

/* With each busy kind beside waiting_kind. */
static void try_row(const Kind *waiting_kind)
{
    char starving[2048] = "";

    file = test_file();
    ASSERT_INT_EQ(ftruncate(file, 1), 0);
    for (int busy = 0; busy < KINDS; busy++) {
        int most[2] = { -1, -1 };

        for (unsigned i = 0; i < WAYS * 4; i++) {
            Set set = { .way = i / 4, .polling = i & 1, .ring = i & 2 };
            int n;

            if (set.polling && set.way != POLL && set.way != POLL_BLOCKING) {
                continue;        /* a foreign loop does not poll in user space */
            }
            begin_set(&set);
            n = try_pair(&kinds[busy], waiting_kind, &set);
            loop_teardown();
            most[set.ring] = MAX(most[set.ring], n);
            if (n > (int)bound(&set)) {
                size_t length = strlen(starving);
                snprintf(starving + length, sizeof(starving) - length,
                         "\n  beside %s: %d iterations, not %u (%s%s%s)",
                         kinds[busy].name, n, bound(&set), way_names[set.way],
                         set.polling ? ", polling" : "",
                         set.ring ? "" : ", no ring");
            }
        }
        printf("%-10s beside %-12s %3d %3d\n", waiting_kind->name,
               kinds[busy].name, most[1], most[0]);
    }
    close(file);
    ASSERT_STR_EQ(starving, "");
}

#define ROW(test, n)                                                         \
    static void test(void)                                                   \
    {                                                                        \
        try_row(&kinds[n]);                                                  \
    }
ROW(a_bottom_half_runs_beside_everything, 0)
ROW(an_idle_bottom_half_runs_beside_everything, 1)
ROW(a_timer_runs_beside_everything, 2)
ROW(a_notifier_s_handler_runs_beside_everything, 3)
ROW(one_with_io_poll_runs_beside_everything, 4)
ROW(a_coroutine_runs_beside_everything, 5)
ROW(a_pool_s_request_completes_beside_everything, 6)
ROW(a_native_request_completes_beside_everything, 7)
ROW(an_io_uring_request_completes_beside_everything, 8)
ROW(a_sync_request_completes_beside_everything, 9)

_Static_assert(WAITING_KINDS == 10, "a row for each");

TEST_PROGRAM(
    TEST(a_bottom_half_runs_beside_everything),
    TEST(an_idle_bottom_half_runs_beside_everything),
    TEST(a_timer_runs_beside_everything),
    TEST(a_notifier_s_handler_runs_beside_everything),
    TEST(one_with_io_poll_runs_beside_everything),
    TEST(a_coroutine_runs_beside_everything),
    TEST(a_pool_s_request_completes_beside_everything),
    TEST(a_native_request_completes_beside_everything),
    TEST(an_io_uring_request_completes_beside_everything),
    TEST(a_sync_request_completes_beside_everything),
)
