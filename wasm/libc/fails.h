/* SPDX-License-Identifier: MIT */
#ifndef LIBC_FAILS_H
#define LIBC_FAILS_H
#include <errno.h>

/* What a call of POSIX returns that fails. */
static inline int fails(int error)
{
    errno = error;
    return -1;
}

#endif
