/* SPDX-License-Identifier: MIT */
/*
 * Ended coroutines are kept with their stacks for reuse. Each thread keeps a few for
 * itself, which needs no atomic operation, and leaves the others to all threads, since
 * coroutines that end in one thread may be made in another.
 *
 * A coroutine in a pool is not used until it is taken out again. Its name, and what
 * else a message about its misuse needs, stays readable; under AddressSanitizer the
 * rest is poisoned. With -DAIO_NO_POOLS each coroutine is freed at its end.
 */
#include "coroutine/coroutine.h"
#include "port/port.h"
#include "port/sanitize.h"
#include "sync/thread.h"

enum { OWN_MAX = 64 };

typedef QSLIST_HEAD(, Coroutine) CoroutineList;

typedef struct Pool {
    CoroutineList list;
    unsigned count;
    bool hooked;
    ThreadExitHook at_exit;
} Pool;

static _Thread_local Pool own_tls;
static CoroutineList shared;
static uint32_t shared_count;       /* approximate: not changed together with the
                                     * list */
static uint32_t shared_max = 64;

/* Not inlined: a coroutine may end in another thread than it began in. */
static __attribute__((noinline)) Pool *own_pool(void)
{
    __asm__ volatile("");
    return &own_tls;
}

/* Poisons the memory from one member to another. */
#define POISON(co, first, end) \
    sanitize_poison(&(co)->first, offsetof(Coroutine, end) - offsetof(Coroutine, first))

static void poison(Coroutine *co)
{
    POISON(co, entry, name);
    POISON(co, caller, ctx);
    POISON(co, locks_held, pool_next);
    sanitize_poison(&co->co_scheduled_next,
                    sizeof(*co) - offsetof(Coroutine, co_scheduled_next));
}

static Coroutine *unpoisoned(Coroutine *co)
{
    sanitize_unpoison(co, sizeof(*co));
    return co;
}

static void free_all(ThreadExitHook *at_exit)
{
    Pool *own = container_of(at_exit, Pool, at_exit);
    Coroutine *co;

    while ((co = QSLIST_FIRST(&own->list))) {
        QSLIST_REMOVE_HEAD(&own->list, pool_next);
        port_coroutine_free(unpoisoned(co));
    }
    own->count = 0;
    own->hooked = false;
}

/* What the calling thread keeps is freed when it ends. */
static void hook(Pool *own)
{
    if (unlikely(!own->hooked)) {
        own->hooked = true;
        own->at_exit.fn = free_all;
        thread_at_exit(&own->at_exit);
    }
}

/* Takes all of them: taking a single one would be open to ABA. */
static void take_shared(Pool *own)
{
    Coroutine *co;

    hook(own);
    qatomic_mb_set(&shared_count, 0);
    QSLIST_MOVE_ATOMIC(&own->list, &shared);
    QSLIST_FOREACH(co, &own->list, pool_next) {
        own->count++;
    }
}

Coroutine *coroutine_pool_take(void)
{
    Pool *own = own_pool();
    Coroutine *co;

    if (unlikely(QSLIST_EMPTY(&own->list)) && qatomic_read(&shared_count)) {
        take_shared(own);
    }
    while ((co = QSLIST_FIRST(&own->list))) {
        QSLIST_REMOVE_HEAD(&own->list, pool_next);
        own->count--;
        if (likely(port_coroutine_fits(co))) {
            return unpoisoned(co);
        }
        port_coroutine_free(unpoisoned(co));
    }
    return NULL;
}

void coroutine_pool_give(Coroutine *co)
{
    Pool *own = own_pool();

#if defined(AIO_NO_POOLS)
    port_coroutine_free(co);
    return;
#endif
    if (likely(own->count < OWN_MAX)) {
        hook(own);
        poison(co);
        QSLIST_INSERT_HEAD(&own->list, co, pool_next);
        own->count++;
    } else if (qatomic_read(&shared_count) < qatomic_read(&shared_max)) {
        poison(co);
        QSLIST_INSERT_HEAD_ATOMIC(&shared, co, pool_next);
        qatomic_inc(&shared_count);
    } else {
        port_coroutine_free(co);
    }
}

void qemu_coroutine_inc_pool_size(unsigned additional)
{
    qatomic_add(&shared_max, additional);
}

void qemu_coroutine_dec_pool_size(unsigned additional)
{
    /* Does not go below 0, whatever the caller asks for. */
    for (uint32_t max = qatomic_read(&shared_max), seen;; max = seen) {
        seen = qatomic_cmpxchg(&shared_max, max,
                               max - MIN(max, (uint32_t)additional));
        if (seen == max) {
            return;
        }
    }
}

void qemu_coroutine_set_stack_size(size_t stack, size_t frames)
{
    port_coroutine_set_size(stack, frames);
}
