/* SPDX-License-Identifier: MIT */
/*
 * Threads that end unexpectedly: what a thread records about itself in advance, that is,
 * what it has begun (port_thread_holds) and who has to hear of its end.
 * wasm/runtime/lost.c does the rest.
 */
#include "wasm-port.h"

_Thread_local PortHolds port_holds_tls;

void wasm_holds_attach(WasmThread *self)
{
    self->holds = &port_holds_tls;
    /* The thread-locals are new, without what the owner wrote there before. Pairs with
     * rt_thread_stop, which writes here first. */
    if (qatomic_mb_read(&self->stop)) {
        qatomic_set(&port_holds_tls.stop, 1);
    }
}

void port_thread_park(void)
{
    WasmThread *self = wasm_thread_self();

    for (;;) {
        /* Leaves when the runtime fails or is closed. Where a terminated worker ends only
         * after its sleep, the owner wakes it. */
        port_futex_wait(&self->stop, 1, -1);
    }
}

void port_thread_on_lost(void (*lost)(void *), void *arg)
{
    WasmThread *self = wasm_thread_self();

    /* One step: otherwise the new function could be called with the old argument. */
    port_thread_holds(1);
    self->lost_arg = arg;
    qatomic_mb_set(&self->lost, lost);
    qatomic_mb_set(&self->begun, 1);
    port_thread_holds(-1);
}

void port_thread_when_gone(void (*fn)(void *), void *arg)
{
    WasmThread *self = wasm_thread_self();

    self->gone_arg = arg;
    qatomic_mb_set(&self->gone, fn);
}

void port_thread_counts_in(uint32_t *counter)
{
    qatomic_set(&wasm_thread_self()->counts_in, counter);
}

int wasm_thread_holds(const WasmThread *thread)
{
    return thread->holds ? qatomic_read(&thread->holds->count) : 0;
}
