/* SPDX-License-Identifier: MIT */
/* Streams that libc opens and that fail later: fopen() and fmemopen() without a mode, fdopen() of a descriptor that is not open, or not for this;
 * reading and writing what is open for the other alone; and writers of fopencookie() that return 0. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/calls.h"

FILE *__real_fopen(const char *restrict path, const char *restrict mode);
FILE *__real_fdopen(int fd, const char *mode);
FILE *__real_fmemopen(void *restrict buffer, size_t size, const char *restrict mode);
FILE *__real_fopencookie(void *cookie, const char *mode, cookie_io_functions_t functions);
FILE *__wrap_fopen(const char *restrict path, const char *restrict mode);
FILE *__wrap_fmemopen(void *restrict buffer, size_t size, const char *restrict mode);
FILE *__wrap_fopencookie(void *cookie, const char *mode, cookie_io_functions_t functions);
FILE *__wrap_fdopen(int fd, const char *mode);
int __real___towrite(FILE *stream);
int __wrap___towrite(FILE *stream);
int __real___toread(FILE *stream);
int __wrap___toread(FILE *stream);

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

FILE *__wrap_fmemopen(void *restrict buffer, size_t size, const char *restrict mode)
{
    if (*mode == '\0') {
        errno = EINVAL;
        return NULL;
    }
    return __real_fmemopen(buffer, size, mode);
}

/* What musl calls before the first byte is written. It fails if the stream is for reading only, and leaves errno as it is. */
int __wrap___towrite(FILE *stream)
{
    int ret = __real___towrite(stream);

    if (ret) {
        errno = EBADF;
    }
    return ret;
}

/* The same for reading; it also fails at the end of the file. */
int __wrap___toread(FILE *stream)
{
    int ret = __real___toread(stream);

    if (ret && !feof_unlocked(stream)) {
        errno = EBADF;
    }
    return ret;
}

/* A stream of fopencookie(): what the program gave. */
typedef struct Cookie {
    void *cookie;
    cookie_io_functions_t functions;
} Cookie;

static ssize_t read_cookie(void *opaque, char *data, size_t size)
{
    Cookie *c = opaque;

    return CALL_USER(c->functions.read, c->cookie, data, size);
}

/* A writer that fails returns 0, which libc takes for bytes that were written. */
static ssize_t write_cookie(void *opaque, const char *data, size_t size)
{
    Cookie *c = opaque;
    ssize_t done = CALL_USER(c->functions.write, c->cookie, data, size);

    return done > 0 || size == 0 ? done : -1;
}

static int seek_cookie(void *opaque, off_t *offset, int whence)
{
    Cookie *c = opaque;

    return CALL_USER(c->functions.seek, c->cookie, offset, whence);
}

static int close_cookie(void *opaque)
{
    Cookie *c = opaque;
    int ret = c->functions.close ? CALL_USER(c->functions.close, c->cookie) : 0;

    free(c);
    return ret;
}

FILE *__wrap_fopencookie(void *cookie, const char *mode, cookie_io_functions_t functions)
{
    Cookie *c = malloc(sizeof(*c));
    FILE *stream;

    if (!c) {
        return NULL;
    }
    *c = (Cookie){ cookie, functions };
    stream = __real_fopencookie(c, mode, (cookie_io_functions_t){
        functions.read ? read_cookie : NULL, functions.write ? write_cookie : NULL, functions.seek ? seek_cookie : NULL, close_cookie,
    });
    if (!stream) {
        free(c);
    }
    return stream;
}
