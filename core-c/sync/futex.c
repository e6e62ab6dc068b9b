/* SPDX-License-Identifier: MIT */
#include "qemu/futex.h"

#include "port/port.h"

void qemu_futex_wake(void *f, int n)
{
    port_futex_wake(f, n < 0 ? 0 : (uint32_t)n);
}

void qemu_futex_wait(void *f, unsigned val)
{
    port_futex_wait(f, val, -1);
}
