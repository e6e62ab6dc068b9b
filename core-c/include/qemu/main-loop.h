/* SPDX-License-Identifier: MIT */
#ifndef QEMU_MAIN_LOOP_H
#define QEMU_MAIN_LOOP_H
/* The main thread's loop: util/main-loop.c. There is no big lock. */
#include "block/aio.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Makes the main context, current in this thread. Once. 0 or -errno. */
int qemu_init_main_loop(Error **errp);
/* The main context; NULL before qemu_init_main_loop. Any. */
AioContext *qemu_get_aio_context(void);
/* The context of qemu_set_fd_handler, also driven by main_loop_wait. */
AioContext *iohandler_get_aio_context(void);
/* Wakes main_loop_wait. Any. */
void qemu_notify_event(void);
/* One iteration of both contexts and of main_loop_tlg's timers. Main thread. */
void main_loop_wait(int nonblocking);

QEMUBH *qemu_bh_new_full(QEMUBHFunc *cb, void *opaque, const char *name);
/* With a guard: as aio_bh_new_guarded. */
QEMUBH *qemu_bh_new_full_guarded(QEMUBHFunc *cb, void *opaque, const char *name,
                                 MemReentrancyGuard *guard);
#define qemu_bh_new_guarded(cb, opaque, guard) \
    qemu_bh_new_full_guarded((cb), (opaque), (stringify(cb)), (guard))
#if AIO_API_VERSION < 801
#define qemu_bh_new(cb, opaque) \
    qemu_bh_new_full((cb), (opaque), (stringify(cb)))
#else
#define qemu_bh_new(cb, opaque) qemu_bh_new_guarded((cb), (opaque), NULL)
#define qemu_bh_new_full qemu_bh_new_full_guarded
#endif
/* Both call-backs NULL: removes it. */
void qemu_set_fd_handler(int fd, IOHandler *fd_read, IOHandler *fd_write,
                         void *opaque);

static inline bool qemu_mutex_iothread_locked(void)
{
    return false;
}
static inline void qemu_mutex_lock_iothread(void) {}
static inline void qemu_mutex_unlock_iothread(void) {}

#ifdef __cplusplus
}
#endif

#endif
