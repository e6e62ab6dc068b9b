/* SPDX-License-Identifier: MIT */
#ifndef QEMU_GMAIN_H
#define QEMU_GMAIN_H
/*
 * The part of GLib's main loop that makes an AioContext a GSource, with GLib's
 * names and contract. A native program that uses GLib itself defines
 * WASM_AIO_WITH_GLIB in all files that include this header: contexts are then
 * sources of GLib's main loop, which the main loop and IOThreads run.
 *
 * The caller holds a reference to each object that it passes, until the call
 * returns.
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

/* Returned by a GSourceFunc to be called again. */
#define G_SOURCE_CONTINUE TRUE
/* Returned by a GSourceFunc to have its source removed. */
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
/* What a kind of source does, in the thread that iterates its context. */
typedef struct _GSourceFuncs {
    /* Returns true if the source is ready; check is then skipped. Otherwise sets
     * *timeout to the milliseconds that the poll may last, -1 for ever. */
    gboolean (*prepare)(GSource *source, gint *timeout);
    /* Returns true if the source is ready after the poll. */
    gboolean (*check)(GSource *source);
    /* Runs the source. Returns false to have it removed. */
    gboolean (*dispatch)(GSource *source, GSourceFunc callback,
                         gpointer user_data);
    /* Called when the last reference is dropped. */
    void (*finalize)(GSource *source);
} GSourceFuncs;

/* Has the size of GLib's GSource, so that a struct which embeds one has the same
 * layout with either. */
struct _GSource {
    gpointer callback_data;
    gpointer callback_funcs;
    const GSourceFuncs *source_funcs;
    guint ref_count;
    GMainContext *context;         /* it is attached to; holds one reference */
    gint priority;
    guint flags;
    guint source_id;
    gpointer poll_fds;             /* the fds of g_source_add_poll() */
    GSource *prev;
    GSource *next;
    char *name;
    gpointer priv;
};

/* The names that the linker sees, so that GLib can be linked into the same
 * program. */
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

/* Makes a source of source_size bytes (at least sizeof(GSource)), zeroed behind
 * the GSource, with one reference, which is the caller's. Any thread. */
GSource *g_source_new(const GSourceFuncs *source_funcs, guint source_size);
/* Takes another reference and returns the source. Any thread. */
GSource *g_source_ref(GSource *source);
/* Drops a reference; the last one finalizes and frees the source in the calling
 * thread. Any thread. */
void g_source_unref(GSource *source);
/* Adds the source to a context (NULL: the default one), which takes a reference.
 * Returns the source's number in the context. Any thread. */
guint g_source_attach(GSource *source, GMainContext *context);
/* Removes the source from its context; further calls do nothing. Any thread. */
void g_source_destroy(GSource *source);
/* Makes the loop poll *fd for the source. *fd stays the caller's and must live
 * until it is removed, or the source is destroyed. Any thread. */
void g_source_add_poll(GSource *source, GPollFD *fd);
/* Undoes g_source_add_poll(). Any thread. */
void g_source_remove_poll(GSource *source, GPollFD *fd);

/* Makes a context with one reference, which is the caller's. Any thread. */
GMainContext *g_main_context_new(void);
/* Takes another reference and returns the context. Any thread. */
GMainContext *g_main_context_ref(GMainContext *context);
/* Drops a reference; the last one removes all sources and frees the context. Any
 * thread. */
void g_main_context_unref(GMainContext *context);
/* Returns the default context, which is never freed. Any thread. */
GMainContext *g_main_context_default(void);
/* Returns the calling thread's default context, or NULL if none was pushed. */
GMainContext *g_main_context_get_thread_default(void);
/* Makes context the calling thread's default until it is popped. */
void g_main_context_push_thread_default(GMainContext *context);
/* Undoes the calling thread's last push, which was of context. */
void g_main_context_pop_thread_default(GMainContext *context);
/* Runs one iteration (NULL: of the default context), and returns true if a source
 * was dispatched. If another thread is iterating the context it waits, or returns
 * false if it may not block. Any thread. */
gboolean g_main_context_iteration(GMainContext *context, gboolean may_block);
/* Runs one iteration as g_main_context_iteration() does, but sleeps at most
 * timeout_ns nanoseconds (negative: for ever). Not in GLib. Any thread. */
gboolean g_main_context_iterate_for(GMainContext *context, int64_t timeout_ns);
/* Ends an iteration that sleeps, or keeps the next one from sleeping. Any
 * thread. */
void g_main_context_wakeup(GMainContext *context);

/* Makes a loop that runs context (NULL: the default one), with one reference,
 * which is the caller's. Any thread. */
GMainLoop *g_main_loop_new(GMainContext *context, gboolean is_running);
/* Takes another reference and returns the loop. Any thread. */
GMainLoop *g_main_loop_ref(GMainLoop *loop);
/* Drops a reference; the last one frees the loop. Any thread. */
void g_main_loop_unref(GMainLoop *loop);
/* Iterates the loop's context until g_main_loop_quit(). */
void g_main_loop_run(GMainLoop *loop);
/* Makes g_main_loop_run() return. Any thread. */
void g_main_loop_quit(GMainLoop *loop);
/* Returns true while the loop runs. Any thread. */
gboolean g_main_loop_is_running(GMainLoop *loop);

#ifdef __cplusplus
}
#endif
#endif

#endif
