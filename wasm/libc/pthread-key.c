/* SPDX-License-Identifier: MIT */
/* Thread-specific data: the keys of pthreads and of C11. */
#include "pthread-key.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <threads.h>

#include "port/calls.h"
#include "sync/thread.h"
#include "weak.h"

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

static void destroy_in_hook(ThreadExitHook *hook)
{
    hook->fn = NULL;
    pthread_destroy_values();
}

/* Makes the destructors run in a thread that pthread_create() did not make. */
static __attribute__((noinline)) void destroy_at_end(void)
{
    static _Thread_local ThreadExitHook hook;

    __asm__ volatile("");
    if (!hook.fn) {
        hook.fn = destroy_in_hook;
        thread_at_exit(&hook);
    }
}

int __wrap_pthread_setspecific(pthread_key_t key, const void *data)
{
    if (!is_used(key)) {
        return EINVAL;
    }
    destroy_at_end();
    *value(key) = (Value){ (void *)data, qatomic_read(&keys[key].generation) };
    return 0;
}

void pthread_destroy_values(void)
{
    bool more = true;

    /* A destructor may set data again. */
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

/* ---- The names of C11 ---- */

LIBC_WEAK
int tss_create(tss_t *key, tss_dtor_t destroy)
{
    return __wrap_pthread_key_create(key, destroy) ? thrd_error : thrd_success;
}

LIBC_WEAK
void tss_delete(tss_t key)
{
    __wrap_pthread_key_delete(key);
}

LIBC_WEAK
void *tss_get(tss_t key)
{
    return __wrap_pthread_getspecific(key);
}

LIBC_WEAK
int tss_set(tss_t key, void *data)
{
    return __wrap_pthread_setspecific(key, data) ? thrd_error : thrd_success;
}

LIBC_TYPE(pthread_key_create);
LIBC_TYPE(pthread_key_delete);
LIBC_TYPE(pthread_getspecific);
LIBC_TYPE(pthread_setspecific);
