/* SPDX-License-Identifier: MIT */
#ifndef QEMU_ATOMIC_H
#define QEMU_ATOMIC_H
/*
 * Atomic accesses, under QEMU's names (include/qemu/atomic.h). Any thread; ptr
 * points to an aligned integer or pointer of at most 64 bits.
 *
 * The wake-up protocols use sequentially consistent accesses instead of
 * separate fences: ThreadSanitizer does not model fences, and in WebAssembly
 * every atomic access is sequentially consistent anyway.
 */
#include "qemu/osdep.h"

#define barrier() __asm__ volatile("" ::: "memory")
#define smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

/*
 * Relaxed load and store. WebAssembly has none: its atomic store is an exchange
 * on x86, which takes 7 ns. Its plain accesses of up to 32 bits do not tear,
 * and racing ones are not undefined, which is all that "relaxed" requires.
 */
#if defined(AIO_RELAXED_IS_PLAIN)
#define qatomic_read(ptr)                                                    \
    (sizeof(*(ptr)) <= 4 ? *(volatile __typeof__(*(ptr)) *)(ptr)             \
                         : __atomic_load_n((ptr), __ATOMIC_RELAXED))
#define qatomic_set(ptr, val)                                                \
    do {                                                                     \
        if (sizeof(*(ptr)) <= 4) {                                           \
            *(volatile __typeof__(*(ptr)) *)(ptr) = (val);                   \
        } else {                                                             \
            __atomic_store_n((ptr), (val), __ATOMIC_RELAXED);                \
        }                                                                    \
    } while (0)
#else
#define qatomic_read(ptr) __atomic_load_n((ptr), __ATOMIC_RELAXED)
#define qatomic_set(ptr, val) __atomic_store_n((ptr), (val), __ATOMIC_RELAXED)
#endif

#define qatomic_load_acquire(ptr) __atomic_load_n((ptr), __ATOMIC_ACQUIRE)
#define qatomic_store_release(ptr, val) \
    __atomic_store_n((ptr), (val), __ATOMIC_RELEASE)

/* Load and store, sequentially consistent. */
#define qatomic_mb_read(ptr) __atomic_load_n((ptr), __ATOMIC_SEQ_CST)
#define qatomic_mb_set(ptr, val) \
    __atomic_store_n((ptr), (val), __ATOMIC_SEQ_CST)

/* Read-modify-write, sequentially consistent. These return the old value; those
 * below without "fetch" in their names return nothing. */
#define qatomic_xchg(ptr, val) \
    __atomic_exchange_n((ptr), (val), __ATOMIC_SEQ_CST)
#define qatomic_cmpxchg(ptr, old, new)                                       \
    ({                                                                       \
        __typeof__(*(ptr)) old_ = (old);                                     \
        __atomic_compare_exchange_n((ptr), &old_, (new), false,              \
                                    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);     \
        old_;                                                                \
    })
#define qatomic_fetch_inc(ptr) __atomic_fetch_add((ptr), 1, __ATOMIC_SEQ_CST)
#define qatomic_fetch_dec(ptr) __atomic_fetch_sub((ptr), 1, __ATOMIC_SEQ_CST)
#define qatomic_fetch_add(ptr, n) \
    __atomic_fetch_add((ptr), (n), __ATOMIC_SEQ_CST)
#define qatomic_fetch_sub(ptr, n) \
    __atomic_fetch_sub((ptr), (n), __ATOMIC_SEQ_CST)
#define qatomic_fetch_and(ptr, n) \
    __atomic_fetch_and((ptr), (n), __ATOMIC_SEQ_CST)
#define qatomic_fetch_or(ptr, n) \
    __atomic_fetch_or((ptr), (n), __ATOMIC_SEQ_CST)
#define qatomic_inc(ptr) ((void)qatomic_fetch_inc(ptr))
#define qatomic_dec(ptr) ((void)qatomic_fetch_dec(ptr))
#define qatomic_add(ptr, n) ((void)qatomic_fetch_add(ptr, n))
#define qatomic_sub(ptr, n) ((void)qatomic_fetch_sub(ptr, n))
#define qatomic_and(ptr, n) ((void)qatomic_fetch_and(ptr, n))
#define qatomic_or(ptr, n) ((void)qatomic_fetch_or(ptr, n))

#endif
