/* SPDX-License-Identifier: MIT */
#ifndef TEST_SIM_LOOP_H
#define TEST_SIM_LOOP_H
/* A context whose home is the thread "main". */
#include "block/aio.h"
#include "port/sim/sim.h"
#include "qapi/error.h"

static AioContext *ctx;

static inline void loop_begin(void)
{
    ctx = aio_context_new(&error_abort);
    qemu_set_current_aio_context(ctx);
}

/* After all other threads have ended. */
static inline void loop_end(void)
{
    sim_join();
    while (aio_poll(ctx, false)) {
        continue;
    }
    aio_context_detach_current();
    aio_context_unref(ctx);
}

#endif
