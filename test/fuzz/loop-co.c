/* SPDX-License-Identifier: MIT */
/* Coroutines of the target `loop`: they yield, are scheduled and woken, and exclude each
 * other by a CoMutex, which goes to the one that has waited longest. */
#include "loop.h"

#include "qemu/coroutine.h"

static struct {
    Coroutine *co;
    enum { NONE, YIELDED, SCHEDULED, WOKEN, RUNNING, LOCKING } state;
    unsigned runs;
} coroutines[COROUTINES];
static CoMutex mutex;
static int holder = -1;        /* of the mutex */
static unsigned lockers[COROUTINES], waiting;   /* for it, the first one first */

/* Coroutine i goes on. */
static void co_goes_on(unsigned i)
{
    TRACE("coroutine %u, state %d", i, coroutines[i].state);
    if (coroutines[i].state == SCHEDULED) {
        EXPECT(model_co_next() == (int)i);
        progress[depth] = true;
    } else {
        EXPECT(coroutines[i].state == WOKEN);
    }
    coroutines[i].state = RUNNING;
    coroutines[i].runs++;
}

static void coroutine_fn co_yield(unsigned i)
{
    coroutines[i].state = YIELDED;
    qemu_coroutine_yield();
    co_goes_on(i);
}

static void coroutine_fn co_lock(unsigned i)
{
    if (holder == (int)i) {
        return;
    }
    if (holder >= 0 || waiting) {
        lockers[waiting++] = i;
        coroutines[i].state = LOCKING;
    }
    qemu_co_mutex_lock(&mutex);
    if (coroutines[i].state == LOCKING) {
        EXPECT(holder == -1 && lockers[0] == i);
        waiting--;
        memmove(lockers, lockers + 1, waiting * sizeof(lockers[0]));
        coroutines[i].state = RUNNING;
    }
    EXPECT(holder == -1);
    holder = (int)i;
}

static void coroutine_fn co_unlock(unsigned i)
{
    if (holder == (int)i) {
        holder = -1;
        qemu_co_mutex_unlock(&mutex);
    }
}

static void coroutine_fn co_run(void *opaque)
{
    unsigned i = (unsigned)(uintptr_t)opaque;

    co_goes_on(i);
    for (unsigned steps = next_byte() & 7; steps; steps--) {
        unsigned op = next_byte();

        switch (op & 7) {
        case 0: case 1: co_yield(i); break;
        case 2: co_lock(i); break;
        case 3: co_unlock(i); break;
        case 4:
            coroutines[i].state = SCHEDULED;
            model_co_schedule(i);
            aio_co_schedule(ctx, coroutines[i].co);
            qemu_coroutine_yield();
            co_goes_on(i);
            break;
        default: do_ops(1, false);
        }
    }
    co_unlock(i);
    coroutines[i].state = NONE;
}

void co_schedule(unsigned i)
{
    if (coroutines[i].state == NONE) {
        coroutines[i].co = qemu_coroutine_create(co_run, (void *)(uintptr_t)i);
    } else if (coroutines[i].state != YIELDED) {
        return;
    }
    coroutines[i].state = SCHEDULED;
    model_co_schedule(i);
    aio_co_schedule(ctx, coroutines[i].co);
}

void co_wake(unsigned i)
{
    unsigned runs = coroutines[i].runs;

    if (coroutines[i].state != YIELDED) {
        return;
    }
    coroutines[i].state = WOKEN;
    aio_co_wake(coroutines[i].co);
    if (!qemu_in_coroutine()) {
        EXPECT(coroutines[i].runs > runs);
    }
}

void co_begin(void)
{
    qemu_co_mutex_init(&mutex);
}

bool co_wake_any(void)
{
    for (unsigned i = 0; i < COROUTINES; i++) {
        if (coroutines[i].state == YIELDED) {
            co_wake(i);
            return true;
        }
    }
    return false;
}

void co_end(void)
{
    EXPECT(holder == -1 && !waiting);
    for (unsigned i = 0; i < COROUTINES; i++) {
        EXPECT(coroutines[i].state == NONE);
    }
}
