/* SPDX-License-Identifier: MIT */
/* Random bytes; libc's own all come from one fixed seed. */
#include <unistd.h>

#include "wasi.h"

int getentropy(void *buffer, size_t length)
{
    if (length > 256) {
        errno = EIO;
        return -1;
    }
    errno = __wasi_random_get(buffer, length);
    return errno ? -1 : 0;
}
