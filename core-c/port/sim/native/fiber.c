/* SPDX-License-Identifier: MIT */
/* Stacks for threads and coroutines of the simulated program, and switches between them. */
/* The checks of _FORTIFY_SOURCE refuse a longjmp to another stack. */
#undef _FORTIFY_SOURCE
#include "port/sim/machine.h"

#include <sys/mman.h>
#include <ucontext.h>

enum { STACK = 64 * 1024, MOST = 512 };

static char *stacks;
enum { LEFT = 1, SUSPENDED };
/* Who called sim_fiber_run(), and who suspended that. */
static SimFiber runner, suspended;
static unsigned used;

typedef struct Start {
    SimFiber *fiber;
    SimFiber back;
    void (*fn)(void *);
    void *arg;
} Start;

static void bottom(int low, int high)
{
    Start *start = (Start *)(uintptr_t)((uint64_t)(uint32_t)low | (uint64_t)(uint32_t)high << 32);
    void (*fn)(void *) = start->fn;
    void *arg = start->arg;

    if (!_setjmp(start->fiber->env)) {
        _longjmp(start->back.env, 1);
    }
    fn(arg);
    abort();
}

void sim_fiber_start(SimFiber *fiber, void (*fn)(void *), void *arg)
{
    Start start = { .fiber = fiber, .fn = fn, .arg = arg };
    uint64_t address = (uintptr_t)&start;
    ucontext_t context, unused;

    if (used == MOST) {
        sim_fail("more than %d threads and coroutines in one run", MOST);
    }
    if (!stacks) {
        stacks = sim_map(SIM_STACKS_AT, (size_t)STACK * MOST);
        for (size_t n = 0; n < MOST; n++) {
            mprotect(stacks + n * STACK, 4096, PROT_NONE);
        }
        sim_race_watch(stacks, (size_t)STACK * MOST);
    }
    getcontext(&context);
    context.uc_link = NULL;
    context.uc_stack.ss_sp = stacks + (size_t)used++ * STACK;
    context.uc_stack.ss_size = STACK;
    makecontext(&context, (void (*)(void))bottom, 2, (int)(uint32_t)address, (int)(uint32_t)(address >> 32));
    if (!_setjmp(start.back.env)) {
        swapcontext(&unused, &context);
    }
}

void sim_fiber_switch(SimFiber *from, SimFiber *to)
{
    if (!_setjmp(from->env)) {
        _longjmp(to->env, 1);
    }
}

bool sim_fiber_run(SimFiber *first)
{
    int ended = _setjmp(runner.env);

    if (!ended) {
        _longjmp(first ? first->env : suspended.env, 1);
    }
    return ended == LEFT;
}

void sim_fiber_leave(void)
{
    _longjmp(runner.env, LEFT);
}

void sim_fiber_suspend(void)
{
    if (!_setjmp(suspended.env)) {
        _longjmp(runner.env, SUSPENDED);
    }
}

void sim_fiber_reset(void)
{
    used = 0;
}
