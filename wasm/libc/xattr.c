/* SPDX-License-Identifier: MIT */
/* Extended attributes of files. WASI has none: a file that is there is on a file system without them (ENOTSUP). */
#include <errno.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "weak.h"

static int refused(int found)
{
    if (found == 0) {
        errno = ENOTSUP;
    }
    return -1;
}

static int by_path(const char *path)
{
    struct stat found;

    return refused(stat(path, &found));
}

static int by_link(const char *path)
{
    struct stat found;

    return refused(lstat(path, &found));
}

static int by_fd(int fd)
{
    struct stat found;

    return refused(fstat(fd, &found));
}

/* The four functions of a way to name the file. */
#define FUNCTIONS(prefix, Type, look)                                                                    \
    LIBC_WEAK ssize_t prefix##getxattr(Type file, const char *name, void *value, size_t size)            \
    {                                                                                                    \
        (void)name, (void)value, (void)size;                                                             \
        return look(file);                                                                               \
    }                                                                                                    \
    LIBC_WEAK ssize_t prefix##listxattr(Type file, char *list, size_t size)                              \
    {                                                                                                    \
        (void)list, (void)size;                                                                          \
        return look(file);                                                                               \
    }                                                                                                    \
    LIBC_WEAK int prefix##setxattr(Type file, const char *name, const void *value, size_t size, int how) \
    {                                                                                                    \
        (void)name, (void)value, (void)size, (void)how;                                                  \
        return look(file);                                                                               \
    }                                                                                                    \
    LIBC_WEAK int prefix##removexattr(Type file, const char *name)                                       \
    {                                                                                                    \
        (void)name;                                                                                      \
        return look(file);                                                                               \
    }

FUNCTIONS(, const char *, by_path)
FUNCTIONS(l, const char *, by_link)
FUNCTIONS(f, int, by_fd)
