/* SPDX-License-Identifier: MIT */
/* What run.mjs calls: the hooks, and a coroutine. */
#include "aio/export.h"
#include "block/aio.h"
#include "fail.h"

#define EXPORT(name) __attribute__((export_name(#name), used)) name

void EXPORT(calls_fail)(FailKind kind, unsigned n, int on)
{
    fail_nth(kind, n, on);
}

int EXPORT(call_has_failed)(FailKind kind)
{
    return fail_has_come(kind);
}

static int coroutine_fn add_one(intptr_t number)
{
    aio_co_schedule(qemu_get_current_aio_context(), qemu_coroutine_self());
    qemu_coroutine_yield();
    return (int)number + 1;
}
AIO_EXPORT_COROUTINE(add_one);
