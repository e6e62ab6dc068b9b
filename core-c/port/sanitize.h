/* SPDX-License-Identifier: MIT */
#ifndef PORT_SANITIZE_H
#define PORT_SANITIZE_H
/* Whether this is compiled with AddressSanitizer or ThreadSanitizer, by gcc or clang. */
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

#endif
