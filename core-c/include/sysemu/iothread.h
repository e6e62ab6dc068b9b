/* SPDX-License-Identifier: MIT */
#ifndef SYSEMU_IOTHREAD_H
#define SYSEMU_IOTHREAD_H
/*
 * An IOThread is a thread that runs one AioContext; in QEMU iothread.c. Any
 * thread may call each function unless its comment says otherwise. The caller
 * makes sure that the IOThread is not destroyed before the call returns.
 */
#include "block/aio.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Makes an IOThread, starts its thread and waits until it runs. Returns NULL and
 * sets *errp if an IOThread of that id exists, or no thread or memory is left.
 * The caller destroys it. A thread that may wait only. */
IOThread *iothread_create(const char *id, Error **errp);
/* Stops the thread, frees the IOThread and drops its reference to the context,
 * which lives on if others hold one. A thread that may wait only, not the
 * IOThread's own. */
void iothread_destroy(IOThread *iothread);
/* Stops the thread and waits for its end; further calls do nothing. What is still
 * scheduled is not run and stays on the context. A thread that may wait only, not
 * the IOThread's own. */
void iothread_stop(IOThread *iothread);
/* Returns a copy of the id, which the caller frees. */
char *iothread_get_id(IOThread *iothread);
/* Returns the IOThread's context without a new reference: take one
 * (aio_context_ref) to use it after the IOThread is destroyed. */
AioContext *iothread_get_aio_context(IOThread *iothread);
/* Returns the IOThread of that id, or NULL. The caller makes sure that nobody
 * destroys it. */
IOThread *iothread_by_id(const char *id);
/* Returns true if the calling thread is an IOThread. */
bool qemu_in_iothread(void);

/*
 * Returns a GMainContext to attach sources to, which the thread runs from now on
 * instead of aio_poll(). Polling in user space ends. The context lives as long as
 * the IOThread; takes no reference.
 */
GMainContext *iothread_get_g_main_context(IOThread *iothread);

/*
 * Sets poll-max-ns: the nanoseconds that the loop polls at most before it sleeps
 * (0: not at all; 32768 at first). This and the following properties may change
 * while the thread runs. A negative value returns false, sets *errp and changes
 * nothing.
 */
bool iothread_set_poll_max_ns(IOThread *iothread, int64_t value, Error **errp);
/* Sets poll-grow: the factor by which the polling time grows (0: 2). */
bool iothread_set_poll_grow(IOThread *iothread, int64_t value, Error **errp);
/* Sets poll-shrink: the divisor by which the polling time shrinks (0: back to
 * 0). */
bool iothread_set_poll_shrink(IOThread *iothread, int64_t value, Error **errp);
/* Sets aio-max-batch: the requests in a submission at most (0: the engine's
 * default). */
bool iothread_set_aio_max_batch(IOThread *iothread, int64_t value,
                                Error **errp);
/* Sets thread-pool-min: the threads that the pool keeps; at most
 * thread-pool-max. */
bool iothread_set_thread_pool_min(IOThread *iothread, int64_t value,
                                  Error **errp);
/* Sets thread-pool-max: the threads that the pool has at most; from 1 to
 * INT_MAX. */
bool iothread_set_thread_pool_max(IOThread *iothread, int64_t value,
                                  Error **errp);

#ifdef __cplusplus
}
#endif

#endif
