/* SPDX-License-Identifier: MIT */
#ifndef PORT_CALLS_H
#define PORT_CALLS_H
/*
 * Every call through a pointer uses one of these macros; test/api fails for a call that
 * does not.
 *
 * In WebAssembly the library's frames, unlike the program's, cannot be suspended when a
 * coroutine yields. So the library counts itself while it calls a function of the program
 * (port_coroutine_fence), and a yield of a coroutine that was entered further out panics
 * with its name. docs/decisions/0008 says more.
 */
#include "port/port.h"

static inline int calls_fence(void)
{
    port_coroutine_fence(1);
    return 0;
}

static inline void calls_end_fence(const int *fence)
{
    (void)fence;
    port_coroutine_fence(-1);
}

/* Calls a function of the program, or one that may be, and has its value. */
#define CALL_USER(fn, args...)                                               \
    ({                                                                       \
        __attribute__((cleanup(calls_end_fence), unused))                    \
        int fence_ = calls_fence();                                          \
        (fn)(args);                                                          \
    })

/* Calls a function of the library that calls the program only by CALL_USER: monitors,
 * hooks, the work of a thread. */
#define CALL_OWN(fn, args...) ((fn)(args))

/* Calls the entry function of a coroutine, in the coroutine itself: it may yield. */
#define CALL_COROUTINE(fn, args...) ((fn)(args))

#endif
