/* SPDX-License-Identifier: MIT */
/* Where each context has the rings by which JavaScript in other threads calls JavaScript in
 * its thread. The rings themselves are JavaScript's: ts/src/wire/record-ring.ts. */
#include "loop/loop.h"
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

/*
 * Waits, in a blocking call, until there is a record behind `seen`, or the ring's writer has ended,
 * or for the time-out; it may also return early. Polls first, as long as the thread's loop may, if
 * that would have been enough the last time. The ring's reader only, and never the owner.
 *
 * Whoever publishes a record, or the end, wakes a reader that has stored RING_SLEEPING before. The
 * reader looks again after it has stored it. So one of them sees what the other has stored.
 */
WASM_EXPORT("rt_await")
void rt_await(CallRing *ring, uint32_t seen, double timeout_ns)
{
    int64_t begin = port_clock_ns(PORT_CLOCK_MONOTONIC);
    int64_t poll_ns = qatomic_read(&qemu_get_current_aio_context()->poll_max_ns);

    if (ring->quick) {
        for (unsigned turn = 1; qatomic_read(&ring->tail) == seen; turn++) {
            if (turn % 64 == 0 && port_clock_ns(PORT_CLOCK_MONOTONIC) - begin > poll_ns) {
                break;
            }
        }
    }
    if (qatomic_read(&ring->tail) == seen) {
        qatomic_mb_set(&ring->waiter, RING_SLEEPING);
        if (qatomic_mb_read(&ring->tail) == seen && !qatomic_mb_read(&ring->ended)) {
            port_futex_wait(&ring->waiter, RING_SLEEPING,
                            timeout_ns < 1e18 ? (int64_t)timeout_ns : -1);
        }
        qatomic_mb_set(&ring->waiter, RING_AWAITED);
    }
    ring->quick = port_clock_ns(PORT_CLOCK_MONOTONIC) - begin <= poll_ns;
}
