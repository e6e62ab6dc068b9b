/* SPDX-License-Identifier: MIT */
/* In a file of its own: a program that links the library may supply another, to
 * see how a thread fares that must not block. */
#include "port/port.h"

bool port_may_wait(void)
{
    return true;
}
