/* SPDX-License-Identifier: MIT */
/* Coroutines that TypeScript awaits. */
#include "aio/export.h"
#include "coroutine/coroutine.h"
#include "port/calls.h"
#include "runtime.h"

typedef struct Call {
    Completion completion;
    AioCoroutineFunc *function;
    intptr_t argument;
    AioContext *home;
    QEMUBH ended_bh;
    uint32_t refs;             /* one of the completion, and one of the home thread while
                                * it is */
} Call;

static void unref(Call *call)
{
    if (qatomic_fetch_dec(&call->refs) == 1) {
        free(call);
    }
}

static void call_told(Completion *completion)
{
    unref(container_of(completion, Call, completion));
}

static void request_ended(void *opaque)
{
    Call *call = opaque;

    (*rt_requests_in_flight(call->home))--;
    unref(call);
}

/* The coroutine is a request of the context that it began in, wherever it ends: the thread
 * of that context does not leave before. */
static void coroutine_fn call_entry(void *opaque)
{
    Call *call = opaque;

    call->home = qemu_get_current_aio_context();
    (*rt_requests_in_flight(call->home))++;
    rt_complete(&call->completion, CALL_COROUTINE(call->function, call->argument));
    if (call->home == qemu_get_current_aio_context()) {
        request_ended(call);
    } else {
        bh_init(&call->ended_bh, call->home, request_ended, call,
                "rt_coroutine_start");
        qemu_bh_schedule(&call->ended_bh);
    }
}

/* Starts a coroutine, whose end completes request id. Returns false if there is no memory.
 * Owner only. */
WASM_EXPORT("rt_coroutine_start")
bool rt_coroutine_start(AioContext *ctx, const AioExportedCoroutine *exported,
                        intptr_t argument, uint32_t id)
{
    Call *call = malloc(sizeof(*call));
    Coroutine *co = call ? qemu_coroutine_try_create_full(call_entry, call, exported->name)
                         : NULL;

    if (!co) {
        free(call);
        return false;
    }
    *call = (Call){ .completion = { .id = id, .told = call_told },
                    .function = exported->function, .argument = argument,
                    .refs = 2 };
    aio_co_schedule(ctx, co);
    return true;
}

/* ---- The running coroutine, without a C frame: the stack may be full ---- */

/* Returns the coroutine that runs in this thread, or NULL. */
WASM_EXPORT("rt_coroutine_running")
Coroutine *rt_coroutine_running(void)
{
    return coroutine_running();
}

WASM_EXPORT("rt_coroutine_name")
const char *rt_coroutine_name(Coroutine *co)
{
    return coroutine_name(co);
}

WASM_EXPORT("rt_coroutine_stack_size")
uint32_t rt_coroutine_stack_size(Coroutine *co)
{
    return wasm_coroutine_stack_size(co);
}

/* Counts a JavaScript frame that calls a function of the program. */
WASM_EXPORT("rt_coroutine_fence")
void rt_coroutine_fence(int change)
{
    port_coroutine_fence(change);
}
