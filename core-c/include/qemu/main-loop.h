/* SPDX-License-Identifier: MIT */
#ifndef QEMU_MAIN_LOOP_H
#define QEMU_MAIN_LOOP_H
/* The main thread's loop; in QEMU util/main-loop.c. There is no big QEMU
 * lock. */
#include "block/aio.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Makes the main context and makes the calling thread its home, the main
 * thread. Returns 0, or -errno and sets *errp. Panics if it is called a second
 * time. */
int qemu_init_main_loop(Error **errp);
/* Returns the main context, or NULL before qemu_init_main_loop(). It is never
 * freed; takes no reference. Any thread. */
AioContext *qemu_get_aio_context(void);
/* Returns the context of qemu_set_fd_handler(), which main_loop_wait() drives
 * too. It is never freed; takes no reference. Main thread only. */
AioContext *iohandler_get_aio_context(void);
/* Wakes main_loop_wait(). Any thread. */
void qemu_notify_event(void);
/* Runs one iteration of both contexts and the timers of main_loop_tlg that are
 * due; waits for an event unless nonblocking is not 0. Main thread only. */
void main_loop_wait(int nonblocking);

/* Makes a bottom half in the main context, as aio_bh_new_full() does. Any
 * thread. */
QEMUBH *qemu_bh_new_full(QEMUBHFunc *cb, void *opaque, const char *name);
/* Makes a bottom half in the main context, as aio_bh_new_full_guarded() does.
 * Any thread. */
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
/* Adds or changes the handler of fd in iohandler_get_aio_context(), or removes
 * it if both call-backs are NULL; see aio_set_fd_handler(). Main thread
 * only. */
void qemu_set_fd_handler(int fd, IOHandler *fd_read, IOHandler *fd_write,
                         void *opaque);

/* The big QEMU lock does not exist here: these three do nothing. */
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
