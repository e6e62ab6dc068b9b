/* SPDX-License-Identifier: MIT */
/* nftw(), which leaves out what is deeper than it may have descriptors in libc; and ftw(), its older form. */
#define _GNU_SOURCE
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <string.h>

#include "port/calls.h"
#include "weak.h"

int __real_nftw(const char *path, int (*fn)(const char *, const struct stat *, int, struct FTW *), int fds, int flags);
int __wrap_nftw(const char *path, int (*fn)(const char *, const struct stat *, int, struct FTW *), int fds, int flags);

int __wrap_nftw(const char *path, int (*fn)(const char *, const struct stat *, int, struct FTW *), int fds, int flags)
{
    char copy[PATH_MAX];
    size_t length = strlen(path);

    if (fds < 1) {
        errno = EINVAL;
        return -1;
    }
    /* Names are made of this one: it must not end with a slash. */
    if (length > 1 && length < sizeof(copy) && path[length - 1] == '/') {
        while (length > 1 && path[length - 1] == '/') {
            length--;
        }
        memcpy(copy, path, length);
        copy[length] = '\0';
        path = copy;
    }
    return __real_nftw(path, fn, INT_MAX, flags);
}

/* The program's function, and the walk that this one is within, in this thread. */
static _Thread_local int (*visit)(const char *, const struct stat *, int);

static int visit_new(const char *path, const struct stat *stat, int flag, struct FTW *at)
{
    (void)at;
    return CALL_USER(visit, path, stat, flag == FTW_SLN ? FTW_NS : flag);
}

LIBC_WEAK
int ftw(const char *path, int (*fn)(const char *, const struct stat *, int), int fds)
{
    int (*outer)(const char *, const struct stat *, int) = visit;
    int ret;

    visit = fn;
    ret = __wrap_nftw(path, visit_new, fds, 0);
    visit = outer;
    return ret;
}
