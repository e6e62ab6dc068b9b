/* SPDX-License-Identifier: MIT */
/* The requests of TypeScript: how many each context has, and how the owner hears of their
 * ends. */
#include "runtime.h"
#include "loop/part.h"
#include "port/calls.h"

/* ---- In flight in a context ---- */

static void forget_requests(AioContext *ctx, bool again);
static void dump_requests(AioContext *ctx, AioDumpLine *line, void *opaque);

static AioPart requests_part = {
    .size = sizeof(unsigned),
    .begin = forget_requests,
    .dump = dump_requests,
};
AIO_PART_REGISTER(requests_part);

unsigned *rt_requests_in_flight(AioContext *ctx)
{
    return aio_part(ctx, &requests_part);
}

/* The requests of a lost thread were dropped, not completed. */
static void forget_requests(AioContext *ctx, bool again)
{
    (void)again;
    *rt_requests_in_flight(ctx) = 0;
}

static void dump_requests(AioContext *ctx, AioDumpLine *line, void *opaque)
{
    char text[48];

    snprintf(text, sizeof(text), "  requests in flight: %u",
             qatomic_read(rt_requests_in_flight(ctx)));
    CALL_OWN(line, opaque, text);
}

/* Returns the number of requests that the context has taken and not completed yet. */
WASM_EXPORT("rt_context_requests")
uint32_t rt_context_requests(AioContext *ctx)
{
    return qatomic_read(rt_requests_in_flight(ctx));
}

/* ---- Completions ---- */

/* The completions of rt_request_begin() that the owner has not handled yet. */
static QLIST_HEAD(, Completion) requests;

static void finish(Completion *completion)
{
    if (completion->ctx) {
        QLIST_REMOVE(completion, all);
    }
    if (completion->told) {
        CALL_OWN(completion->told, completion);
    }
}

static void complete_bh(void *opaque)
{
    Completion *completion = opaque;

    host_complete(completion->id, completion->result);
    finish(completion);
}

void rt_request_begin(Completion *completion, AioContext *ctx)
{
    completion->ctx = ctx;
    QLIST_INSERT_HEAD(&requests, completion, all);
}

void rt_requests_drop(AioContext *ctx)
{
    Completion *completion, *next;

    QLIST_FOREACH_SAFE(completion, &requests, all, next) {
        if (completion->ctx == ctx && !completion->ended) {
            finish(completion);
        }
    }
}

void rt_complete(Completion *completion, double result)
{
    completion->result = result;
    completion->ended = true;
    bh_init(&completion->bh, rt_owner_context(), complete_bh, completion,
            "rt_complete");
    qemu_bh_schedule(&completion->bh);
}
