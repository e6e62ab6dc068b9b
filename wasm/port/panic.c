/* SPDX-License-Identifier: MIT */
/* Failing. */
#include "wasm-port.h"

uint32_t wasm_failed;

void port_fail(const char *message)
{
    qatomic_mb_set(&wasm_failed, 1);
    host_raise(AIO_ERROR_PANIC, message);
}

/*
 * The call is refused before anything is changed, so the runtime lives on. It
 * does not if the thread holds a lock, since what the lock protects may be
 * half-changed; or if it is in a coroutine, whose frames the refusal throws
 * away.
 */
void port_would_block(const char *call)
{
    char message[256];

    if (wasm_thread_holds(wasm_thread_self()) || port_coroutine_current) {
        port_panic("%s: this thread must not block, and it %s", call,
                   port_coroutine_current ? "is in a coroutine"
                                       : "holds a lock");
    }
    snprintf(message, sizeof(message),
             "%s: this thread must not block, its event loop serves all "
             "others; do it in an IOThread",
             call);
    host_raise(AIO_ERROR_WOULD_BLOCK, message);
}
