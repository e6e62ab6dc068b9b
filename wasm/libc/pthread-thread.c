/* SPDX-License-Identifier: MIT */
/* pthreads on the port's threads, and thread-specific data. */
#include <pthread.h>
#include <stdlib.h>
#include <threads.h>

#include "port/calls.h"
#include "port/wasm-port.h"
#include "sync/thread.h"
#include "wait.h"

/* The record that a pthread_t points to. */
typedef struct Thread {
    void *(*start)(void *);
    void *arg;
    void *result;
    uint32_t ended;          /* the word that join sleeps on */
    uint32_t detached;       /* or joined: the second to set it frees the record */
    bool c11;
} Thread;

/* musl's mark for the threads of thrd_create(), whose function returns an int. */
#define C11_THREAD ((const pthread_attr_t *)(uintptr_t)-1)

/* The record of a thread that pthread_create() did not make; made on first use. */
static _Thread_local Thread *self_tls;
static _Thread_local Thread own;

/* Not inlined: a coroutine may change threads between two uses of a thread-local. */
static __attribute__((noinline)) Thread *self(void)
{
    __asm__ volatile("");
    return self_tls ? self_tls : &own;
}

/* The number of threads besides main, plus 1 for main until it calls pthread_exit(). */
static uint32_t alive = 1;

static void release(Thread *thread)
{
    if (qatomic_xchg(&thread->detached, 1)) {
        free(thread);
    }
}

/* ---- Thread-specific data ---- */

typedef void Destructor(void *);

/* A key that is reused is a new key, although it has the same number: the generation tells
 * the data of the old key apart. */
static struct {
    uint32_t used;
    uint32_t generation;
    Destructor *destroy;
} keys[PTHREAD_KEYS_MAX];

typedef struct Value {
    void *data;
    uint32_t generation;
} Value;
static _Thread_local Value values[PTHREAD_KEYS_MAX];

static __attribute__((noinline)) Value *value(pthread_key_t key)
{
    __asm__ volatile("");
    return &values[key];
}

static bool is_used(pthread_key_t key)
{
    return key < PTHREAD_KEYS_MAX && qatomic_read(&keys[key].used);
}

int __wrap_pthread_key_create(pthread_key_t *key, Destructor *destroy)
{
    for (unsigned i = 0; i < PTHREAD_KEYS_MAX; i++) {
        if (qatomic_cmpxchg(&keys[i].used, 0, 1) == 0) {
            keys[i].destroy = destroy;
            qatomic_inc(&keys[i].generation);
            *key = i;
            return 0;
        }
    }
    return EAGAIN;
}

int __wrap_pthread_key_delete(pthread_key_t key)
{
    if (!is_used(key)) {
        return EINVAL;
    }
    qatomic_inc(&keys[key].generation);
    keys[key].destroy = NULL;
    qatomic_mb_set(&keys[key].used, 0);
    return 0;
}

void *__wrap_pthread_getspecific(pthread_key_t key)
{
    Value *own_value;

    if (key >= PTHREAD_KEYS_MAX) {
        return NULL;
    }
    own_value = value(key);
    return own_value->generation == qatomic_read(&keys[key].generation)
               ? own_value->data : NULL;
}

int __wrap_pthread_setspecific(pthread_key_t key, const void *data)
{
    if (!is_used(key)) {
        return EINVAL;
    }
    *value(key) = (Value){ (void *)data, qatomic_read(&keys[key].generation) };
    return 0;
}

/* A destructor may set data again, so this is repeated as often as POSIX requires. */
static void destroy_values(void)
{
    bool more = true;

    for (int i = 0; more && i < PTHREAD_DESTRUCTOR_ITERATIONS; i++) {
        more = false;
        for (unsigned key = 0; key < PTHREAD_KEYS_MAX; key++) {
            void *data = __wrap_pthread_getspecific(key);
            Destructor *destroy = keys[key].destroy;
            if (data && destroy) {
                value(key)->data = NULL;
                CALL_USER(destroy, data);
                more = true;
            }
        }
    }
}

/* ---- Threads ---- */

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
    qatomic_dec(&alive);
}

static void end(void *result)
{
    Thread *thread = self();

    destroy_values();
    thread_run_exit_hooks();
    thread->result = result;
    if (thread != &own) {
        self_tls = NULL;
        port_thread_holds(1);
        port_thread_on_lost(NULL, NULL);
        mark_ended(thread);
        port_thread_holds(-1);
    }
    /* main may have ended before the others; the last thread ends the program. */
    if (qatomic_fetch_dec(&alive) == 1) {
        exit(0);
    }
}

static void run(void *opaque)
{
    Thread *thread = opaque;

    self_tls = thread;
    port_thread_on_lost(thread_lost, thread);
    if (thread->c11) {
        int (*start)(void *) = (int (*)(void *))(void *)thread->start;

        end((void *)(intptr_t)CALL_USER(start, thread->arg));
    } else {
        end(CALL_USER(thread->start, thread->arg));
    }
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
    thread->c11 = attr == C11_THREAD;
    thread->detached = detach == PTHREAD_CREATE_DETACHED;
    /* Set before the thread can read its own id there. */
    *result = (pthread_t)thread;
    qatomic_inc(&alive);
    ret = port_thread_start("pthread", run, thread, NULL);
    if (ret < 0) {
        qatomic_dec(&alive);
        free(thread);
    }
    return -ret;
}

int __wrap_pthread_join(pthread_t id, void **result)
{
    Thread *thread = (Thread *)id;

    if (thread == self()) {
        return EDEADLK;
    }
    while (!qatomic_mb_read(&thread->ended)) {
        wait_on(&thread->ended, 0, NO_DEADLINE);
    }
    if (result) {
        *result = thread->result;
    }
    release(thread);
    return 0;
}

int __wrap_pthread_detach(pthread_t id)
{
    release((Thread *)id);
    return 0;
}

_Noreturn void __wrap_pthread_exit(void *result)
{
    end(result);
    port_thread_exit();
}

pthread_t __wrap_pthread_self(void)
{
    return (pthread_t)self();
}

thrd_t __wrap_thrd_current(void)
{
    return (thrd_t)self();
}

/* Fails: there are no signals, and nothing else that could end a thread from outside. */
int __wrap_pthread_cancel(pthread_t id)
{
    (void)id;
    return ENOSYS;
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
