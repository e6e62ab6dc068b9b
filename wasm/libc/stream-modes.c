/* SPDX-License-Identifier: MIT */
/* fopen() without a mode, and fdopen() of a descriptor that is not open, or not for this: libc accepts them, and the stream fails later. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

FILE *__real_fopen(const char *restrict path, const char *restrict mode);
FILE *__real_fdopen(int fd, const char *mode);
FILE *__wrap_fopen(const char *restrict path, const char *restrict mode);
FILE *__wrap_fdopen(int fd, const char *mode);

FILE *__wrap_fopen(const char *restrict path, const char *restrict mode)
{
    if (*mode == '\0') {
        errno = EINVAL;
        return NULL;
    }
    return __real_fopen(path, mode);
}

FILE *__wrap_fdopen(int fd, const char *mode)
{
    int flags = fcntl(fd, F_GETFL), access;
    bool both = strchr(mode, '+') != NULL;

    if (flags < 0) {
        return NULL;
    }
    access = flags & O_ACCMODE;
    if (*mode == '\0' || (access == O_RDONLY && (both || *mode != 'r')) || (access == O_WRONLY && (both || *mode == 'r'))) {
        errno = EINVAL;
        return NULL;
    }
    return __real_fdopen(fd, mode);
}
