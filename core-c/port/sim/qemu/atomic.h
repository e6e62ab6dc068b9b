/* SPDX-License-Identifier: MIT */
#ifndef QEMU_ATOMIC_H
#define QEMU_ATOMIC_H
/*
 * The operations of core-c/include/qemu/atomic.h, carried out by the simulator, which is told where
 * in the program each of them stands.
 */
#include "qemu/osdep.h"

typedef struct SimSite {
    const char *file;
    int line;
    const char *text;           /* what the operation is applied to */
} SimSite;

typedef enum { SIM_RELAXED, SIM_ACQUIRE, SIM_RELEASE, SIM_SEQ_CST } SimOrder;
typedef enum { SIM_XCHG, SIM_ADD, SIM_AND, SIM_OR } SimOp;

uint64_t sim_load(const volatile void *ptr, unsigned size, SimOrder order, const SimSite *site);
void sim_store(volatile void *ptr, unsigned size, uint64_t value, SimOrder order, const SimSite *site);
/* Returns the old value. */
uint64_t sim_rmw(volatile void *ptr, unsigned size, SimOp op, uint64_t operand, const SimSite *site);
uint64_t sim_cmpxchg(volatile void *ptr, unsigned size, uint64_t old, uint64_t new_value, const SimSite *site);
void sim_fence(SimOrder order, const SimSite *site);

#define SIM_SITE_(text)                                                      \
    static const SimSite site_                                               \
        __attribute__((section("simsites"), aligned(sizeof(char *)))) =      \
        { __FILE__, __LINE__, text }
/* The bits of a value of the type of *ptr, and that value of bits. */
#define SIM_BITS_(ptr, val)                                                  \
    ({                                                                       \
        union { __typeof__(*(ptr)) value; uint64_t bits; } to_ = { .bits = 0 }; \
        to_.value = (val);                                                   \
        to_.bits;                                                            \
    })
#define SIM_VALUE_(ptr, the_bits)                                            \
    ({                                                                       \
        union { __typeof__(*(ptr)) value; uint64_t bits; } of_ = { .bits = (the_bits) }; \
        of_.value;                                                           \
    })
#define SIM_LOAD_(ptr, order)                                                \
    ({                                                                       \
        SIM_SITE_(#ptr);                                                     \
        SIM_VALUE_(ptr, sim_load((ptr), sizeof(*(ptr)), order, &site_));     \
    })
#define SIM_STORE_(ptr, val, order)                                          \
    ({                                                                       \
        SIM_SITE_(#ptr);                                                     \
        sim_store((ptr), sizeof(*(ptr)), SIM_BITS_(ptr, val), order, &site_); \
    })
#define SIM_RMW_(ptr, op, val)                                               \
    ({                                                                       \
        SIM_SITE_(#ptr);                                                     \
        SIM_VALUE_(ptr, sim_rmw((ptr), sizeof(*(ptr)), op, SIM_BITS_(ptr, val), &site_)); \
    })
#define SIM_FENCE_(order) ({ SIM_SITE_("fence"); sim_fence(order, &site_); })

#define barrier() __asm__ volatile("" ::: "memory")
#define smp_mb() SIM_FENCE_(SIM_SEQ_CST)
#define smp_rmb() SIM_FENCE_(SIM_ACQUIRE)
#define smp_wmb() SIM_FENCE_(SIM_RELEASE)

#define qatomic_read(ptr) SIM_LOAD_(ptr, SIM_RELAXED)
#define qatomic_set(ptr, val) SIM_STORE_(ptr, val, SIM_RELAXED)
#define qatomic_load_acquire(ptr) SIM_LOAD_(ptr, SIM_ACQUIRE)
#define qatomic_store_release(ptr, val) SIM_STORE_(ptr, val, SIM_RELEASE)
#define qatomic_mb_read(ptr) SIM_LOAD_(ptr, SIM_SEQ_CST)
#define qatomic_mb_set(ptr, val) SIM_STORE_(ptr, val, SIM_SEQ_CST)

#define qatomic_xchg(ptr, val) SIM_RMW_(ptr, SIM_XCHG, val)
#define qatomic_cmpxchg(ptr, old, new)                                       \
    ({                                                                       \
        SIM_SITE_(#ptr);                                                     \
        SIM_VALUE_(ptr, sim_cmpxchg((ptr), sizeof(*(ptr)), SIM_BITS_(ptr, old), \
                                    SIM_BITS_(ptr, new), &site_));           \
    })
/* Addition wraps at the operand's size. */
#define qatomic_fetch_inc(ptr) SIM_RMW_(ptr, SIM_ADD, 1)
#define qatomic_fetch_dec(ptr) SIM_RMW_(ptr, SIM_ADD, (__typeof__(*(ptr)))-1)
#define qatomic_fetch_add(ptr, n) SIM_RMW_(ptr, SIM_ADD, n)
#define qatomic_fetch_sub(ptr, n) SIM_RMW_(ptr, SIM_ADD, -(__typeof__(*(ptr)))(n))
#define qatomic_fetch_and(ptr, n) SIM_RMW_(ptr, SIM_AND, n)
#define qatomic_fetch_or(ptr, n) SIM_RMW_(ptr, SIM_OR, n)
#define qatomic_inc(ptr) ((void)qatomic_fetch_inc(ptr))
#define qatomic_dec(ptr) ((void)qatomic_fetch_dec(ptr))
#define qatomic_add(ptr, n) ((void)qatomic_fetch_add(ptr, n))
#define qatomic_sub(ptr, n) ((void)qatomic_fetch_sub(ptr, n))
#define qatomic_and(ptr, n) ((void)qatomic_fetch_and(ptr, n))
#define qatomic_or(ptr, n) ((void)qatomic_fetch_or(ptr, n))

#endif
