/* SPDX-License-Identifier: MIT */
/* The table of what JavaScript's threads share: wasm/runtime/handle.c itself, and what it needs of the other files there. */
#include "loop.h"
#include "port/port.h"
#include "runtime/handle.h"
#include "shared.h"

/* ---- In place of wasm/port/thread.c and wasm/runtime/callback.c ---- */

WasmThread wasm_threads[WASM_MAX_THREADS];
static uint32_t threads_used;
static _Thread_local WasmThread *self;

/* Not itself a thread-local, because these have the same address in all threads of the simulator. */
WasmThread *wasm_thread_self(void)
{
    if (!self) {
        self = &wasm_threads[qatomic_fetch_inc(&threads_used)];
    }
    return self;
}

AioContext *rt_owner_context(void)
{
    return ctx;
}

int rt_watch(AioContext *context, int fd, uint32_t id)
{
    (void)context;
    (void)fd;
    (void)id;
    return 0;
}

bool rt_is_watched(AioContext *context, int fd)
{
    (void)context;
    (void)fd;
    return false;
}

/* ---- Memory ---- */

enum { CLOSE, USE };

/* of[0]: whether it is closed. */
static bool handle_model(SimState *state, int op, int64_t arg, int64_t result)
{
    (void)arg;
    if (!result == !state->of[0]) {
        return false;           /* both are done to what is open, and refused otherwise */
    }
    state->of[0] |= op == CLOSE;
    return true;
}

static uint32_t number, generation;

static void makes(HandleKind kind)
{
    Handle *handle = handle_new(kind, "shared");

    sim_check(handle);
    if (kind == HANDLE_MEMORY) {
        handle->memory = calloc(1, sizeof(uint32_t));
    } else {
        sim_check(event_notifier_init(&handle->notifier, false) == 0);
    }
    number = (uint32_t)handle->number;
    generation = rt_handle_generation(number);
}

static void uses_memory(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < 2; i++) {
        unsigned call = sim_call_begin("rt_handle_enter", USE, 0);
        uint32_t *memory = rt_handle_enter(number, generation);

        sim_call_end(call, memory != NULL);
        if (memory) {
            qatomic_inc(memory);
            rt_handle_leave(number);
        }
    }
}

static void closes(void *opaque)
{
    unsigned call = sim_call_begin("rt_handle_close", CLOSE, 0);

    (void)opaque;
    sim_call_end(call, rt_handle_close(number, generation));
}

SIM_SCENARIO(handle_is_linear, "Memory is there for all who find its handle open; one of several closes it.")
{
    rt_handles_init(sim_choose(2) ? UINT32_MAX : 7);
    makes(HANDLE_MEMORY);
    sim_spawn("a", uses_memory, NULL);
    sim_spawn("b", uses_memory, NULL);
    sim_spawn("c", closes, NULL);
    sim_spawn("d", closes, NULL);
    sim_join();
    sim_check_linear(handle_model, "a handle");
    sim_check(rt_handles_open() == 0);
}

static void closes_and_makes(void *opaque)
{
    (void)opaque;
    sim_check(rt_handle_close(number, generation));
    /* The number is used again, for something else. */
    Handle *handle = handle_new(HANDLE_NOTIFIER, "another");
    sim_check((uint32_t)handle->number == number);
    sim_check(event_notifier_init(&handle->notifier, false) == 0);
    sim_pass();
    sim_check(event_notifier_test_and_clear(&handle->notifier) == 0);
    sim_check(rt_handle_close(number, rt_handle_generation(number)));
}

static void uses_old(void *opaque)
{
    uint32_t old = (uint32_t)(uintptr_t)opaque;

    for (int i = 0; i < 3; i++) {
        uint32_t *memory = rt_handle_enter(number, old);

        if (memory) {
            qatomic_inc(memory);
            rt_handle_leave(number);
        }
        rt_handle_signal(number, old);
    }
}

SIM_SCENARIO(handle_is_another, "Whoever has an old handle does nothing to what has its number now.")
{
    rt_handles_init(sim_choose(2) ? UINT32_MAX : 7);
    makes(HANDLE_MEMORY);
    sim_spawn("old", uses_old, (void *)(uintptr_t)generation);
    sim_spawn("closes", closes_and_makes, NULL);
    sim_join();
    sim_check(rt_handles_open() == 0);
}

/* ---- Notifiers ---- */

enum { SET = USE, CLEAR };

/* of[0]: whether it is closed; of[1]: whether it is set. */
static bool notifier_model(SimState *state, int op, int64_t arg, int64_t result)
{
    (void)arg;
    if (op == CLEAR) {
        if (result < 0) {
            return state->of[0];
        }
        if (state->of[0] || state->of[1] != result) {
            return false;
        }
        state->of[1] = 0;
        return true;
    }
    if (!handle_model(state, op, 0, result)) {
        return false;
    }
    state->of[1] |= op == SET && result;
    return true;
}

static void sets(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < 2; i++) {
        unsigned call = sim_call_begin("rt_handle_signal", SET, 0);
        sim_call_end(call, rt_handle_signal(number, generation));
    }
}

static void clears(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < 3; i++) {
        unsigned call = sim_call_begin("rt_handle_test_and_clear", CLEAR, 0);
        sim_call_end(call, rt_handle_test_and_clear(number, generation));
    }
}

SIM_SCENARIO(notifier_handle_is_linear, "A notifier that several threads share is a flag until it is closed, and nothing after that.")
{
    rt_handles_init(7);
    makes(HANDLE_NOTIFIER);
    sim_spawn("sets", sets, NULL);
    sim_spawn("clears", clears, NULL);
    sim_spawn("closes", closes, NULL);
    sim_join();
    sim_check_linear(notifier_model, "a notifier's handle");
}

/* ---- Waiting for answers ---- */

static uint32_t loops[2];
static int refused, waiting;

static void waits_for_the_other(void *opaque)
{
    int me = (int)(intptr_t)opaque;

    loops[me] = (uint32_t)rt_loop_handle(NULL);
    qatomic_inc((uint32_t *)&waiting);
    while (qatomic_mb_read((uint32_t *)&waiting) < 2) {
        port_pause();
    }
    if (rt_await_begin(loops[1 - me], rt_handle_generation(loops[1 - me]))) {
        qatomic_inc((uint32_t *)&refused);
    } else {
        /* Its answer comes when the other one has been refused. */
        while (!qatomic_mb_read((uint32_t *)&refused)) {
            port_pause();
        }
        rt_await_end();
    }
}

SIM_SCENARIO(one_of_two_waits, "Of two threads that would wait for each other exactly one is refused.")
{
    rt_handles_init(7);
    sim_spawn("a", waits_for_the_other, (void *)0);
    sim_spawn("b", waits_for_the_other, (void *)1);
    sim_join();
    sim_check(refused == 1);
}
