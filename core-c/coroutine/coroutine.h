/* SPDX-License-Identifier: MIT */
#ifndef COROUTINE_COROUTINE_H
#define COROUTINE_COROUTINE_H
/* What the files of the coroutine library share with each other. */
#include "port/port.h"
#include "qemu/coroutine_int.h"

/* NULL in plain code. Not inlined, since a coroutine may change threads between two calls. */
Coroutine *coroutine_running(void);

/* Contract errors: what `at` may not do to co; or that by co->scheduled. */
QEMU_NORETURN void coroutine_refuse(Coroutine *co, const char *at,
                                    const char *what, const char *whom);
QEMU_NORETURN void coroutine_refuse_scheduled(Coroutine *co, const char *at,
                                              const char *scheduled);

/* NULL: there is none. */
Coroutine *coroutine_pool_take(void);
void coroutine_pool_give(Coroutine *co);

/* Whether coroutines wait to be entered by ctx's loop. */
bool aio_co_is_scheduled(AioContext *ctx);

/* Says that `by` will enter co; panics if somebody else has said so. */
void coroutine_set_scheduled(Coroutine *co, const char *by);

#endif
