/* SPDX-License-Identifier: MIT */
#ifndef LIBC_WASI_H
#define LIBC_WASI_H
/* Shared by the files that implement libc's system calls on WASI preview1. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <wasi/api.h>

#include "syscalls.h"

/* Converts the errno of a WASI call to the result of a system call. Two of them
 * differ in libc: it has another ENOTSUP, and no errno for a missing right. */
static inline int wasi_result(__wasi_errno_t error)
{
    return error == __WASI_ERRNO_NOTSUP ? -ENOTSUP
           : error == __WASI_ERRNO_NOTCAPABLE ? -EPERM : -(int)error;
}

/* Returns what a function of libc returns for the result of a system call: -1 and errno for a
 * negative number. */
static inline int result_of(int ret)
{
    if (ret < 0) {
        errno = -ret;
        return -1;
    }
    return ret;
}

/* Returns true for a terminal: a device without an offset. libc would take every
 * device for one. */
static inline bool wasi_is_terminal(const __wasi_fdstat_t *stat)
{
    return stat->fs_filetype == __WASI_FILETYPE_CHARACTER_DEVICE &&
           !(stat->fs_rights_base & (__WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_TELL));
}

/* Returns WASI's fdflags for the flags of open(). */
static inline __wasi_fdflags_t wasi_fdflags(int flags)
{
    return (__wasi_fdflags_t)((flags & O_APPEND ? __WASI_FDFLAGS_APPEND : 0) |
                              (flags & O_NONBLOCK ? __WASI_FDFLAGS_NONBLOCK : 0) |
                              ((flags & O_SYNC) == O_SYNC ? __WASI_FDFLAGS_SYNC
                               : flags & O_DSYNC ? __WASI_FDFLAGS_DSYNC : 0));
}

/* A path of the program: the WASI directory that it is below, and its name there. */
typedef struct WasiPath {
    int dir;
    size_t length;
    char name[PATH_MAX];
} WasiPath;

/* Resolves a path. dirfd is as in openat(). Returns 0 or -errno. */
int wasi_path(int dirfd, const char *path, WasiPath *result);

/* Whether dirfd itself is meant, by an empty path with AT_EMPTY_PATH. If that is the current directory, *path becomes ".". */
bool wasi_names_fd(int dirfd, intptr_t *path, int flags);

/* Returns true if fd is an open directory. NULL as long as nothing has been opened (read.c). */
extern bool (*wasi_is_directory)(int fd);
/* Returns the error of a call that reads, for which WASI has returned this one. */
__wasi_errno_t wasi_read_error(int fd, __wasi_errno_t error);

/* Call this directly before the WASI call that creates a file or directory. usual: the mode with
 * which that call creates one. */
void wasi_prepare_mode(int mode, int usual);

#endif
