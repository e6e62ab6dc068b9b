/* SPDX-License-Identifier: MIT */
#ifndef LIBC_WASI_H
#define LIBC_WASI_H
/* libc's system calls on WASI preview1: what their files share. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <syscall_arch.h>
#include <wasi/api.h>

/* A call's errno as a system call returns it. Of two names libc thinks differently:
 * it has another ENOTSUP, and nothing for a right that is missing. */
static inline int wasi_result(__wasi_errno_t error)
{
    return error == __WASI_ERRNO_NOTSUP ? -ENOTSUP
           : error == __WASI_ERRNO_NOTCAPABLE ? -EPERM : -(int)error;
}

/* A terminal is a device without an offset; libc takes every device for one. */
static inline bool wasi_is_terminal(const __wasi_fdstat_t *stat)
{
    return stat->fs_filetype == __WASI_FILETYPE_CHARACTER_DEVICE &&
           !(stat->fs_rights_base & (__WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_TELL));
}

/* A path of the program: below which directory of WASI's, and its name there. */
typedef struct WasiPath {
    int dir;
    size_t length;
    char name[PATH_MAX];
} WasiPath;

/* 0 or -errno. dirfd as openat's. */
int wasi_path(int dirfd, const char *path, WasiPath *result);

#endif
