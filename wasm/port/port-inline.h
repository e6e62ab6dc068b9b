/* SPDX-License-Identifier: MIT */
#ifndef WASM_PORT_INLINE_H
#define WASM_PORT_INLINE_H
/* The inline functions of port.h. Included by port.h only. */

typedef struct PortHolds {
    int32_t count;
    uint32_t stop;             /* set by the owner to end this thread */
} PortHolds;
extern _Thread_local PortHolds port_holds_tls;
/* Waits for the owner to end this thread, with a count of 0. */
QEMU_NORETURN void port_thread_park(void);

static inline void port_thread_holds(int change)
{
    PortHolds *holds = &port_holds_tls;
    int32_t before = holds->count;

    /* Keeps the compiler from moving the steps out of the section. */
    __asm__ volatile("" ::: "memory");
    holds->count = before + change;
    __asm__ volatile("" ::: "memory");
    if (change > 0 && before == 0 && unlikely(qatomic_read(&holds->stop))) {
        /* Here and not in the function: engines terminate a thread where a function begins,
         * and it would seem to have ended within the section. */
        holds->count = 0;
        port_thread_park();
    }
}

extern _Thread_local uint32_t port_fences_tls;

static inline void port_coroutine_fence(int change)
{
    port_fences_tls += (uint32_t)change;
}

/* Not atomic: an atomic store is an exchange on x86, too expensive for a counter. A plain
 * 64-bit store tears on 32-bit machines only. */
static inline void port_count_add(uint64_t *counter, uint64_t n)
{
    *(volatile uint64_t *)counter = *counter + n;
}

static inline uint32_t port_peek(const uint32_t *word)
{
    return qatomic_read(word);
}

#endif
