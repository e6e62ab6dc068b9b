/* SPDX-License-Identifier: MIT */
/* pthreads on the port's threads. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "port/calls.h"
#include "port/wasm-port.h"
#include "sync/thread.h"
#include "pthread-key.h"
#include "wait.h"
#include "weak.h"

/* The record that a pthread_t points to. */
typedef struct Thread {
    void *(*start)(void *);
    void *arg;
    void *result;
    uint32_t ended;          /* the word that join sleeps on */
    uint32_t detached;       /* or joined: the second to set it frees the record */
    char name[16];
    sigset_t mask;           /* the signals that its maker blocked */
} Thread;

/* musl's mark for the threads of thrd_create(), whose function returns an int. */
#define C11_THREAD ((const pthread_attr_t *)(uintptr_t)-1)

static _Thread_local Thread *self_tls;
/* The record of a thread that pthread_create() did not make. That of main outlives its thread,
 * because others may join main. */
static _Thread_local Thread own;
static Thread main_record;

/* Not inlined: a coroutine may change threads between two uses of a thread-local. */
static __attribute__((noinline)) Thread *self(void)
{
    __asm__ volatile("");
    if (self_tls) {
        return self_tls;
    }
    return qatomic_read(&wasm_main_thread) == wasm_thread_self() ? &main_record : &own;
}

static void release(Thread *thread)
{
    if (qatomic_xchg(&thread->detached, 1) && thread != &main_record) {
        free(thread);
    }
}

/* Returns true if a thread that runs is detached. The record of one that has ended is gone by then. */
static bool is_detached(Thread *thread)
{
    return qatomic_mb_read(&thread->detached) && !qatomic_mb_read(&thread->ended);
}

static void mark_ended(Thread *thread)
{
    qatomic_mb_set(&thread->ended, 1);
    port_futex_wake(&thread->ended, UINT32_MAX);
    release(thread);
}

/* Runs in another thread when this one ended unexpectedly, so that nobody waits for it for
 * ever, nor does the program at its end. */
static void thread_lost(void *opaque)
{
    Thread *thread = opaque;

    thread->result = PTHREAD_CANCELED;
    mark_ended(thread);
}

/* The functions of pthread_cleanup_push() that pthread_exit() has to call, the last one first. */
static _Thread_local struct __ptcb *cleanups;

static __attribute__((noinline)) struct __ptcb **cleanups_slot(void)
{
    __asm__ volatile("");
    return &cleanups;
}

void _pthread_cleanup_push(struct __ptcb *cleanup, void (*fn)(void *), void *arg)
{
    cleanup->__f = fn;
    cleanup->__x = arg;
    cleanup->__next = *cleanups_slot();
    *cleanups_slot() = cleanup;
}

void _pthread_cleanup_pop(struct __ptcb *cleanup, int run)
{
    *cleanups_slot() = cleanup->__next;
    if (run) {
        CALL_USER(cleanup->__f, cleanup->__x);
    }
}

static void run_cleanups(void)
{
    while (*cleanups_slot()) {
        _pthread_cleanup_pop(*cleanups_slot(), 1);
    }
}

static void end(void *result)
{
    Thread *thread = self();

    run_cleanups();
    pthread_destroy_values();
    thread_run_exit_hooks();
    self_tls = NULL;
    port_thread_holds(1);
    if (thread != &main_record) {
        port_thread_on_lost(NULL, NULL);
    }
    thread->result = result;
    mark_ended(thread);
    port_thread_holds(-1);
}

/* How a function of the table is to be called: wasm/start-functions.mjs. */
__attribute__((import_module("functions"), import_name("start_shape")))
int start_shape(void *(*start)(void *));

/* Calls a thread's function by the type that it has: in WebAssembly, a call by another type traps, and programs cast
 * functions that return nothing, or take nothing. */
static void *call_start(void *(*start)(void *), void *arg)
{
    void *fn = (void *)start;

    switch (start_shape(start)) {
    case 1:
        CALL_USER((void (*)(void *))fn, arg);
        return NULL;
    case 2:
        return CALL_USER((void *(*)(void))fn);
    case 3:
        CALL_USER((void (*)(void))fn);
        return NULL;
    default:
        return CALL_USER(start, arg);
    }
}

/* The function of thrd_create() returns an int, which is as wide as a pointer. */
static void run(void *opaque)
{
    Thread *thread = opaque;

    self_tls = thread;
    port_thread_on_lost(thread_lost, thread);
    pthread_sigmask(SIG_SETMASK, &thread->mask, NULL);
    end(call_start(thread->start, thread->arg));
}

int __wrap_pthread_create(pthread_t *restrict result,
                          const pthread_attr_t *restrict attr,
                          void *(*start)(void *), void *restrict arg)
{
    Thread *thread = calloc(1, sizeof(*thread));
    int detach = PTHREAD_CREATE_JOINABLE, ret;

    if (!thread) {
        return EAGAIN;
    }
    if (attr && attr != C11_THREAD) {
        pthread_attr_getdetachstate(attr, &detach);
    }
    thread->start = start;
    thread->arg = arg;
    pthread_sigmask(SIG_BLOCK, NULL, &thread->mask);
    thread->detached = detach == PTHREAD_CREATE_DETACHED;
    /* Set before the thread can read its own id there. */
    *result = (pthread_t)thread;
    ret = port_thread_start("pthread", run, thread, NULL);
    if (ret < 0) {
        free(thread);
    }
    return -ret;
}

/* Returns `late` if the thread has not ended by the deadline. */
static int join(pthread_t id, void **result, int64_t deadline, int late)
{
    Thread *thread = (Thread *)id;

    if (is_detached(thread)) {
        return EINVAL;
    }
    if (thread == self()) {
        return EDEADLK;
    }
    while (!qatomic_mb_read(&thread->ended)) {
        if (!wait_on(&thread->ended, 0, deadline)) {
            return late;
        }
    }
    if (result) {
        *result = thread->result;
    }
    release(thread);
    return 0;
}

int __wrap_pthread_join(pthread_t id, void **result)
{
    return join(id, result, NO_DEADLINE, 0);
}

LIBC_WEAK
int pthread_tryjoin_np(pthread_t id, void **result)
{
    return id == (pthread_t)self() ? EBUSY : join(id, result, 0, EBUSY);
}

LIBC_WEAK
int pthread_timedjoin_np(pthread_t id, void **result, const struct timespec *at)
{
    return bad_time(at) ? EINVAL : join(id, result, deadline_of(CLOCK_REALTIME, at), ETIMEDOUT);
}

int __wrap_pthread_detach(pthread_t id)
{
    Thread *thread = (Thread *)id;

    if (is_detached(thread)) {
        return EINVAL;
    }
    release(thread);
    return 0;
}

_Noreturn void __wrap_pthread_exit(void *result)
{
    if (self() == &own) {
        qemu_thread_exit(result);
    }
    port_thread_exit(result);
}

/* qemu_thread_exit() ends a pthread, too, and main. */
void wasm_pthread_ends(void *result)
{
    if (self() != &own) {
        end(result);
    }
}

pthread_t __wrap_pthread_self(void)
{
    return (pthread_t)self();
}

thrd_t __wrap_thrd_current(void)
{
    return (thrd_t)self();
}

/* As on Linux, main's is that of the process. */
LIBC_WEAK
pid_t gettid(void)
{
    WasmThread *thread = wasm_thread_self();

    return thread == qatomic_read(&wasm_main_thread) ? getpid() : getpid() + 1 + (pid_t)(thread - wasm_threads);
}

/* A thread's clock is the program's: see clock.c. */
LIBC_WEAK
int pthread_getcpuclockid(pthread_t id, clockid_t *clock)
{
    (void)id;
    *clock = CLOCK_THREAD_CPUTIME_ID;
    return 0;
}

LIBC_WEAK
int thrd_detach(thrd_t id)
{
    return __wrap_pthread_detach((pthread_t)id) == 0 ? thrd_success : thrd_error;
}

/* In parentheses, because the headers define it as a macro, too. */
LIBC_WEAK
int (thrd_equal)(thrd_t one, thrd_t other)
{
    return one == other;
}

/* Fails: there are no signals, and nothing else that could end a thread from outside. */
int __wrap_pthread_cancel(pthread_t id)
{
    (void)id;
    return ENOSYS;
}

/*
 * A handler runs in no other thread than the one that sends the signal. What no handler is called for concerns the whole program: a signal
 * that is ignored, one that ends the program, and one that is blocked, which some thread waits for by sigwait(). The signal 0 is none, and a
 * thread can be asked about until it is joined, as in glibc.
 */
LIBC_WEAK
int pthread_kill(pthread_t id, int signal)
{
    struct sigaction action;
    sigset_t blocked;

    if (signal < 0 || signal >= _NSIG) {
        return EINVAL;
    }
    sigaction(signal, NULL, &action);
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    if (id != (pthread_t)self() && signal != 0 && action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN && sigismember(&blocked, signal) != 1) {
        return ENOSYS;
    }
    return raise(signal) == 0 ? 0 : errno;
}

LIBC_WEAK
int pthread_setname_np(pthread_t id, const char *name)
{
    Thread *thread = (Thread *)id;

    if (strlen(name) >= sizeof(thread->name)) {
        return ERANGE;
    }
    strcpy(thread->name, name);
    return 0;
}

LIBC_WEAK
int pthread_getname_np(pthread_t id, char *name, size_t size)
{
    Thread *thread = (Thread *)id;

    if (size < strlen(thread->name) + 1) {
        return ERANGE;
    }
    strcpy(name, thread->name);
    return 0;
}

/* Does nothing: there is no fork(). */
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    (void)prepare;
    (void)parent;
    (void)child;
    return 0;
}

int __wrap___pthread_create(pthread_t *restrict result,
                            const pthread_attr_t *restrict attr,
                            void *(*start)(void *), void *restrict arg)
{
    return __wrap_pthread_create(result, attr, start, arg);
}

int __wrap___pthread_join(pthread_t id, void **result)
{
    return __wrap_pthread_join(id, result);
}

int __wrap___pthread_detach(pthread_t id)
{
    return __wrap_pthread_detach(id);
}

_Noreturn void __wrap___pthread_exit(void *result)
{
    __wrap_pthread_exit(result);
}

LIBC_TYPE(pthread_create);
LIBC_TYPE(pthread_join);
LIBC_TYPE(pthread_detach);
LIBC_TYPE(pthread_exit);
LIBC_TYPE(pthread_self);
LIBC_TYPE(thrd_current);
LIBC_TYPE(pthread_cancel);
LIBC_TYPE(pthread_atfork);
