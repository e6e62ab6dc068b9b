/* SPDX-License-Identifier: MIT */
#ifndef QEMU_GMAIN_H
#define QEMU_GMAIN_H
/*
 * The part of GLib's main loop that an AioContext needs to be a GSource, with
 * GLib's contract. A native program that uses GLib itself defines
 * WASM_AIO_WITH_GLIB in all of its files that include this: then contexts are
 * sources of GLib, and the main loop and IOThreads run GLib's.
 */
#include "qemu/osdep.h"

#ifdef WASM_AIO_WITH_GLIB
#include "qemu/gmain-glib.h"
#else
#ifdef __G_LIB_H__
#error "define WASM_AIO_WITH_GLIB before this header, since the file uses GLib"
#endif
typedef int gboolean;
typedef int gint;
typedef unsigned guint;
typedef char gchar;
typedef unsigned long gulong;
typedef void *gpointer;
typedef const void *gconstpointer;

#ifndef FALSE
#define FALSE 0
#endif
#ifndef TRUE
#define TRUE 1
#endif

/* What a GSourceFunc returns: to be called again, or to be removed. */
#define G_SOURCE_CONTINUE TRUE
#define G_SOURCE_REMOVE FALSE

typedef struct GPollFD {
    int fd;
    unsigned short events;
    unsigned short revents;
} GPollFD;

#define G_IO_IN 0x001
#define G_IO_PRI 0x002
#define G_IO_OUT 0x004
#define G_IO_ERR 0x008
#define G_IO_HUP 0x010
#define G_IO_NVAL 0x020

#ifdef __cplusplus
extern "C" {
#endif

typedef struct _GMainContext GMainContext;
typedef struct _GMainLoop GMainLoop;
typedef gboolean (*GSourceFunc)(gpointer user_data);
typedef struct _GSourceFuncs {
    /* True: ready now, and check is skipped. *timeout: ms until it may be, -1
     * for ever. */
    gboolean (*prepare)(GSource *source, gint *timeout);
    gboolean (*check)(GSource *source);
    /* False: the source is removed. */
    gboolean (*dispatch)(GSource *source, GSourceFunc callback,
                         gpointer user_data);
    void (*finalize)(GSource *source);
} GSourceFuncs;

/* As large as GLib's, so that what embeds one has the same layout with either. */
struct _GSource {
    gpointer callback_data;
    gpointer callback_funcs;
    const GSourceFuncs *source_funcs;
    guint ref_count;
    GMainContext *context;         /* that it is attached to; one reference */
    gint priority;
    guint flags;
    guint source_id;
    gpointer poll_fds;             /* what g_source_add_poll was given */
    GSource *prev;
    GSource *next;
    char *name;
    gpointer priv;
};

/* What the linker sees, so that GLib may be linked beside it. */
#define g_main_context_default aio_g_main_context_default
#define g_main_context_get_thread_default aio_g_main_context_get_thread_default
#define g_main_context_iterate_for aio_g_main_context_iterate_for
#define g_main_context_iteration aio_g_main_context_iteration
#define g_main_context_new aio_g_main_context_new
#define g_main_context_pop_thread_default aio_g_main_context_pop_thread_default
#define g_main_context_push_thread_default aio_g_main_context_push_thread_default
#define g_main_context_ref aio_g_main_context_ref
#define g_main_context_unref aio_g_main_context_unref
#define g_main_context_wakeup aio_g_main_context_wakeup
#define g_main_loop_is_running aio_g_main_loop_is_running
#define g_main_loop_new aio_g_main_loop_new
#define g_main_loop_quit aio_g_main_loop_quit
#define g_main_loop_ref aio_g_main_loop_ref
#define g_main_loop_run aio_g_main_loop_run
#define g_main_loop_unref aio_g_main_loop_unref
#define g_source_add_poll aio_g_source_add_poll
#define g_source_attach aio_g_source_attach
#define g_source_destroy aio_g_source_destroy
#define g_source_new aio_g_source_new
#define g_source_ref aio_g_source_ref
#define g_source_remove_poll aio_g_source_remove_poll
#define g_source_unref aio_g_source_unref

/* source_size is at least sizeof(GSource); the rest is zeroed. Any thread. */
GSource *g_source_new(const GSourceFuncs *source_funcs, guint source_size);
GSource *g_source_ref(GSource *source);
/* The last one finalizes, in this thread. */
void g_source_unref(GSource *source);
/* Adds it to a context (NULL: the default one), which takes a reference. */
guint g_source_attach(GSource *source, GMainContext *context);
/* Takes it off its context. Idempotent. */
void g_source_destroy(GSource *source);
/* The loop polls *fd for the source, too, which stays the caller's. */
void g_source_add_poll(GSource *source, GPollFD *fd);
void g_source_remove_poll(GSource *source, GPollFD *fd);

GMainContext *g_main_context_new(void);
GMainContext *g_main_context_ref(GMainContext *context);
/* The last one takes all sources off. */
void g_main_context_unref(GMainContext *context);
GMainContext *g_main_context_default(void);
GMainContext *g_main_context_get_thread_default(void);
void g_main_context_push_thread_default(GMainContext *context);
void g_main_context_pop_thread_default(GMainContext *context);
/* One iteration; true if something was dispatched. While another thread is at it:
 * waits, or if it may not block is false. */
gboolean g_main_context_iteration(GMainContext *context, gboolean may_block);
/* The same, which sleeps at most timeout_ns (negative: for ever). Not GLib's. */
gboolean g_main_context_iterate_for(GMainContext *context, int64_t timeout_ns);
/* Ends an iteration that sleeps, or keeps the next one from it. Any thread. */
void g_main_context_wakeup(GMainContext *context);

GMainLoop *g_main_loop_new(GMainContext *context, gboolean is_running);
GMainLoop *g_main_loop_ref(GMainLoop *loop);
void g_main_loop_unref(GMainLoop *loop);
/* Iterates until somebody calls quit. */
void g_main_loop_run(GMainLoop *loop);
/* Any thread. */
void g_main_loop_quit(GMainLoop *loop);
gboolean g_main_loop_is_running(GMainLoop *loop);

#ifdef __cplusplus
}
#endif
#endif

#endif
