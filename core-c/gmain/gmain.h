/* SPDX-License-Identifier: MIT */
#ifndef GMAIN_GMAIN_H
#define GMAIN_GMAIN_H
/* Shared by the files of our own GMainContext. */
#include "port/port.h"
#include "qemu/event_notifier.h"
#include "qemu/gmain.h"
#include "qemu/thread.h"
#include "sync/wakeup.h"

/* Bits of GSource.flags. SOURCE_STAYS: the finalizer keeps the memory. */
enum { SOURCE_READY = 1, SOURCE_STAYS = 2 };

/* An entry of GSource.poll_fds: an fd to poll for the source. */
typedef struct PolledFd {
    GPollFD *fd;
    struct PolledFd *next;
} PolledFd;

struct _GMainContext {
    guint ref_count;
    QemuRecMutex lock;             /* protects sources; not held during
                                    * dispatch */
    GSource *sources;              /* in the order of attaching */
    unsigned fds_changed;          /* counts changes of the fds to poll */
    Wakeup *wakeup;                /* to sleep on all fds of the sources at
                                    * once */
    EventNotifier notifier;
    PortPollFd *fds;
    unsigned fds_size;
    guint last_id;
    GMainContext *below;           /* below it in its thread's stack of
                                    * defaults */

    /* The thread that iterates, and how deeply nested; protected by
     * owner_lock. */
    QemuMutex owner_lock;
    QemuCond released;
    void *owner;
    unsigned depth;
};

/* Returns the place of the calling thread's default context; its address also
 * identifies the thread. */
GMainContext **gmain_thread_default(void);

#endif
