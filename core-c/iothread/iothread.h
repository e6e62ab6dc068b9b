/* SPDX-License-Identifier: MIT */
#ifndef IOTHREAD_IOTHREAD_H
#define IOTHREAD_IOTHREAD_H
/*
 * The parts of an IOThread's life, for a port whose threads also run something
 * else than the loop: the object, then in its thread enter, aio_poll as long as
 * it is running, leave, and at last the freeing.
 */
#include "sysemu/iothread.h"

/* The object and its context; no thread yet. */
IOThread *iothread_new(const char *id, Error **errp);
/* What iothread_get_aio_context is, which a program may replace. */
AioContext *iothread_context(IOThread *iothread);
/* This thread becomes its home. */
void iothread_enter(IOThread *iothread);
/* One iteration of whatever it drives: may sleep. Home. */
void iothread_iterate(IOThread *iothread);
/* False once iothread_request_stop has got through. Home. */
bool iothread_is_running(IOThread *iothread);
void iothread_leave(IOThread *iothread);
/* Any thread; does not wait. */
void iothread_request_stop(IOThread *iothread);
/* Its thread was lost: its name is free, all else stays, for that thread may still
 * touch it. */
void iothread_abandon(IOThread *iothread);
/*
 * That thread has ended, which may be known later: aio_context_abandon. idle(iothread) is
 * called in ctx when nobody works on its requests any more, and is to call
 * iothread_retire, which frees it in time; that is done in one thread.
 */
void iothread_reclaim(IOThread *iothread, AioContext *ctx, QEMUBHFunc *idle);
void iothread_retire(IOThread *iothread);
/* No thread runs it (any longer). */
void iothread_free(IOThread *iothread);

#endif
