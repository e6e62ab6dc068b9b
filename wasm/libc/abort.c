/* SPDX-License-Identifier: MIT */
/* abort() and assert() end the runtime with a message; in libc they are a bare
 * trap. */
#include <stdlib.h>

#include "port/port.h"

void abort(void)
{
    port_panic("abort() was called");
}
