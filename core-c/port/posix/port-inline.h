/* SPDX-License-Identifier: MIT */
#ifndef POSIX_PORT_INLINE_H
#define POSIX_PORT_INLINE_H
/* The inline functions of port.h. Included by port.h only. */

/* A native thread is never lost: what would end it ends the process. */
static inline void port_thread_holds(int change)
{
    (void)change;
}

/* A native coroutine may yield across any frame. */
static inline void port_coroutine_fence(int change)
{
    (void)change;
}

static inline void port_count_add(uint64_t *counter, uint64_t n)
{
    qatomic_set(counter, qatomic_read(counter) + n);
}

static inline uint32_t port_peek(const uint32_t *word)
{
    return qatomic_read(word);
}

#endif
