/* SPDX-License-Identifier: MIT */
#ifndef SYNC_THREAD_H
#define SYNC_THREAD_H
/* Threads, as the rest of the core sees them. */
#include "qemu/thread.h"

/* Something to be done in a thread at its end: giving back what it keeps. */
typedef struct ThreadExitHook {
    void (*fn)(struct ThreadExitHook *hook);
    struct ThreadExitHook *next;
} ThreadExitHook;

/*
 * fn(hook) runs in the calling thread when its start routine has returned or
 * qemu_thread_exit() was called, the last hook added first; in a thread that
 * qemu_thread_create() did not make, when that ends, or when somebody calls
 * thread_run_exit_hooks there. Of a thread that is lost it runs in another one, once the
 * thread has ended. The hook is the caller's, and not to be added twice.
 */
void thread_at_exit(ThreadExitHook *hook);
void thread_run_exit_hooks(void);

/*
 * A detached thread, without waiting for a start that takes time. 0 or -errno;
 * should the start fail after 0, refused(arg) is called, in another thread; if the
 * thread ends unasked, lost(arg) is, unless thread_on_lost has changed that.
 */
int thread_start_detached(const char *name, void *(*start_routine)(void *),
                          void *arg, void (*refused)(void *arg),
                          void (*lost)(void *arg));

/* From now on lost(arg) is called, in another thread, if this thread ends unasked;
 * NULL: nothing is. */
void thread_on_lost(void (*lost)(void *arg), void *arg);

/* The calling thread's record: its identity as long as it lives. */
struct QemuThreadRecord *thread_self(void);

#endif
