/* SPDX-License-Identifier: MIT */
#ifndef QEMU_COROUTINE_INT_H
#define QEMU_COROUTINE_INT_H
/* The coroutine object. Its stacks belong to the port and follow it in memory. */
#include "qemu/coroutine.h"

#define CONFIG_COROUTINE_POOL 1

struct Coroutine {
    CoroutineEntry *entry;
    void *entry_arg;
    const char *name;                   /* of its entry function */
    const char *entered_at;             /* QEMU_CO_HERE of the last entry */
    Coroutine *caller;                  /* what entered it; NULL: it is not running */
    AioContext *ctx;                    /* where it last ran */
    const char *scheduled;              /* not NULL: the function that will enter
                                         * it, or a mark that it has ended */
    size_t locks_held;
    QSLIST_ENTRY(Coroutine) pool_next;
    QSLIST_ENTRY(Coroutine) co_scheduled_next;
    /* In a CoQueue, or in co_queue_wakeup of the coroutine that woke it. */
    QSIMPLEQ_ENTRY(Coroutine) co_queue_next;
    /* Coroutines that it woke; they run when it yields or ends. */
    QSIMPLEQ_HEAD(, Coroutine) co_queue_wakeup;
};

#endif
