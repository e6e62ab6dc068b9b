/* SPDX-License-Identifier: MIT */
#ifndef PORT_SANITIZE_H
#define PORT_SANITIZE_H
/* Defined if this is compiled with AddressSanitizer or ThreadSanitizer, by gcc or
 * clang. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define WITH_TSAN 1
#endif

/* Memory in a pool: AddressSanitizer reports a use of it. Only whole words; a pool
 * leaves out its links, because LeakSanitizer does not follow poisoned ones. */
#if defined(WITH_ASAN)
#include <sanitizer/asan_interface.h>
#define sanitize_poison(memory, size) __asan_poison_memory_region(memory, size)
#define sanitize_unpoison(memory, size) \
    __asan_unpoison_memory_region(memory, size)
#else
#define sanitize_poison(memory, size) ((void)(memory), (void)(size))
#define sanitize_unpoison(memory, size) ((void)(memory), (void)(size))
#endif

#endif
