/* SPDX-License-Identifier: MIT */
#ifndef COROUTINE_COROUTINE_H
#define COROUTINE_COROUTINE_H
/* Shared by the files of the coroutine library. */
#include "port/port.h"
#include "qemu/coroutine_int.h"

/* Returns the running coroutine, or NULL outside one. Not inlined, since a coroutine may
 * change threads between two calls. */
Coroutine *coroutine_running(void);

/* Panic because of what the caller `at` may not do to co; the second one says it by
 * co->scheduled. */
QEMU_NORETURN void coroutine_refuse(Coroutine *co, const char *at,
                                    const char *what, const char *whom);
QEMU_NORETURN void coroutine_refuse_scheduled(Coroutine *co, const char *at,
                                              const char *scheduled);

/* Takes an ended coroutine, or returns NULL if there is none. */
Coroutine *coroutine_pool_take(void);
void coroutine_pool_give(Coroutine *co);

/* Returns true if coroutines wait to be entered by ctx's loop. */
bool aio_co_is_scheduled(AioContext *ctx);

/* Records that `by` will enter co; panics if that has been recorded already. */
void coroutine_set_scheduled(Coroutine *co, const char *by);

#endif
