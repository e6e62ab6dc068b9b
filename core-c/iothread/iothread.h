/* SPDX-License-Identifier: MIT */
#ifndef IOTHREAD_IOTHREAD_H
#define IOTHREAD_IOTHREAD_H
/*
 * The steps of an IOThread's life, for a port whose threads do not only run the loop:
 * make the object; in its thread enter it, iterate as long as it is running, and leave
 * it; and free it.
 */
#include "sysemu/iothread.h"

/* Makes the object and its context, without a thread. Returns NULL and sets *errp on
 * failure. */
IOThread *iothread_new(const char *id, Error **errp);
/* The same as iothread_get_aio_context(), which a program may replace. */
AioContext *iothread_context(IOThread *iothread);
/* Makes the calling thread the home of the context. */
void iothread_enter(IOThread *iothread);
/* Runs one iteration of the context or the GMainContext; may sleep. Home thread only. */
void iothread_iterate(IOThread *iothread);
/* Returns false when iothread_request_stop() has taken effect. Home thread only. */
bool iothread_is_running(IOThread *iothread);
void iothread_leave(IOThread *iothread);
/* Asks the IOThread to stop, without waiting. Any thread. */
void iothread_request_stop(IOThread *iothread);
/* Called when the thread was lost: the id can be used again, everything else stays,
 * because that thread may still touch it. */
void iothread_abandon(IOThread *iothread);
/*
 * Called when that thread has ended, which may be known only later: abandons the context
 * (aio_context_abandon). idle(iothread) is called in ctx when nobody works on its
 * requests any more, and has to call iothread_retire(), which frees the IOThread later.
 * All of this happens in one thread.
 */
void iothread_reclaim(IOThread *iothread, AioContext *ctx, QEMUBHFunc *idle);
void iothread_retire(IOThread *iothread);
/* Calls fn(iothread, opaque) and returns true, unless it is being freed, has been, or was
 * abandoned. It is not freed meanwhile. Any thread. */
bool iothread_visit(const IOThread *iothread,
                    void (*fn)(IOThread *iothread, void *opaque), void *opaque);
/* Frees an IOThread that no thread runs. */
void iothread_free(IOThread *iothread);

#endif
