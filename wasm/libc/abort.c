/* SPDX-License-Identifier: MIT */
/* abort() and assert() end the runtime by name; libc's is a bare trap. */
#include <stdlib.h>

#include "port/port.h"

void abort(void)
{
    port_panic("abort() was called");
}
