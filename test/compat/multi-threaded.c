/* SPDX-License-Identifier: MIT */
/* A program of many threads with a context each, and the IOThread helper that
 * such programs bring along. */
#include "qemu/osdep.h"
#include "block/aio.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/rcu.h"
#include "qemu/thread.h"
#ifdef CONFIG_LINUX
#include "qemu/futex.h"
#endif

/* ---- The helper ---- */

typedef struct {
    AioContext *ctx;
    GMainContext *worker_context;
    GMainLoop *main_loop;
    QemuThread thread;
    QemuMutex init_done_lock;
    QemuCond init_done_cond;
    bool stopping;
} Helper;

static void *helper_run(void *opaque)
{
    Helper *helper = opaque;

    rcu_register_thread();
    g_main_context_push_thread_default(helper->worker_context);
    qemu_mutex_lock(&helper->init_done_lock);
    helper->ctx = aio_context_new(&error_abort);
    qemu_set_current_aio_context(helper->ctx);
    GSource *source = aio_get_g_source(helper->ctx);
    g_source_attach(source, helper->worker_context);
    g_source_unref(source);
    qemu_cond_signal(&helper->init_done_cond);
    qemu_mutex_unlock(&helper->init_done_lock);

    while (!qatomic_read(&helper->stopping)) {
        aio_poll(helper->ctx, true);
    }
    g_main_context_pop_thread_default(helper->worker_context);
    rcu_unregister_thread();
    return NULL;
}

static void helper_stop_bh(void *opaque)
{
    ((Helper *)opaque)->stopping = true;
}

static AioContext *helper_join(Helper *helper)
{
    AioContext *ctx = helper->ctx;

    aio_bh_schedule_oneshot(ctx, helper_stop_bh, helper);
    qemu_thread_join(&helper->thread);
    qemu_cond_destroy(&helper->init_done_cond);
    qemu_mutex_destroy(&helper->init_done_lock);
    g_main_loop_unref(helper->main_loop);
    g_main_context_unref(helper->worker_context);
    free(helper);
    return ctx;
}

static Helper *helper_new(void)
{
    Helper *helper = calloc(1, sizeof(*helper));

    qemu_mutex_init(&helper->init_done_lock);
    qemu_cond_init(&helper->init_done_cond);
    helper->worker_context = g_main_context_new();
    helper->main_loop = g_main_loop_new(helper->worker_context, true);
    qemu_thread_create(&helper->thread, NULL, helper_run, helper,
                       QEMU_THREAD_JOINABLE);
    qemu_mutex_lock(&helper->init_done_lock);
    while (helper->ctx == NULL) {
        qemu_cond_wait(&helper->init_done_cond, &helper->init_done_lock);
    }
    qemu_mutex_unlock(&helper->init_done_lock);
    return helper;
}

/* ---- The program ---- */

#define NUM_CONTEXTS 5

static __thread int id = -1;
static Helper *threads[NUM_CONTEXTS];
static AioContext *ctx[NUM_CONTEXTS];
static QemuEvent done_event;
static bool now_stopping;
static int passes, atomic_sum;

static void set_id_cb(void *opaque)
{
    int *i = opaque;

    id = *i;
    qemu_event_set(&done_event);
}

static void ctx_run(int i, void (*cb)(void *), void *opaque)
{
    qemu_event_reset(&done_event);
    aio_bh_schedule_oneshot(ctx[i], cb, opaque);
    qemu_event_wait(&done_event);
}

static void check_id_cb(void *opaque)
{
    *(bool *)opaque = id >= 0 && qemu_get_current_aio_context() == ctx[id];
    qemu_event_set(&done_event);
}

/* A token goes round, from context to context. */
static void pass_cb(void *opaque)
{
    int *rounds = opaque;

    qatomic_inc(&atomic_sum);
    passes++;
    if (--*rounds && !qatomic_mb_read(&now_stopping)) {
        aio_bh_schedule_oneshot(ctx[(id + 1) % NUM_CONTEXTS], pass_cb, opaque);
    } else {
        qemu_event_set(&done_event);
    }
}

#ifdef CONFIG_LINUX
static unsigned word;

static void wake_cb(void *opaque)
{
    (void)opaque;
    qatomic_xchg(&word, 1);
    qemu_futex_wake(&word, INT_MAX);
}
#endif

int main(void)
{
    int ids[NUM_CONTEXTS], good = 0, rounds = 1000;

    init_clocks(NULL);
    qemu_event_init(&done_event, false);
    for (int i = 0; i < NUM_CONTEXTS; i++) {
        threads[i] = helper_new();
        ctx[i] = threads[i]->ctx;
    }
    for (int i = 0; i < NUM_CONTEXTS; i++) {
        ids[i] = i;
        ctx_run(i, set_id_cb, &ids[i]);
    }
    for (int i = 0; i < NUM_CONTEXTS; i++) {
        bool ok = false;
        ctx_run(i, check_id_cb, &ok);
        good += ok;
    }
    printf("contexts %d, this thread %d %d\n", good, id,
           qemu_get_current_aio_context() == NULL);
    ctx_run(0, pass_cb, &rounds);
    printf("passes %d %d\n", passes, qatomic_read(&atomic_sum));
    qatomic_mb_set(&now_stopping, true);
#ifdef CONFIG_LINUX
    aio_bh_schedule_oneshot(ctx[1], wake_cb, NULL);
    while (qatomic_read(&word) == 0) {
        qemu_futex_wait(&word, 0);
    }
#endif
    printf("cmpxchg %d", qatomic_cmpxchg(&passes, 1000, 7));
    printf(" %d\n", passes);
    for (int i = 0; i < NUM_CONTEXTS; i++) {
        aio_context_ref(ctx[i]);
        AioContext *c = helper_join(threads[i]);
        aio_context_unref(c);
        aio_context_unref(c);
    }
    qemu_event_destroy(&done_event);
    printf("joined\n");
    return 3;
}
