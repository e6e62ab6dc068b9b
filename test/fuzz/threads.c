/* SPDX-License-Identifier: MIT */
/*
 * Up to three threads use what any thread may use of one context, whose home thread runs
 * the loop; the input is divided between them. Each thing that has to run is counted
 * when it is asked for, and a thread may wait until its last request has been served: a
 * wake-up that is lost ends the run by its time-out. In the end everything that was asked
 * for has been served, and coroutines have excluded each other.
 */
#include "expect.h"
#include "ring.h"

#include "block/aio.h"
#include "qemu/coroutine.h"
#include "qemu/thread.h"

#define THREADS 3
#define SHARED 4               /* bottom halves, notifiers and timers */

/* Something that runs at least once after it was asked for. */
typedef struct Served {
    uint32_t asked;
    uint32_t seen;             /* `asked`, as the last run found it */
    QemuEvent ran;
} Served;

static AioContext *ctx;
static struct { Served s; QEMUBH *bh; } bhs[SHARED];
static struct { Served s; EventNotifier e; } notifiers[SHARED];
static struct { Served s; QEMUTimer *timer; } timers[SHARED];
static uint32_t running;       /* threads that have not ended */

static void serve(Served *s)
{
    qatomic_mb_set(&s->seen, qatomic_mb_read(&s->asked));
    qemu_event_set(&s->ran);
}

static void ask(Served *s)
{
    qatomic_inc(&s->asked);
}

/* Waits until what was asked for by now has been served. */
static void wait_for(Served *s)
{
    uint32_t asked = qatomic_mb_read(&s->asked);

    while ((int32_t)(qatomic_mb_read(&s->seen) - asked) < 0) {
        qemu_event_reset(&s->ran);
        if ((int32_t)(qatomic_mb_read(&s->seen) - asked) >= 0) {
            break;
        }
        qemu_event_wait(&s->ran);
    }
}

static void ran(void *opaque)
{
    serve(opaque);
}

static void is_set(EventNotifier *e)
{
    unsigned i = 0;

    while (&notifiers[i].e != e) {
        i++;
    }
    event_notifier_test_and_clear(e);
    serve(&notifiers[i].s);
}

/* ---- Coroutines count under a mutex ---- */

static CoMutex mutex;
static unsigned inside, counted;
static uint32_t started;

static void coroutine_fn count(void *opaque)
{
    qemu_co_mutex_lock(&mutex);
    EXPECT(++inside == 1);
    if ((uintptr_t)opaque & 1) {
        aio_co_schedule(ctx, qemu_coroutine_self());
        qemu_coroutine_yield();
    }
    EXPECT(--inside == 0);
    counted++;
    qemu_co_mutex_unlock(&mutex);
}

static uint32_t oneshots;
static unsigned oneshots_ran;

static void oneshot(void *opaque)
{
    oneshots_ran++;
}

/* ---- The threads ---- */

typedef struct Part {
    const uint8_t *begin, *end;
    QemuThread thread;
} Part;

static void nothing(void *opaque, const char *text)
{
}

static void do_op(unsigned op, unsigned what)
{
    unsigned i = what % SHARED;

    switch (op % 16) {
    case 0: case 1:
        ask(&bhs[i].s);
        qemu_bh_schedule(bhs[i].bh);
        break;
    case 2:
        ask(&bhs[i].s);
        qemu_bh_schedule_idle(bhs[i].bh);
        break;
    case 3: case 4:
        ask(&notifiers[i].s);
        EXPECT(event_notifier_set(&notifiers[i].e) == 0);
        break;
    case 5: case 6:
        ask(&timers[i].s);
        timer_mod_ns(timers[i].timer, what);
        break;
    case 7:
        timer_mod_anticipate_ns(timers[i].timer, what);
        break;
    case 8:
        qatomic_inc(&started);
        aio_co_enter(ctx, qemu_coroutine_create(count, (void *)(uintptr_t)what));
        break;
    case 9:
        qatomic_inc(&oneshots);
        aio_bh_schedule_oneshot(ctx, oneshot, NULL);
        break;
    case 10: aio_notify(ctx); break;
    case 11: aio_context_set_poll_params(ctx, what * 100, 0, 0, NULL); break;
    case 12:
        aio_disable_external(ctx);
        aio_enable_external(ctx);
        break;
    case 13:
        if (what % 16 == 0) {
            aio_context_dump(ctx, nothing, NULL);
        }
        break;
    case 14: wait_for(&bhs[i].s); break;
    default: wait_for(what & SHARED ? &notifiers[i].s : &timers[i].s); break;
    }
}

static void *run_part(void *opaque)
{
    Part *part = opaque;

    for (const uint8_t *p = part->begin; p + 1 < part->end; p += 2) {
        do_op(p[0], p[1]);
    }
    qatomic_dec(&running);
    aio_notify(ctx);
    return NULL;
}

/* ---- A run ---- */

static void init(Served *s)
{
    s->asked = s->seen = 0;
    qemu_event_init(&s->ran, false);
}

static void begin(void)
{
    ctx = aio_context_new(NULL);
    qemu_set_current_aio_context(ctx);
    qemu_co_mutex_init(&mutex);
    inside = counted = oneshots_ran = 0;
    started = oneshots = 0;
    for (unsigned i = 0; i < SHARED; i++) {
        init(&bhs[i].s);
        bhs[i].bh = aio_bh_new(ctx, ran, &bhs[i].s);
        init(&timers[i].s);
        timers[i].timer = aio_timer_new(ctx, QEMU_CLOCK_REALTIME, SCALE_NS, ran,
                                        &timers[i].s);
        init(&notifiers[i].s);
        EXPECT(event_notifier_init(&notifiers[i].e, 0) == 0);
        aio_set_event_notifier(ctx, &notifiers[i].e, i & 1, is_set, NULL);
    }
}

static void end(void)
{
    for (unsigned i = 0; i < SHARED; i++) {
        Served *s[] = { &bhs[i].s, &notifiers[i].s, &timers[i].s };

        qemu_bh_delete(bhs[i].bh);
        timer_free(timers[i].timer);
        aio_set_event_notifier(ctx, &notifiers[i].e, i & 1, NULL, NULL);
        event_notifier_cleanup(&notifiers[i].e);
        for (unsigned k = 0; k < 3; k++) {
            EXPECT(s[k]->seen == s[k]->asked);
            qemu_event_destroy(&s[k]->ran);
        }
    }
    EXPECT(counted == started && oneshots_ran == oneshots);
    aio_poll(ctx, false);
    aio_context_detach_current();
    aio_context_unref(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Part parts[THREADS];
    unsigned threads = size ? 1 + data[0] % THREADS : 1;
    size_t share = size ? (size - 1) / threads : 0;

    ring_wanted = size && data[0] % 64 == 63;
    begin();
    running = threads;
    for (unsigned i = 0; i < threads; i++) {
        const uint8_t *from = data + (size ? 1 + i * share : 0);

        parts[i] = (Part){ .begin = from, .end = from + share };
        qemu_thread_create(&parts[i].thread, "part", run_part, &parts[i],
                           QEMU_THREAD_JOINABLE);
    }
    while (qatomic_mb_read(&running)) {
        aio_poll(ctx, true);
    }
    for (unsigned i = 0; i < threads; i++) {
        qemu_thread_join(&parts[i].thread);
    }
    /* What is due runs in the next iterations; a coroutine that waits for the mutex or
     * was scheduled anew needs one more each. */
    for (unsigned i = 0; i < 4 + 2 * started; i++) {
        aio_poll(ctx, false);
    }
    end();
    return 0;
}
