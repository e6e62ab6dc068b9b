/* SPDX-License-Identifier: MIT */
#ifndef QEMU_COROUTINE_INT_H
#define QEMU_COROUTINE_INT_H
/* What a coroutine is. Its stacks are the port's and lie behind it in memory. */
#include "qemu/coroutine.h"

#define CONFIG_COROUTINE_POOL 1

struct Coroutine {
    CoroutineEntry *entry;
    void *entry_arg;
    const char *name;                   /* the entry's */
    const char *entered_at;             /* last; QEMU_CO_HERE */
    Coroutine *caller;                  /* who entered it; NULL: it is not running */
    AioContext *ctx;                    /* where it last ran */
    const char *scheduled;              /* not NULL: who will enter it, or
                                         * that it has ended */
    size_t locks_held;
    QSLIST_ENTRY(Coroutine) pool_next;
    QSLIST_ENTRY(Coroutine) co_scheduled_next;
    /* In a CoQueue, or in the wake-up queue of the one that woke it. */
    QSIMPLEQ_ENTRY(Coroutine) co_queue_next;
    /* Woken by it; they run when it yields or ends. */
    QSIMPLEQ_HEAD(, Coroutine) co_queue_wakeup;
};

#endif
