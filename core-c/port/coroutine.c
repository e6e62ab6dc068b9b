/* SPDX-License-Identifier: MIT */
/* Shared by the coroutines of all ports. */
#include "port/port.h"

_Thread_local Coroutine *port_coroutine_current;

void port_coroutine_yields_to_no_one(void)
{
    port_panic("qemu_coroutine_yield: Co-routine is yielding to no one: this is "
               "plain code, which nobody has entered");
}
