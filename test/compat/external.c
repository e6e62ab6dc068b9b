/* SPDX-License-Identifier: MIT */
/* A program with external handlers. */
#include "qemu/osdep.h"
#include "block/aio.h"
#include "qapi/error.h"
#include "qemu/main-loop.h"

static int calls;

static void ready_cb(EventNotifier *e)
{
    event_notifier_test_and_clear(e);
    calls++;
}

int main(void)
{
    AioContext *ctx;
    EventNotifier e;

    qemu_init_main_loop(&error_fatal);
    ctx = qemu_get_aio_context();
    event_notifier_init(&e, false);
    aio_set_event_notifier(ctx, &e, true, ready_cb, NULL);
    for (int i = 0; i < 3; i++) {
        aio_disable_external(ctx);
    }
    event_notifier_set(&e);
    for (int i = 0; i < 3; i++) {
        while (aio_poll(ctx, false)) {
        }
        while (g_main_context_iteration(NULL, false)) {
        }
        printf("disabled %d: %d\n", aio_external_disabled(ctx), calls);
        aio_enable_external(ctx);
    }
    while (g_main_context_iteration(NULL, false) || !calls) {
    }
    printf("enabled: %d\n", calls);
    aio_set_event_notifier(ctx, &e, true, NULL, NULL);
    event_notifier_cleanup(&e);
    return calls == 1 ? 0 : 1;
}
