/* SPDX-License-Identifier: MIT */
#ifndef LOOP_BH_H
#define LOOP_BH_H
/* The bottom half object. */
#include "block/aio.h"

/* QEMUBH.flags */
enum {
    BH_PENDING = 1,      /* on bh_list or a slice */
    BH_SCHEDULED = 2,    /* run it */
    BH_DELETED = 4,      /* free it */
    BH_ONESHOT = 8,      /* free it after the run */
    BH_IDLE = 16,        /* its run does not count as progress */
    BH_GUARDED = 32,     /* guard is engaged while it runs; never changes */
};

struct QEMUBH {
    AioContext *ctx;
    const char *name;
    QEMUBHFunc *cb;
    void *opaque;
    QSLIST_ENTRY(QEMUBH) next;
    uint32_t flags;
    MemReentrancyGuard *guard;    /* undefined without BH_GUARDED */
};

/*
 * Initialises a bottom half that is a member of another object, so that
 * scheduling it needs no memory. It is never deleted; once it has run, it may be
 * freed with that object.
 */
void bh_init(QEMUBH *bh, AioContext *ctx, QEMUBHFunc *cb, void *opaque,
             const char *name);

#endif
