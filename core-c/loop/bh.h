/* SPDX-License-Identifier: MIT */
#ifndef LOOP_BH_H
#define LOOP_BH_H
/* What a bottom half is. */
#include "block/aio.h"

/* QEMUBH.flags */
enum {
    BH_PENDING = 1,      /* on bh_list or a slice */
    BH_SCHEDULED = 2,    /* run it */
    BH_DELETED = 4,      /* free it */
    BH_ONESHOT = 8,      /* free it after the run */
    BH_IDLE = 16,        /* the run is no progress */
    BH_GUARDED = 32,     /* the run is told by guard; never changes */
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
 * A bottom half that is a part of another object, so that scheduling it needs no
 * memory. It is never deleted; once it runs it may be freed with that object.
 */
void bh_init(QEMUBH *bh, AioContext *ctx, QEMUBHFunc *cb, void *opaque,
             const char *name);

#endif
