// SPDX-License-Identifier: MIT
/* Functions that end in a trap, a panic, or with a full stack. */
#include <stdlib.h>
#include "block/aio.h"

#define EXPORT(name) __attribute__((export_name(#name), used)) name

int EXPORT(trap)(void)
{
    __builtin_trap();
}

int EXPORT(panic)(void)
{
    abort();
}

static int deeper(int times)
{
    volatile int frame[256];

    frame[0] = times;
    return times == 0 ? 0 : deeper(times - 1) + frame[0];
}

int EXPORT(overflow)(void)
{
    return deeper(1000000);
}

int main(void)
{
    return 0;
}
