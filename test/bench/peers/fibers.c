/* SPDX-License-Identifier: MIT */
/* Emscripten's own fibers, as Emscripten builds them: a peer of f_co_enter_yield. */
#include <emscripten.h>
#include <emscripten/fiber.h>

static emscripten_fiber_t leader, other;
static char stack[65536] __attribute__((aligned(16)));
static char frames[2][65536] __attribute__((aligned(16)));
static double count;

static void yield_for_ever(void *opaque)
{
    (void)opaque;
    for (;;) {
        count++;
        emscripten_fiber_swap(&other, &leader);
    }
}

EMSCRIPTEN_KEEPALIVE void fibers_init(void)
{
    emscripten_fiber_init_from_current_context(&leader, frames[0],
                                               sizeof(frames[0]));
    emscripten_fiber_init(&other, yield_for_ever, NULL, stack, sizeof(stack),
                          frames[1], sizeof(frames[1]));
}

static double begun, ended;

/* JavaScript may not call a function that swaps and wait for its value: what it is
 * is told by the others. */
EMSCRIPTEN_KEEPALIVE void fibers_swap(int n)
{
    begun = emscripten_get_now();
    for (int i = 0; i < n; i++) {
        emscripten_fiber_swap(&leader, &other);
    }
    ended = emscripten_get_now();
}

/* ms */
EMSCRIPTEN_KEEPALIVE double fibers_time(void)
{
    return ended - begun;
}

EMSCRIPTEN_KEEPALIVE double fibers_count(void)
{
    return count;
}
