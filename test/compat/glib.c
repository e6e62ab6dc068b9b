/* SPDX-License-Identifier: MIT */
/* A program that uses GLib itself, whose main loop drives the contexts; native only:
 *     cc -DWASM_AIO_WITH_GLIB -Icore-c/include glib.c build/native/libaioloop.a
 *         $(pkg-config --cflags --libs glib-2.0) -lpthread -lm
 */
#include <glib.h>
#include <unistd.h>
#include "qemu/osdep.h"
#include "block/aio.h"
#include "qapi/error.h"
#include "qemu/main-loop.h"
#include "sysemu/iothread.h"

static GMainLoop *loop;
static AioContext *ctx;
static int fds[2];
static int bottom_halves, timers, bytes, glib_timers, nested, in_iothread;

static void count_cb(void *opaque)
{
    ++*(int *)opaque;
}

static gboolean count_glib(gpointer opaque)
{
    ++*(int *)opaque;
    return G_SOURCE_REMOVE;
}

/* ---- The main loop of QEMU ---- */

static void main_loop(void)
{
    QEMUTimer *timer = timer_new_ms(QEMU_CLOCK_REALTIME, count_cb, &timers);

    g_timeout_add(1, count_glib, &glib_timers);
    aio_bh_schedule_oneshot(ctx, count_cb, &bottom_halves);
    timer_mod(timer, qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + 1);
    while (!bottom_halves || !timers || !glib_timers) {
        main_loop_wait(false);
    }
    timer_free(timer);
}

/* ---- GLib's main loop ---- */

static void read_cb(void *opaque)
{
    char byte;

    (void)opaque;
    bytes += (int)read(fds[0], &byte, 1);
    if (bytes == 2) {
        g_main_loop_quit(loop);
    }
}

static void write_cb(void *opaque)
{
    (void)opaque;
    if (write(fds[1], "x", 1) != 1) {
        abort();
    }
}

/* The loop sleeps already: the handler's fd is one that it did not know. */
static gpointer add_handler(gpointer opaque)
{
    (void)opaque;
    aio_set_fd_handler(ctx, fds[0], false, read_cb, NULL, NULL, NULL);
    write_cb(NULL);
    return NULL;
}

static gboolean start_thread(gpointer opaque)
{
    *(GThread **)opaque = g_thread_new("adds", add_handler, NULL);
    return G_SOURCE_REMOVE;
}

/* A call-back runs the loop again: the context's other bottom half, too. */
static void nested_cb(void *opaque)
{
    (void)opaque;
    aio_bh_schedule_oneshot(ctx, count_cb, &nested);
    while (!nested) {
        g_main_context_iteration(NULL, TRUE);
    }
}

static void run_loop(void)
{
    GThread *thread = NULL;
    QEMUTimer *timer = aio_timer_new(ctx, QEMU_CLOCK_REALTIME, SCALE_MS, write_cb, NULL);

    if (pipe(fds) < 0) {
        abort();
    }
    loop = g_main_loop_new(NULL, FALSE);
    g_idle_add(start_thread, &thread);
    aio_bh_schedule_oneshot(ctx, nested_cb, NULL);
    timer_mod(timer, qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + 1);
    g_main_loop_run(loop);
    g_main_loop_unref(loop);
    g_thread_join(thread);
    timer_free(timer);
    aio_set_fd_handler(ctx, fds[0], false, NULL, NULL, NULL, NULL);
}

/* ---- An IOThread ---- */

static gboolean in_iothread_cb(gpointer opaque)
{
    GMainContext *context = opaque;

    qatomic_mb_set(&in_iothread, qemu_in_iothread() && g_main_context_is_owner(context) &&
                                     g_main_context_get_thread_default() == context ? 1 : -1);
    aio_notify(ctx);
    return G_SOURCE_REMOVE;
}

static void run_iothread(void)
{
    IOThread *iothread = iothread_create("one", &error_fatal);
    GMainContext *context = iothread_get_g_main_context(iothread);
    GSource *source = g_idle_source_new();

    g_source_set_callback(source, in_iothread_cb, context, NULL);
    g_source_attach(source, context);
    g_source_unref(source);
    while (!qatomic_mb_read(&in_iothread)) {
        aio_poll(ctx, true);
    }
    iothread_destroy(iothread);
}

/* ---- A context that its source keeps alive ---- */

static int outlives(void)
{
    GMainContext *context = g_main_context_new();
    AioContext *other = aio_context_new(&error_fatal);
    GSource *source = aio_get_g_source(other);
    int ran = 0;

    g_source_attach(source, context);
    g_source_unref(source);
    aio_bh_schedule_oneshot(other, count_cb, &ran);
    aio_context_unref(other);
    while (!ran) {
        g_main_context_iteration(context, TRUE);
    }
    g_source_destroy(source);
    g_main_context_unref(context);
    return ran;
}

int main(void)
{
    qemu_init_main_loop(&error_fatal);
    ctx = qemu_get_aio_context();
    main_loop();
    run_loop();
    run_iothread();
    printf("main loop %d %d %d, GLib's %d %d, IOThread %d, outlives %d, source %d\n", bottom_halves, timers,
           glib_timers, bytes, nested, in_iothread, outlives(), (int)(sizeof(ctx->source) == sizeof(GSource)));
    return 0;
}
