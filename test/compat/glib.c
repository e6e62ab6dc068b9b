/* SPDX-License-Identifier: MIT */
/* A program that uses GLib itself beside the loop; native only:
 *     cc -DWASM_AIO_WITH_GLIB -Icore-c/include glib.c build/native/libaioloop.a
 *         $(pkg-config --cflags --libs glib-2.0) -lpthread -lm
 */
#include <glib.h>
#include "qemu/osdep.h"
#include "block/aio.h"
#include "qapi/error.h"
#include "qemu/main-loop.h"

static void count_cb(void *opaque)
{
    ++*(int *)opaque;
}

int main(void)
{
    GString *text = g_string_new("bottom halves");
    AioContext *ctx;
    int count = 0;

    qemu_init_main_loop(&error_fatal);
    ctx = qemu_get_aio_context();
    aio_bh_schedule_oneshot(ctx, count_cb, &count);
    while (g_main_context_iteration(NULL, FALSE)) {
    }
    aio_bh_schedule_oneshot(ctx, count_cb, &count);
    aio_poll(ctx, true);
    g_string_append_printf(text, " %d", count);
    printf("%s, source %d\n", text->str, (int)(sizeof(ctx->source) == sizeof(GSource)));
    g_string_free(text, TRUE);
    return 0;
}
