/* SPDX-License-Identifier: MIT */
#ifndef KILL_POINTS_H
#define KILL_POINTS_H
/*
 * Included before everything else in the files of the core that build/fixtures/kills.wasm
 * is linked with: kill_point() is called after each of their atomic accesses, which
 * are the steps that other threads see. test/jest/fixtures/kills.c has it stop a thread
 * there.
 */
#include "qemu/atomic.h"

void kill_point(void);

#define KILL_AFTER(expression)                                               \
    ({                                                                       \
        __typeof__(expression) value_ = (expression);                        \
        kill_point();                                                        \
        value_;                                                              \
    })
#define KILL_AFTER_STORE(ptr, val, order)                                    \
    do {                                                                     \
        __atomic_store_n((ptr), (val), order);                               \
        kill_point();                                                        \
    } while (0)

#undef qatomic_set
#undef qatomic_store_release
#undef qatomic_mb_set
#undef qatomic_xchg
#undef qatomic_cmpxchg
#undef qatomic_fetch_inc
#undef qatomic_fetch_dec
#undef qatomic_fetch_add
#undef qatomic_fetch_sub
#undef qatomic_fetch_and
#undef qatomic_fetch_or
#undef qatomic_inc
#undef qatomic_dec
#undef qatomic_add
#undef qatomic_sub
#undef qatomic_and
#undef qatomic_or

#define qatomic_set(ptr, val) KILL_AFTER_STORE(ptr, val, __ATOMIC_RELAXED)
#define qatomic_store_release(ptr, val) \
    KILL_AFTER_STORE(ptr, val, __ATOMIC_RELEASE)
#define qatomic_mb_set(ptr, val) KILL_AFTER_STORE(ptr, val, __ATOMIC_SEQ_CST)
#define qatomic_xchg(ptr, val) \
    KILL_AFTER(__atomic_exchange_n((ptr), (val), __ATOMIC_SEQ_CST))
#define qatomic_cmpxchg(ptr, old, new)                                       \
    ({                                                                       \
        __typeof__(*(ptr)) old_ = (old);                                     \
        __atomic_compare_exchange_n((ptr), &old_, (new), false,              \
                                    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);     \
        kill_point();                                                        \
        old_;                                                                \
    })
#define KILL_AFTER_RMW(name, ptr, val) \
    KILL_AFTER(__atomic_fetch_##name((ptr), (val), __ATOMIC_SEQ_CST))
#define qatomic_fetch_inc(ptr) KILL_AFTER_RMW(add, ptr, 1)
#define qatomic_fetch_dec(ptr) KILL_AFTER_RMW(sub, ptr, 1)
#define qatomic_fetch_add(ptr, n) KILL_AFTER_RMW(add, ptr, n)
#define qatomic_fetch_sub(ptr, n) KILL_AFTER_RMW(sub, ptr, n)
#define qatomic_fetch_and(ptr, n) KILL_AFTER_RMW(and, ptr, n)
#define qatomic_fetch_or(ptr, n) KILL_AFTER_RMW(or, ptr, n)
#define qatomic_inc(ptr) ((void)KILL_AFTER_RMW(add, ptr, 1))
#define qatomic_dec(ptr) ((void)KILL_AFTER_RMW(sub, ptr, 1))
#define qatomic_add(ptr, n) ((void)KILL_AFTER_RMW(add, ptr, n))
#define qatomic_sub(ptr, n) ((void)KILL_AFTER_RMW(sub, ptr, n))
#define qatomic_and(ptr, n) ((void)KILL_AFTER_RMW(and, ptr, n))
#define qatomic_or(ptr, n) ((void)KILL_AFTER_RMW(or, ptr, n))

#endif
