/* SPDX-License-Identifier: MIT */
#ifndef LOOP_AIO_CONTEXT_H
#define LOOP_AIO_CONTEXT_H
/* What the files of the loop share with each other. */
#include "block/aio.h"
#include "port/port.h"

struct AioHandler {
    PortPollFd pfd;
    IOHandler *io_read;
    IOHandler *io_write;
    AioPollFn *io_poll;
    void *opaque;
    bool is_external;
    bool deleted;                          /* under list_lock; read without */
    QLIST_ENTRY(AioHandler) node;          /* aio_handlers */
    QLIST_ENTRY(AioHandler) node_ready;    /* one iteration's ready list */
    QLIST_ENTRY(AioHandler) node_deleted;  /* deleted_aio_handlers */
};

/*
 * A counter that one thread writes, or several where losing one does not matter.
 * In WebAssembly an atomic store is an exchange on x86, too dear for a count;
 * its plain 64-bit store tears on 32-bit machines only.
 */
static inline void aio_stat_add(uint64_t *counter, uint64_t n)
{
#if defined(__wasm__)
    *(volatile uint64_t *)counter = *counter + n;
#else
    qatomic_set(counter, qatomic_read(counter) + n);
#endif
}

/* aio-context.c */
bool aio_is_home_thread(AioContext *ctx);
void aio_ctx_finalize(GSource *source);
/* Panics, naming the call, unless this is ctx's home thread. */
void aio_assert_home_thread(AioContext *ctx, const char *call);

/* bh.c */
/* 0: one is to be run now; 10 ms: only idle ones are; -1: none is. */
int64_t aio_bh_timeout(AioContext *ctx);
/* Panics if one is still scheduled; frees those that were deleted. */
void aio_bh_drain(AioContext *ctx);

/* fd-handler.c */
static inline bool aio_handler_is_deleted(AioHandler *node)
{
    return qatomic_read(&node->deleted);
}
void aio_add_ready_handler(AioHandlerList *ready_list, AioHandler *node,
                           int revents);
bool aio_dispatch_ready_handlers(AioContext *ctx, AioHandlerList *ready_list);
/* Runs every handler whose revents are set, ready list or not. */
bool aio_dispatch_handlers(AioContext *ctx);
void aio_free_deleted_handlers(AioContext *ctx);
void aio_free_all_handlers(AioContext *ctx);

/* fdmon-poll.c */
extern const FDMonOps fdmon_poll_ops;

/* gsource.c */
extern const GSourceFuncs aio_source_funcs;
/* Between prepare and check, in GLib's place: fills in revents, never waits. */
void aio_gsource_poll(AioContext *ctx);

#endif
