/* SPDX-License-Identifier: MIT */
/* Where each context has the rings by which JavaScript in other threads calls JavaScript in
 * its thread. The rings themselves are JavaScript's: ts/src/wire/record-ring.ts. */
#include "loop/part.h"
#include "runtime.h"

static AioPart calls_part = {
    .size = sizeof(CallRing *),
};
AIO_PART_REGISTER(calls_part);

WASM_EXPORT("rt_calls")
CallRing *rt_calls(AioContext *ctx)
{
    return *(CallRing **)aio_part(ctx, &calls_part);
}

/* Sets the rings, before the context has a thread; they are freed after it. Owner only. */
WASM_EXPORT("rt_calls_set")
void rt_calls_set(AioContext *ctx, CallRing *rings)
{
    *(CallRing **)aio_part(ctx, &calls_part) = rings;
}

/* Tells the owner that there is something in its ring. */
WASM_EXPORT("rt_notify_owner")
void rt_notify_owner(void)
{
    aio_notify(rt_owner_context());
}
