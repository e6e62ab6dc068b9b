/* SPDX-License-Identifier: MIT */
#ifndef QEMU_GMAIN_H
#define QEMU_GMAIN_H
/*
 * The part of GLib's main loop that an AioContext needs to be a GSource, with
 * GLib's contract. A native program that uses GLib itself defines
 * WASM_AIO_WITH_GLIB and gets the real types.
 */
#include "qemu/osdep.h"

#ifdef WASM_AIO_WITH_GLIB
#include <glib.h>
#else
typedef int gboolean;
typedef int gint;
typedef unsigned guint;
typedef void *gpointer;

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

typedef struct _GSource GSource;
typedef gboolean (*GSourceFunc)(gpointer user_data);
typedef struct _GSourceFuncs {
    /* True: ready now. *timeout: ms until it may be, -1 for ever. */
    gboolean (*prepare)(GSource *source, gint *timeout);
    gboolean (*check)(GSource *source);
    gboolean (*dispatch)(GSource *source, GSourceFunc callback,
                         gpointer user_data);
    void (*finalize)(GSource *source);
} GSourceFuncs;

struct _GSource {
    const GSourceFuncs *source_funcs;
    guint ref_count;
};

/* source_size is at least sizeof(GSource); the rest is zeroed. Any thread. */
GSource *g_source_new(const GSourceFuncs *source_funcs, guint source_size);
GSource *g_source_ref(GSource *source);
/* The last one finalizes, in this thread. */
void g_source_unref(GSource *source);
#endif

#endif
