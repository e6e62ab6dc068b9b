/* SPDX-License-Identifier: MIT */
/*
 * Stacks for threads and coroutines of the simulated program, and switches between them. To switch, Asyncify unwinds the frames of
 * one stack into an area of its own, down to loop() below, which rewinds those of the other. Functions that are between loop() and
 * a switch are instrumented; link.mjs names those that need not be.
 */
#include "port/sim/machine.h"

#define ASYNCIFY(name) __attribute__((import_module("asyncify"), import_name(#name))) asyncify_##name
/* What Asyncify is given: where the next frame goes, and the end of the area. */
typedef struct Frames {
    char *next, *end;
} Frames;
void ASYNCIFY(start_unwind)(Frames *frames);
void ASYNCIFY(stop_unwind)(void);
void ASYNCIFY(start_rewind)(Frames *frames);
void ASYNCIFY(stop_rewind)(void);

/* JavaScript: calls sim_fiber_loop(); returns false if that has ended by the exception of sim_leave(). A trap becomes a message. */
__attribute__((import_module("sim"), import_name("protect"))) bool sim_protect(void);
/* JavaScript: throws. */
__attribute__((import_module("sim"), import_name("leave"), noreturn)) void sim_leave(void);

__asm__(".globaltype __stack_pointer, i32\n"
        ".globl sim_get_stack_pointer\n"
        ".type sim_get_stack_pointer,@function\n"
        "sim_get_stack_pointer:\n"
        ".functype sim_get_stack_pointer () -> (i32)\n"
        "global.get __stack_pointer\nend_function\n"
        ".globl sim_set_stack_pointer\n"
        ".type sim_set_stack_pointer,@function\n"
        "sim_set_stack_pointer:\n"
        ".functype sim_set_stack_pointer (i32) -> ()\n"
        "local.get 0\nglobal.set __stack_pointer\nend_function\n");
char *sim_get_stack_pointer(void);
void sim_set_stack_pointer(char *pointer);

enum { FRAMES = 16 * 1024, STACK = 32 * 1024, MOST = 128 };

typedef struct SimStack {
    Frames frames;
    char *pointer;
    void (*fn)(void *);
    void *arg;
    bool began;
} SimStack;

static SimStack stacks[MOST];
/* The frames of all, and then the stacks of all. */
static char *memory;
static unsigned used;
static SimStack *current, *next;
static bool rewinding;

void sim_fiber_start(SimFiber *fiber, void (*fn)(void *), void *arg)
{
    SimStack *stack = &stacks[used];

    if (used == MOST) {
        sim_fail("more than %d threads and coroutines in one run", MOST);
    }
    if (!memory) {
        memory = sim_map(NULL, (size_t)(FRAMES + STACK) * MOST);
        sim_race_watch(memory + (size_t)FRAMES * MOST, (size_t)STACK * MOST);
    }
    *stack = (SimStack){
        .frames = { memory + (size_t)FRAMES * used, memory + (size_t)FRAMES * (used + 1) },
        .pointer = memory + (size_t)FRAMES * MOST + (size_t)STACK * (used + 1),
        .fn = fn,
        .arg = arg,
    };
    used++;
    fiber->stack = stack;
}

static void unwind(SimStack *to)
{
    next = to;
    current->pointer = sim_get_stack_pointer();
    asyncify_start_unwind(&current->frames);
}

/* Called a second time at the end of the rewind. */
void sim_fiber_switch(SimFiber *from, SimFiber *to)
{
    if (rewinding) {
        rewinding = false;
        asyncify_stop_rewind();
        return;
    }
    from->stack = current;
    unwind(to->stack);
}

void sim_fiber_suspend(void)
{
    if (rewinding) {
        rewinding = false;
        asyncify_stop_rewind();
        return;
    }
    unwind(NULL);
}

__attribute__((export_name("sim_fiber_loop"))) void sim_fiber_loop(void);
void sim_fiber_loop(void)
{
    while (next) {
        current = next;
        next = NULL;
        sim_set_stack_pointer(current->pointer);
        if (current->began) {
            rewinding = true;
            asyncify_start_rewind(&current->frames);
        }
        current->began = true;
        current->fn(current->arg);
        asyncify_stop_unwind();
        if (current->frames.next > current->frames.end) {
            __builtin_trap();
        }
    }
}

bool sim_fiber_run(SimFiber *first)
{
    char *pointer = sim_get_stack_pointer();
    bool suspended;

    next = first ? first->stack : current;
    suspended = sim_protect();
    sim_set_stack_pointer(pointer);
    return !suspended;
}

void sim_fiber_leave(void)
{
    sim_leave();
}

void sim_fiber_reset(void)
{
    used = 0;
}
