/* SPDX-License-Identifier: MIT */
/* reallocarray(). The program frees what it returns, so it calls the realloc() that the program has, not the library's. */
#define _GNU_SOURCE
#undef realloc
#include <errno.h>
#include <stdlib.h>

#include "weak.h"

LIBC_WEAK
void *reallocarray(void *memory, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(memory, bytes);
}
