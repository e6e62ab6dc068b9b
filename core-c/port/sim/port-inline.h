/* SPDX-License-Identifier: MIT */
#ifndef SIM_PORT_INLINE_H
#define SIM_PORT_INLINE_H
/* The inline functions of port.h. Included by port.h only. */

/* A simulated thread is never lost. */
static inline void port_thread_holds(int change)
{
    (void)change;
}

static inline void port_coroutine_fence(int change)
{
    (void)change;
}

/* Statistics: no step of a run, so that they do not make it longer. */
__attribute__((no_sanitize("thread")))
static inline void port_count_add(uint64_t *counter, uint64_t n)
{
    *(volatile uint64_t *)counter += n;
}

/* No step either. */
__attribute__((no_sanitize("thread")))
static inline uint32_t port_peek(const uint32_t *word)
{
    return *(const volatile uint32_t *)word;
}

#endif
