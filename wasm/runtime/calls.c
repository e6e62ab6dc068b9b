/* SPDX-License-Identifier: MIT */
/* Where each context has the rings by which JavaScript in other threads calls JavaScript in
 * its thread. The rings themselves are JavaScript's: ts/src/wire/record-ring.ts. */
#include "loop/part.h"
#include "runtime.h"

typedef struct Calls {
    CallRing *rings;
    bool hosted;               /* rt_is_hosted() */
} Calls;

static AioPart calls_part = {
    .size = sizeof(Calls),
};
AIO_PART_REGISTER(calls_part);

static Calls *calls_of(AioContext *ctx)
{
    return aio_part(ctx, &calls_part);
}

WASM_EXPORT("rt_calls")
CallRing *rt_calls(AioContext *ctx)
{
    return calls_of(ctx)->rings;
}

/* Sets the rings, before the context has a thread; they are freed after it. Owner only. */
WASM_EXPORT("rt_calls_set")
void rt_calls_set(AioContext *ctx, CallRing *rings)
{
    calls_of(ctx)->rings = rings;
}

/* Tells the owner that there is something in its ring. */
WASM_EXPORT("rt_notify_owner")
void rt_notify_owner(void)
{
    aio_notify(rt_owner_context());
}

void rt_sleeps_hosted(AioContext *ctx, bool hosted)
{
    qatomic_set(&calls_of(ctx)->hosted, hosted);
}

bool rt_is_hosted(AioContext *ctx)
{
    return qatomic_read(&calls_of(ctx)->hosted);
}
