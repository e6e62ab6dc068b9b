/* SPDX-License-Identifier: MIT */
/* GSource's life, with GLib's contract. */
#include "qemu/gmain.h"
#include "qemu/atomic.h"

GSource *g_source_new(const GSourceFuncs *source_funcs, guint source_size)
{
    GSource *source = calloc(1, source_size);

    if (source) {
        source->source_funcs = source_funcs;
        source->ref_count = 1;
    }
    return source;
}

GSource *g_source_ref(GSource *source)
{
    qatomic_inc(&source->ref_count);
    return source;
}

void g_source_unref(GSource *source)
{
    if (qatomic_fetch_dec(&source->ref_count) == 1) {
        if (source->source_funcs->finalize) {
            source->source_funcs->finalize(source);
        }
        free(source);
    }
}
