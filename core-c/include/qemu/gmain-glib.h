/* SPDX-License-Identifier: MIT */
#ifndef QEMU_GMAIN_GLIB_H
#define QEMU_GMAIN_GLIB_H
/*
 * Lets the library use GLib's main loop, in programs that define
 * WASM_AIO_WITH_GLIB. The library is compiled without GLib and calls the
 * functions below, of which it has its own. Each file of the program that
 * includes this header defines them, weakly, in terms of GLib; the linker takes
 * the first definition.
 */
#include "qemu/osdep.h"

#ifdef WASM_AIO_WITH_GLIB
#include <glib.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AIO_GLIB __attribute__((weak))

GSource *aio_g_source_new(const GSourceFuncs *funcs, guint size);
GSource *aio_g_source_ref(GSource *source);
void aio_g_source_unref(GSource *source);
guint aio_g_source_attach(GSource *source, GMainContext *context);
void aio_g_source_add_poll(GSource *source, GPollFD *fd);
void aio_g_source_remove_poll(GSource *source, GPollFD *fd);
GMainContext *aio_g_main_context_new(void);
void aio_g_main_context_unref(GMainContext *context);
void aio_g_main_context_push_thread_default(GMainContext *context);
void aio_g_main_context_pop_thread_default(GMainContext *context);
gboolean aio_g_main_context_iterate_for(GMainContext *context, int64_t ns);

AIO_GLIB GSource *aio_g_source_new(const GSourceFuncs *funcs, guint size)
{
    GSource *source = g_source_new((GSourceFuncs *)funcs, size);

    /* A call-back may run the loop again and wait there for its own context. */
    g_source_set_can_recurse(source, TRUE);
    return source;
}

AIO_GLIB GSource *aio_g_source_ref(GSource *source)
{
    return g_source_ref(source);
}

AIO_GLIB void aio_g_source_unref(GSource *source)
{
    g_source_unref(source);
}

AIO_GLIB guint aio_g_source_attach(GSource *source, GMainContext *context)
{
    return g_source_attach(source, context);
}

AIO_GLIB void aio_g_source_add_poll(GSource *source, GPollFD *fd)
{
    g_source_add_poll(source, fd);
}

AIO_GLIB void aio_g_source_remove_poll(GSource *source, GPollFD *fd)
{
    g_source_remove_poll(source, fd);
}

AIO_GLIB GMainContext *aio_g_main_context_new(void)
{
    return g_main_context_new();
}

AIO_GLIB void aio_g_main_context_unref(GMainContext *context)
{
    g_main_context_unref(context);
}

AIO_GLIB void aio_g_main_context_push_thread_default(GMainContext *context)
{
    g_main_context_push_thread_default(context);
}

AIO_GLIB void aio_g_main_context_pop_thread_default(GMainContext *context)
{
    g_main_context_pop_thread_default(context);
}

static inline gboolean aio_glib_time_is_up(gpointer opaque)
{
    (void)opaque;
    return FALSE;
}

AIO_GLIB gboolean aio_g_main_context_iterate_for(GMainContext *context,
                                                 int64_t ns)
{
    int64_t ms = ns / 1000000 + (ns % 1000000 > 0);
    gboolean dispatched;
    GSource *timeout;

    if (ns <= 0) {
        return g_main_context_iteration(context, ns < 0);
    }
    timeout = g_timeout_source_new(ms < G_MAXINT ? (guint)ms : G_MAXINT);
    g_source_set_callback(timeout, aio_glib_time_is_up, NULL, NULL);
    g_source_attach(timeout, context);
    dispatched = g_main_context_iteration(context, TRUE);
    g_source_destroy(timeout);
    g_source_unref(timeout);
    return dispatched;
}

#undef AIO_GLIB

#ifdef __cplusplus
}
#endif
#endif

#endif
