/* SPDX-License-Identifier: MIT */
/* An event-loop program, as they are written against these headers: the main
 * loop's context polled by hand and by the GMainContext. */
#include "qemu/osdep.h"
#include "block/aio.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/sockets.h"
#include "qemu/timer.h"

static AioContext *ctx;

typedef struct {
    EventNotifier e;
    int n;
    int active;
} EventNotifierTestData;

typedef struct {
    QEMUBH *bh;
    int n;
    int max;
} BHTestData;

typedef struct {
    QEMUTimer timer;
    QEMUClockType clock_type;
    int n;
    int max;
    int64_t ns;
    AioContext *ctx;
} TimerTestData;

static void bh_test_cb(void *opaque)
{
    BHTestData *data = opaque;

    if (++data->n < data->max) {
        qemu_bh_schedule(data->bh);
    }
}

static void bh_delete_cb(void *opaque)
{
    BHTestData *data = opaque;

    if (++data->n < data->max) {
        qemu_bh_schedule(data->bh);
    } else {
        qemu_bh_delete(data->bh);
        data->bh = NULL;
    }
}

static void timer_test_cb(void *opaque)
{
    TimerTestData *data = opaque;

    if (++data->n < data->max) {
        timer_mod(&data->timer,
                  qemu_clock_get_ns(data->clock_type) + data->ns);
    }
}

static void event_ready_cb(EventNotifier *e)
{
    EventNotifierTestData *data = container_of(e, EventNotifierTestData, e);

    if (event_notifier_test_and_clear(e)) {
        data->n++;
    }
    if (data->active > 0) {
        data->active--;
    }
    if (data->active) {
        event_notifier_set(&data->e);
    }
}

static void set_event_notifier(AioContext *c, EventNotifier *notifier,
                               EventNotifierHandler *handler)
{
    aio_set_event_notifier(c, notifier, false, handler, NULL);
}

static QemuMutex mutex;
static QemuThread main_thread;

static void *acquire_elsewhere(void *opaque)
{
    int *got = opaque;

    qemu_mutex_lock(&mutex);
    qemu_mutex_unlock(&mutex);
    *got = !qemu_thread_is_self(&main_thread);
    aio_context_acquire(ctx);
    aio_context_release(ctx);
    aio_notify(ctx);
    return NULL;
}

static void by_hand(void)
{
    BHTestData data = { .n = 0, .max = 10 };
    EventNotifierTestData event = { .n = 0, .active = 3 };
    TimerTestData timer = { .clock_type = QEMU_CLOCK_REALTIME, .max = 2,
                            .ns = SCALE_MS, .ctx = ctx };
    QemuThread thread;
    int got = 0;

    while (aio_poll(ctx, false)) {
    }
    printf("idle %d\n", aio_poll(ctx, false));

    data.bh = aio_bh_new(ctx, bh_test_cb, &data);
    qemu_bh_schedule(data.bh);
    printf("scheduled %d\n", data.n);
    while (data.n < 10) {
        aio_poll(ctx, true);
    }
    qemu_bh_schedule(data.bh);
    qemu_bh_cancel(data.bh);
    printf("cancelled %d %d\n", aio_poll(ctx, false), data.n);
    qemu_bh_delete(data.bh);
    data = (BHTestData){ .n = 0, .max = 5 };
    data.bh = aio_bh_new(ctx, bh_delete_cb, &data);
    qemu_bh_schedule(data.bh);
    while (aio_poll(ctx, false)) {
    }
    printf("deleted %d %d\n", data.n, data.bh == NULL);

    event_notifier_init(&event.e, false);
    set_event_notifier(ctx, &event.e, event_ready_cb);
    event_notifier_set(&event.e);
    while (event.active > 0) {
        aio_poll(ctx, true);
    }
    printf("events %d %d\n", event.n, event.active);
    set_event_notifier(ctx, &event.e, NULL);
    event_notifier_cleanup(&event.e);

    aio_timer_init(ctx, &timer.timer, timer.clock_type, SCALE_NS,
                   timer_test_cb, &timer);
    timer_mod(&timer.timer, qemu_clock_get_ns(timer.clock_type) + timer.ns);
    while (timer.n < timer.max) {
        aio_poll(ctx, true);
    }
    timer_del(&timer.timer);
    printf("timers %d\n", timer.n);

    qemu_thread_get_self(&main_thread);
    qemu_mutex_init(&mutex);
    qemu_mutex_lock(&mutex);
    qemu_thread_create(&thread, "acquire", acquire_elsewhere, &got,
                       QEMU_THREAD_JOINABLE);
    qemu_mutex_unlock(&mutex);
    while (aio_poll(ctx, true)) {
    }
    qemu_thread_join(&thread);
    printf("elsewhere %d\n", got);
}

static void by_gmain(void)
{
    BHTestData data = { .n = 0, .max = 1 };

    while (g_main_context_iteration(NULL, false)) {
    }
    data.bh = aio_bh_new(ctx, bh_delete_cb, &data);
    qemu_bh_schedule(data.bh);
    printf("gmain %d", g_main_context_iteration(NULL, true));
    printf(" %d", data.n);
    printf(" %d", g_main_context_iteration(NULL, false));
    printf(" %d\n", g_main_context_iteration(NULL, false));
}

int main(int argc, char **argv)
{
    qemu_init_main_loop(&error_fatal);
    ctx = qemu_get_aio_context();
    (void)argv;
    by_hand();
    by_gmain();
    return argc + 4;
}
