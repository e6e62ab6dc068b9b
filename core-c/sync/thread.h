/* SPDX-License-Identifier: MIT */
#ifndef SYNC_THREAD_H
#define SYNC_THREAD_H
/* Threads, for the rest of the core. */
#include "qemu/thread.h"

/* A function to call at the end of a thread, which frees what the thread keeps. */
typedef struct ThreadExitHook {
    void (*fn)(struct ThreadExitHook *hook);
    struct ThreadExitHook *next;
} ThreadExitHook;

/*
 * Makes fn(hook) run when the calling thread ends: when its start routine has returned
 * or qemu_thread_exit() was called; the hook that was added last runs first. In a thread
 * that qemu_thread_create() did not make, it runs when the thread ends or calls
 * thread_run_exit_hooks(). If the thread is lost, it runs in another thread once this
 * one has ended. The hook belongs to the caller and must not be added twice.
 */
void thread_at_exit(ThreadExitHook *hook);
void thread_run_exit_hooks(void);

/*
 * Starts a detached thread without waiting for a start that takes time. Returns 0 or
 * -errno. If the start fails after 0 was returned, refused(arg) is called, in another
 * thread. If the thread ends unexpectedly, lost(arg) is called, unless thread_on_lost()
 * has changed that.
 */
int thread_start_detached(const char *name, void *(*start_routine)(void *),
                          void *arg, void (*refused)(void *arg),
                          void (*lost)(void *arg));

/* From now on lost(arg) is called, in another thread, if this thread ends unexpectedly.
 * NULL: nothing is called. */
void thread_on_lost(void (*lost)(void *arg), void *arg);

/* Returns the record of the calling thread, which identifies it as long as it lives. */
struct QemuThreadRecord *thread_self(void);

#endif
