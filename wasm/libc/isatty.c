/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "wasi.h"
#include "weak.h"

LIBC_WEAK
int isatty(int fd)
{
    __wasi_fdstat_t stat;
    __wasi_errno_t error = __wasi_fd_fdstat_get(fd, &stat);

    if (error || !wasi_is_terminal(&stat)) {
        errno = error ? -wasi_result(error) : ENOTTY;
        return 0;
    }
    return 1;
}
