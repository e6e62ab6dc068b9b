/* SPDX-License-Identifier: MIT */
#ifndef GMAIN_GMAIN_H
#define GMAIN_GMAIN_H
/* What the files of our own GMainContext share. */
#include "port/port.h"
#include "qemu/event_notifier.h"
#include "qemu/gmain.h"
#include "qemu/thread.h"
#include "sync/wakeup.h"

/* Bits of GSource.flags. STAYS: its finalizer keeps its memory. */
enum { SOURCE_READY = 1, SOURCE_STAYS = 2 };

/* GSource.poll_fds: a list of what is to be polled for the source. */
typedef struct PolledFd {
    GPollFD *fd;
    struct PolledFd *next;
} PolledFd;

struct _GMainContext {
    guint ref_count;
    QemuRecMutex lock;             /* sources: dispatch runs without it */
    GSource *sources;              /* first attached first */
    unsigned fds_changed;          /* counts changes of what is to be polled */
    Wakeup *wakeup;                /* to sleep on all sources' fds at once */
    EventNotifier notifier;
    PortPollFd *fds;
    unsigned fds_size;
    guint last_id;
    GMainContext *below;           /* on its thread's stack of defaults */

    /* The thread that iterates, how deeply nested; under owner_lock. */
    QemuMutex owner_lock;
    QemuCond released;
    void *owner;
    unsigned depth;
};

/* This thread's own context by default; its address tells threads apart. */
GMainContext **gmain_thread_default(void);

#endif
