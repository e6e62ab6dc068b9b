/* SPDX-License-Identifier: MIT */
#include "port/port.h"

void port_fail(const char *message)
{
    fprintf(stderr, "wasm-aio: panic: %s\n", message);
    fflush(NULL);
    abort();
}

void port_would_block(const char *call)
{
    port_panic("%s: this thread must not block", call);
}
