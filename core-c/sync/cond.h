/* SPDX-License-Identifier: MIT */
#ifndef SYNC_COND_H
#define SYNC_COND_H
/* The steps of waiting for a condition, for qemu_cond_wait() and for
 * pthread_cond_wait() of WebAssembly. */
#include "qemu/thread.h"
#include "sync/inside.h"

/* A bit of the sequence, which grows in steps of two: the condition was destroyed. */
#define COND_DESTROYED 1u

/* Called with the mutex held. Returns the sequence, on which the caller then
 * sleeps. */
static inline uint32_t cond_enter(QemuCond *cond)
{
    inside_enter(&cond->inside);
    return qatomic_mb_read(&cond->sequence);
}

static inline bool cond_is_signalled(QemuCond *cond, uint32_t entered)
{
    uint32_t sequence = qatomic_mb_read(&cond->sequence);

    if (unlikely(sequence == (entered | COND_DESTROYED))) {
        port_panic("qemu_cond_destroy: somebody waits on condition %p",
                   (void *)cond);
    }
    return sequence != entered;
}

/* Called before the caller locks the mutex, whose holder may be destroying the
 * condition. */
static inline void cond_leave(QemuCond *cond)
{
    inside_leave(&cond->inside);
}

#endif
