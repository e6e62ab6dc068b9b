/* SPDX-License-Identifier: MIT */
/*
 * How standard output is buffered. libc here writes it line by line, whatever it is. A file or a device that is no
 * terminal is written by whole buffers, as POSIX requires; pipes stay as they are, because a reader may wait for each
 * line of a program that does not end.
 */
#include <stdio.h>

#include "stdout.h"
#include "wasi.h"

void stdout_begin(void)
{
    __wasi_fdstat_t stat;

    if (__wasi_fd_fdstat_get(1, &stat) || wasi_is_terminal(&stat)) {
        return;
    }
    if (stat.fs_filetype == __WASI_FILETYPE_REGULAR_FILE || stat.fs_filetype == __WASI_FILETYPE_CHARACTER_DEVICE) {
        setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
    }
}
