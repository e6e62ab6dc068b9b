/* SPDX-License-Identifier: MIT */
/* Random bytes; libc's own all come from one fixed seed. */
#include <stddef.h>
#include <sys/random.h>
#include <unistd.h>

#include "wasi.h"
#include "weak.h"

int getentropy(void *buffer, size_t length)
{
    if (length > 256) {
        errno = EIO;
        return -1;
    }
    errno = __wasi_random_get(buffer, length);
    return errno ? -1 : 0;
}

/* All bytes are there at once, whatever the flags. */
LIBC_WEAK
ssize_t getrandom(void *buffer, size_t length, unsigned flags)
{
    const unsigned sources = GRND_RANDOM | GRND_INSECURE;

    if (flags & ~(GRND_NONBLOCK | sources) || (flags & sources) == sources) {
        errno = EINVAL;
        return -1;
    }
    errno = __wasi_random_get(buffer, length);
    return errno ? -1 : (ssize_t)length;
}
