/* SPDX-License-Identifier: MIT */
#ifndef SYNC_COND_H
#define SYNC_COND_H
/* What waiting on a condition consists of, for qemu_cond_wait and for WebAssembly's
 * pthread_cond_wait. */
#include "qemu/thread.h"
#include "sync/inside.h"

/* In the sequence, which moves on in steps of two: it was destroyed. */
#define COND_DESTROYED 1u

/* While the mutex is held; the sequence, which the caller sleeps on. */
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

/* Before the caller locks the mutex: who holds it may be destroying the condition. */
static inline void cond_leave(QemuCond *cond)
{
    inside_leave(&cond->inside);
}

#endif
