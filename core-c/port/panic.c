/* SPDX-License-Identifier: MIT */
/* A broken contract is reported in the same words on every machine. */
#include "port/port.h"

void port_panic(const char *fmt, ...)
{
    char message[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    port_fail(message);
}
