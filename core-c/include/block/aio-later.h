/* SPDX-License-Identifier: MIT */
#ifndef AIO_LATER_H
#define AIO_LATER_H
/*
 * The functions of block/aio.h whose parameters changed after QEMU 6.1, for programs
 * that choose a later release by AIO_API_VERSION (aio/api-version.h). A later form
 * is a function of its own; a macro gives it the old name, so its address can be
 * taken.
 */
#include "block/aio.h"

#ifdef __cplusplus
extern "C" {
#endif

#if AIO_API_VERSION >= 801
/* aio_set_fd_handler() since QEMU 8.1, which has no external handlers. Any
 * thread. */
static inline void aio_set_fd_handler_801(AioContext *ctx, int fd,
                                          IOHandler *io_read,
                                          IOHandler *io_write,
                                          AioPollFn *io_poll,
                                          IOHandler *io_poll_ready,
                                          void *opaque)
{
    aio_set_fd_handler_full(ctx, fd, false, io_read, io_write, io_poll,
                            io_poll_ready, opaque);
}
#define aio_set_fd_handler aio_set_fd_handler_801

/* aio_set_event_notifier() since QEMU 8.1, without external handlers. Any thread. */
static inline void
aio_set_event_notifier_801(AioContext *ctx, EventNotifier *notifier,
                           EventNotifierHandler *io_read, AioPollFn *io_poll,
                           EventNotifierHandler *io_poll_ready)
{
    aio_set_event_notifier_full(ctx, notifier, false, io_read, io_poll,
                                io_poll_ready);
}
#define aio_set_event_notifier aio_set_event_notifier_801

#define aio_bh_new_full aio_bh_new_full_guarded

#elif AIO_API_VERSION >= 700
#define aio_set_fd_handler aio_set_fd_handler_full
#define aio_set_event_notifier aio_set_event_notifier_full
#endif

#if AIO_API_VERSION >= 1002
/* Always succeeds and returns true. Called by aio_context_new(). */
static inline bool aio_context_setup_1002(AioContext *ctx, Error **errp)
{
    (void)errp;
    aio_context_setup(ctx);
    return true;
}
#define aio_context_setup aio_context_setup_1002
#endif

#ifdef __cplusplus
}
#endif

#endif
