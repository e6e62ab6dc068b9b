/* SPDX-License-Identifier: MIT */
/* In a file of its own, so that a program which links the library can replace
 * it, to test a thread that must not block. */
#include "port/port.h"

bool port_may_wait(void)
{
    return true;
}
