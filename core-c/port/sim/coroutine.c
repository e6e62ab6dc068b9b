/* SPDX-License-Identifier: MIT */
/* Coroutines of the simulated program. To switch to one is no step: only its thread sees it. */
#include "port/sim/machine.h"

typedef struct SimCoroutine {
    SimFiber own;
    SimFiber enterer;
    void (*entry)(void *arg);
    void *arg;
    bool yielded;
    max_align_t coroutine[];
} SimCoroutine;

static SimCoroutine *sim_coroutine(Coroutine *co)
{
    return container_of((max_align_t *)co, SimCoroutine, coroutine[0]);
}

static void loop(void *opaque)
{
    SimCoroutine *co = opaque;

    for (;;) {
        co->entry(co->arg);
        co->yielded = false;
        sim_fiber_switch(&co->own, &co->enterer);
    }
}

Coroutine *port_coroutine_new(size_t size)
{
    SimCoroutine *co = calloc(1, sizeof(*co) + size);

    if (!co) {
        return NULL;
    }
    sim_fiber_start(&co->own, loop, co);
    return (Coroutine *)co->coroutine;
}

/* Its stack is used again in the next run. */
void port_coroutine_free(Coroutine *co)
{
    free(sim_coroutine(co));
}

bool port_coroutine_fits(Coroutine *co)
{
    (void)co;
    return true;
}

void port_coroutine_set_size(size_t stack, size_t frames)
{
    (void)stack;
    (void)frames;
}

bool port_coroutine_enter(Coroutine *base, Coroutine *from, void (*entry)(void *arg), void *arg)
{
    SimCoroutine *co = sim_coroutine(base);

    (void)from;
    co->entry = entry;
    co->arg = arg;
    sim_fiber_switch(&co->enterer, &co->own);
    return co->yielded;
}

void coroutine_fn qemu_coroutine_yield(void)
{
    Coroutine *base = port_coroutine_current;
    SimCoroutine *co;

    if (!base) {
        port_coroutine_yields_to_no_one();
    }
    co = sim_coroutine(base);
    co->yielded = true;
    sim_fiber_switch(&co->own, &co->enterer);
}
