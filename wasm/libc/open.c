/* SPDX-License-Identifier: MIT */
/* Opening files. */
#include <stdarg.h>

#include "fd-calls.h"
#include "wasi.h"

/* The rights of a descriptor: all but those that the access mode excludes. */
#define WRITE_RIGHTS                                                        \
    (__WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_ALLOCATE |                   \
     __WASI_RIGHTS_FD_FILESTAT_SET_SIZE)

static bool is_directory(int fd)
{
    __wasi_fdstat_t stat;

    return !__wasi_fd_fdstat_get(fd, &stat) && stat.fs_filetype == __WASI_FILETYPE_DIRECTORY;
}

int __wrap___syscall_openat(int dirfd, intptr_t path, int flags, ...);

int __wrap___syscall_openat(int dirfd, intptr_t path, int flags, ...)
{
    __wasi_oflags_t oflags =
        (__wasi_oflags_t)((flags & O_CREAT ? __WASI_OFLAGS_CREAT : 0) |
                          (flags & O_EXCL ? __WASI_OFLAGS_EXCL : 0) |
                          (flags & O_TRUNC ? __WASI_OFLAGS_TRUNC : 0) |
                          (flags & O_DIRECTORY ? __WASI_OFLAGS_DIRECTORY : 0));
    __wasi_lookupflags_t follow =
        flags & O_NOFOLLOW ? 0 : __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW;
    __wasi_rights_t lacks = 0;
    __wasi_fdstat_t from;
    __wasi_errno_t error;
    __wasi_fd_t fd;
    WasiPath at;
    int ret = wasi_path(dirfd, (const char *)path, &at);

    if (ret < 0) {
        return ret;
    }
    wasi_is_directory = is_directory;
    if (flags & O_DIRECTORY && flags & O_TRUNC && !(flags & O_CREAT)) {
        /* WASI refuses these flags as such. A directory cannot be truncated, and nothing else be opened. */
        ret = __syscall_openat(dirfd, path, O_RDONLY | O_DIRECTORY | (flags & O_NOFOLLOW));
        if (ret >= 0) {
            (void)!__wasi_fd_close(ret);
            ret = -EISDIR;
        }
        return ret;
    }
    switch (flags & O_ACCMODE & ~O_PATH) {
    case O_RDONLY: lacks = WRITE_RIGHTS; break;
    case O_WRONLY: lacks = __WASI_RIGHTS_FD_READ; break;
    case O_RDWR: break;
    default: return -EINVAL;
    }
    error = __wasi_fd_fdstat_get(at.dir, &from);
    if (!error && flags & O_CREAT) {
        va_list ap;
        va_start(ap, flags);
        wasi_prepare_mode(va_arg(ap, int), 0666);
        va_end(ap);
    }
    if (!error) {
        error = __wasi_path_open(at.dir, follow, at.name, at.length, oflags,
                                 from.fs_rights_inheriting & ~lacks,
                                 from.fs_rights_inheriting, wasi_fdflags(flags), &fd);
    }
    if (!error && flags & O_CLOEXEC) {
        fd_set_cloexec((int)fd, true);
    }
    return error ? wasi_result(error) : (int)fd;
}

int __syscall_truncate64(intptr_t path, off_t length)
{
    int fd = __syscall_openat(AT_FDCWD, path, O_WRONLY);
    int ret = fd;

    if (fd >= 0) {
        ret = __syscall_ftruncate64(fd, length);
        (void)!__wasi_fd_close(fd);
    }
    return ret;
}
