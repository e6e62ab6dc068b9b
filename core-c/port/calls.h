/* SPDX-License-Identifier: MIT */
#ifndef PORT_CALLS_H
#define PORT_CALLS_H
/*
 * Every call through a pointer goes by one of these; test/api fails for one that does not.
 *
 * In WebAssembly the library's frames, unlike the program's, cannot be put aside when a
 * coroutine yields. So the library counts itself while it calls a function of the program's
 * (port_coroutine_fence), and a yield of a coroutine that was entered further out is
 * refused by name. docs/decisions/0008
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

/* A function of the program's, or one that may be. Its value is the call's. */
#define CALL_USER(fn, args...)                                               \
    ({                                                                       \
        __attribute__((cleanup(calls_end_fence), unused))                    \
        int fence_ = calls_fence();                                          \
        (fn)(args);                                                          \
    })

/* A function of the library's own, which calls none of the program's otherwise than by
 * CALL_USER: monitors, hooks, what a thread is to do. */
#define CALL_OWN(fn, args...) ((fn)(args))

/* The function of a coroutine, in the coroutine itself: it may yield. */
#define CALL_COROUTINE(fn, args...) ((fn)(args))

#endif
