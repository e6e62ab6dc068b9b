/* SPDX-License-Identifier: MIT */
/*
 * Threads that end unasked, as far as they see to it themselves: what they have begun
 * (port_thread_holds), and who is to hear of their end. wasm/runtime/lost.c does the rest.
 */
#include "wasm-port.h"

_Thread_local PortHolds port_holds_tls;

void wasm_holds_attach(WasmThread *self)
{
    self->holds = &port_holds_tls;
    /* Its thread-locals are new, and have lost what the owner wrote there before.
     * Pairs with rt_thread_stop, which writes here first. */
    if (qatomic_mb_read(&self->stop)) {
        qatomic_set(&port_holds_tls.stop, 1);
    }
}

void port_thread_park(void)
{
    WasmThread *self = wasm_thread_self();

    port_holds_tls.count = 0;
    for (;;) {
        /* Leaves when the runtime fails or is closed. Where a worker that was
         * terminated ends only after its sleep, the owner wakes it. */
        port_futex_wait(&self->stop, 1, -1);
    }
}

void port_thread_on_lost(void (*lost)(void *), void *arg)
{
    WasmThread *self = wasm_thread_self();

    /* One step: half of it would call the new function with the old argument. */
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
