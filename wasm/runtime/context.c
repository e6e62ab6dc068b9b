/* SPDX-License-Identifier: MIT */
/* Contexts of the owner besides its first one. Each is driven in the same way, by turns
 * (rt_hosted_turn) of the JavaScript event loop, and is current only during these. */
#include "port/calls.h"
#include "qapi/error.h"
#include "loop/loop.h"
#include "runtime.h"
#include <string.h>

typedef struct OwnedContext {
    AioContext *ctx;
    QSLIST_ENTRY(OwnedContext) next;
    char name[];
} OwnedContext;

static QSLIST_HEAD(, OwnedContext) contexts;

/* Makes a context. Returns NULL on failure: see rt_error_text(). Owner only. */
WASM_EXPORT("rt_context_new")
AioContext *rt_context_new(const char *name)
{
    size_t size = strlen(name) + 1;
    OwnedContext *owned;
    Error *err = NULL;

    QSLIST_FOREACH(owned, &contexts, next) {
        if (strcmp(owned->name, name) == 0) {
            error_setg(&err, "there is a context named '%s' already", name);
            rt_take_error(err);
            return NULL;
        }
    }
    owned = malloc(sizeof(*owned) + size);
    if (!owned) {
        error_setg_errno(&err, ENOMEM, "context '%s'", name);
        rt_take_error(err);
        return NULL;
    }
    memcpy(owned->name, name, size);
    owned->ctx = aio_context_new(&err);
    if (!owned->ctx) {
        rt_take_error(err);
        free(owned);
        return NULL;
    }
    QSLIST_INSERT_HEAD(&contexts, owned, next);
    return owned->ctx;
}

/* Runs what is scheduled. What goes on scheduling itself is a leak, which the panic at the
 * end of the context names. */
static void run_what_is_due(AioContext *ctx)
{
    AioContext *outer = qemu_get_current_aio_context();

    aio_context_detach_current();
    qemu_set_current_aio_context(ctx);
    for (int i = 0; i < 100 && aio_poll(ctx, false); i++) {
        continue;
    }
    aio_context_detach_current();
    if (outer) {
        qemu_set_current_aio_context(outer);
    }
}

/* Frees a context of rt_context_new() that nobody drives any more, without armed timers or
 * bottom halves in use. Returns false on failure: see rt_error_text(). Owner only. */
WASM_EXPORT("rt_context_free")
bool rt_context_free(AioContext *ctx)
{
    OwnedContext *owned;
    Error *err = NULL;

    QSLIST_FOREACH(owned, &contexts, next) {
        if (owned->ctx == ctx) {
            break;
        }
    }
    if (!owned) {
        port_panic("rt_context_free: context %p does not belong to the owner",
                   (void *)ctx);
    }
    if (qemu_get_current_aio_context() == ctx) {
        error_setg(&err, "context '%s' cannot be closed in one of its own "
                   "call-backs: close it after the call-back has returned", owned->name);
    } else if (*rt_requests_in_flight(ctx)) {
        error_setg(&err, "context '%s' has %u requests in flight", owned->name,
                   *rt_requests_in_flight(ctx));
    }
    if (err) {
        rt_take_error(err);
        return false;
    }
    run_what_is_due(ctx);
    QSLIST_REMOVE(&contexts, owned, OwnedContext, next);
    free(owned);
    aio_context_unref(ctx);
    return true;
}

void rt_each_context(void (*fn)(const char *name, AioContext *ctx))
{
    OwnedContext *owned;

    QSLIST_FOREACH(owned, &contexts, next) {
        CALL_OWN(fn, owned->name, owned->ctx);
    }
}
