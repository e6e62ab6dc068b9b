/* SPDX-License-Identifier: MIT */
/* Coroutines that TypeScript awaits. */
#include "aio/export.h"
#include "loop/aio-context.h"
#include "runtime.h"

typedef struct Call {
    AioCoroutineFunc *function;
    intptr_t argument;
    uint32_t id;
} Call;

static void request_ended(void *opaque)
{
    AioContext *home = opaque;

    home->requests--;
}

/* A request of the context that it began in, wherever it ends: that context's
 * thread does not leave before. */
static void coroutine_fn call_entry(void *opaque)
{
    Call call = *(Call *)opaque;
    AioContext *home = qemu_get_current_aio_context();
    int result;

    free(opaque);
    home->requests++;
    result = call.function(call.argument);
    rt_complete(call.id, result);
    if (home == qemu_get_current_aio_context()) {
        request_ended(home);
    } else {
        aio_bh_schedule_oneshot(home, request_ended, home);
    }
}

/* Owner. Completes request id. */
WASM_EXPORT("rt_coroutine_start")
void rt_coroutine_start(AioContext *ctx, const AioExportedCoroutine *exported,
                        intptr_t argument, uint32_t id)
{
    Call *call = malloc(sizeof(*call));

    if (!call) {
        port_panic("rt_coroutine_start: out of memory");
    }
    *call = (Call){ exported->function, argument, id };
    aio_co_schedule(ctx, qemu_coroutine_create_full(call_entry, call,
                                                    exported->name));
}
