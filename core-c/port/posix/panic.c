/* SPDX-License-Identifier: MIT */
#include "port/port.h"

void port_panic(const char *fmt, ...)
{
    char line[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    fprintf(stderr, "wasm-aio: panic: %s\n", line);
    fflush(NULL);
    abort();
}

void port_would_block(const char *call)
{
    port_panic("%s: this thread must not block", call);
}
