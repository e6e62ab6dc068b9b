/* SPDX-License-Identifier: MIT */
/* Clocks, and sleeping on a word. */
#include "wasm-port.h"

/*
 * Each instruction has a function of its own, which neither clang nor wasm-opt may
 * inline. The baseline compiler of Node 20 (V8 11.3) corrupts the locals of a
 * function that has both instructions in one loop, and the loop does not end.
 */
__attribute__((noinline)) int port_wait32(uint32_t *word, uint32_t expected,
                                          int64_t timeout_ns)
{
    return __builtin_wasm_memory_atomic_wait32((int *)word, expected,
                                               timeout_ns);
}

__attribute__((noinline)) void port_notify32(uint32_t *word, uint32_t count)
{
    __builtin_wasm_memory_atomic_notify((int *)word, count);
}

int64_t port_clock_ns(PortClock clock)
{
    return (int64_t)host_clock_ns(clock);
}

bool port_may_wait(void)
{
    return wasm_thread_self()->may_wait;
}

int port_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns)
{
    WasmThread *self = wasm_thread_self();
    int ret;

    if (!self->may_wait) {
        port_would_block("futex wait");
    }
    /* Pairs with rt_wake_all: either it sees waiting_on, or we see wasm_failed. */
    qatomic_mb_set(&self->waiting_on, word);
    wasm_leave_if_failed();
    ret = port_wait32(word, expected, timeout_ns);
    qatomic_set(&self->waiting_on, NULL);
    wasm_leave_if_failed();
    return ret == 0 ? 0 : ret == 1 ? -EAGAIN : -ETIMEDOUT;
}

void port_futex_wake(uint32_t *word, uint32_t count)
{
    port_notify32(word, count);
}

/* The thread that we spin for may have died with the runtime. */
void port_pause(void)
{
    wasm_leave_if_failed();
}

/* Sections take microseconds. Even a thread that was preempted in one returns
 * sooner than this. */
#define SPIN_LIMIT_NS (10 * INT64_C(1000000000))
enum { SPIN_LOOK = 1 << 16 };

/* Other threads leave when the owner has heard that a thread was lost. The owner
 * does not hear of it while it spins, and finds out by the time that it takes. */
void port_spin(unsigned turn)
{
    static int64_t since;      /* used by the owner only */
    int64_t now;

    if (port_may_wait()) {
        wasm_leave_if_failed();
        return;
    }
    if (turn % SPIN_LOOK) {
        return;
    }
    now = port_clock_ns(PORT_CLOCK_MONOTONIC);
    if (!turn) {
        since = now;
        return;
    }
    /* Not at once: usually the lock becomes free all the same, and the thread that
     * failed reports its failure itself. */
    wasm_leave_if_failed();
    if (now - since > SPIN_LIMIT_NS) {
        port_panic("a lock has not been released for %d s: the thread that held "
                   "it is lost, or stuck",
                   (int)(SPIN_LIMIT_NS / 1000000000));
    }
}
