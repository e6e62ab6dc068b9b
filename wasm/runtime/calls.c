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

/* Whether nothing has been published behind `seen`. */
static bool is_at(CallRing *ring, uint32_t seen)
{
    return !ring || qatomic_mb_read(&ring->tail) == seen;
}

static void set_waiter(CallRing *ring, RingWaiter waiter)
{
    if (ring) {
        qatomic_mb_set(&ring->waiter, waiter);
    }
}

static int64_t poll_max_ns(void)
{
    return qatomic_read(&qemu_get_current_aio_context()->poll_max_ns);
}

/* Polls as long as the thread's loop may. Returns true if there is a record. *begin becomes the time of
 * the first look at the clock, which costs as much as dozens of looks at the rings. */
static bool poll_rings(CallRing *ring, uint32_t seen, CallRing *also, uint32_t also_seen,
                       int64_t *begin)
{
    for (unsigned turn = 1; is_at(ring, seen) && is_at(also, also_seen); turn++) {
        if (turn % 128 == 0) {
            int64_t now = port_clock_ns(PORT_CLOCK_MONOTONIC);

            if (!*begin) {
                *begin = now;
            } else if (now - *begin > poll_max_ns()) {
                return false;
            }
        }
    }
    return true;
}

/*
 * Waits, in a blocking call, until there is a record behind `seen` in the ring, or the ring's writer
 * has ended; or until there is one behind `also_seen` in `also`, a ring of another connection or NULL;
 * or for the time-out. It may also return early. Polls first, as long as the thread's loop may, if that
 * would have been enough the last time. The rings' reader only, and never the owner.
 *
 * The thread sleeps on a word of its own, which is the same for both rings and outlives them. Whoever
 * publishes a record, or the end, wakes a reader that has stored RING_SLEEPING before: it changes the
 * word and notifies it. The reader reads the word, stores RING_SLEEPING, and then looks at the tails
 * again. So either the reader sees what was published, or the publisher sees that the reader sleeps.
 */
WASM_EXPORT("rt_await")
void rt_await(CallRing *ring, uint32_t seen, CallRing *also, uint32_t also_seen, double timeout_ns)
{
    uint32_t *word = &wasm_thread_self()->roused;
    int64_t begin = 0;

    if (ring->quick && poll_rings(ring, seen, also, also_seen, &begin)) {
        return;
    }
    if (!begin) {
        begin = port_clock_ns(PORT_CLOCK_MONOTONIC);
    }
    if (is_at(ring, seen) && is_at(also, also_seen)) {
        uint32_t before = qatomic_mb_read(word);

        qatomic_mb_set(&ring->sleeper, word);
        if (also) {
            qatomic_mb_set(&also->sleeper, word);
        }
        set_waiter(ring, RING_SLEEPING);
        set_waiter(also, RING_SLEEPING);
        if (is_at(ring, seen) && is_at(also, also_seen) && !qatomic_mb_read(&ring->ended)) {
            port_futex_wait(word, before, timeout_ns < 1e18 ? (int64_t)timeout_ns : -1);
        }
        set_waiter(ring, RING_AWAITED);
        set_waiter(also, RING_AWAITED);
    }
    ring->quick = port_clock_ns(PORT_CLOCK_MONOTONIC) - begin < poll_max_ns();
}
