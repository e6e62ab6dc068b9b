/* SPDX-License-Identifier: MIT */
/* Opening files, and operations on directories. read(), write(), lseek() and close() are libc's
 * own, which call WASI directly. */
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fd-calls.h"
#include "wasi.h"

/* The rights of a descriptor: all but those that the access mode excludes. */
#define WRITE_RIGHTS                                                        \
    (__WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_ALLOCATE |                   \
     __WASI_RIGHTS_FD_FILESTAT_SET_SIZE)

static __wasi_fdflags_t fdflags(int flags)
{
    return (__wasi_fdflags_t)((flags & O_APPEND ? __WASI_FDFLAGS_APPEND : 0) |
                              (flags & O_NONBLOCK ? __WASI_FDFLAGS_NONBLOCK : 0) |
                              ((flags & O_SYNC) == O_SYNC ? __WASI_FDFLAGS_SYNC
                               : flags & O_DSYNC ? __WASI_FDFLAGS_DSYNC : 0));
}

int __syscall_openat(int dirfd, intptr_t path, int flags, ...)
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
    switch (flags & O_ACCMODE & ~O_PATH) {
    case O_RDONLY: lacks = WRITE_RIGHTS; break;
    case O_WRONLY: lacks = __WASI_RIGHTS_FD_READ; break;
    case O_RDWR: break;
    default: return -EINVAL;
    }
    error = __wasi_fd_fdstat_get(at.dir, &from);
    if (!error) {
        error = __wasi_path_open(at.dir, follow, at.name, at.length, oflags,
                                 from.fs_rights_inheriting & ~lacks,
                                 from.fs_rights_inheriting, fdflags(flags), &fd);
    }
    if (!error && flags & O_CLOEXEC) {
        fd_set_cloexec((int)fd, true);
    }
    return error ? wasi_result(error) : (int)fd;
}

int __syscall_mkdirat(int dirfd, intptr_t path, int mode)
{
    WasiPath at;
    int ret = wasi_path(dirfd, (const char *)path, &at);

    (void)mode;                      /* WASI has no modes */
    return ret < 0 ? ret : wasi_result(__wasi_path_create_directory(
                               at.dir, at.name, at.length));
}

int __syscall_unlinkat(int dirfd, intptr_t path, int flags)
{
    WasiPath at;
    int ret = wasi_path(dirfd, (const char *)path, &at);

    if (ret < 0) {
        return ret;
    }
    return wasi_result(
        flags & AT_REMOVEDIR
            ? __wasi_path_remove_directory(at.dir, at.name, at.length)
            : __wasi_path_unlink_file(at.dir, at.name, at.length));
}

int __syscall_rmdir(intptr_t path)
{
    return __syscall_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int __syscall_renameat(int olddir, intptr_t oldpath, int newdir, intptr_t newpath)
{
    WasiPath from, to;
    int ret = wasi_path(olddir, (const char *)oldpath, &from);

    ret = ret < 0 ? ret : wasi_path(newdir, (const char *)newpath, &to);
    return ret < 0 ? ret : wasi_result(__wasi_path_rename(
                               from.dir, from.name, from.length, to.dir, to.name,
                               to.length));
}

int __syscall_linkat(int olddir, intptr_t oldpath, int newdir, intptr_t newpath,
                     int flags)
{
    WasiPath from, to;
    int ret = wasi_path(olddir, (const char *)oldpath, &from);

    ret = ret < 0 ? ret : wasi_path(newdir, (const char *)newpath, &to);
    return ret < 0 ? ret : wasi_result(__wasi_path_link(
                               from.dir, flags & AT_SYMLINK_FOLLOW ? 1 : 0,
                               from.name, from.length, to.dir, to.name, to.length));
}

int __syscall_symlinkat(intptr_t target, int dirfd, intptr_t path)
{
    const char *text = (const char *)target;
    WasiPath at;
    int ret = wasi_path(dirfd, (const char *)path, &at);

    return ret < 0 ? ret : wasi_result(__wasi_path_symlink(
                               text, strlen(text), at.dir, at.name, at.length));
}

int __syscall_symlink(intptr_t target, intptr_t path)
{
    return __syscall_symlinkat(target, AT_FDCWD, path);
}

/* WASI returns all of the link or nothing, POSIX what fits. */
int __syscall_readlinkat(int dirfd, intptr_t path, intptr_t buf, size_t size)
{
    char target[PATH_MAX];
    __wasi_errno_t error;
    __wasi_size_t used;
    WasiPath at;
    int ret = wasi_path(dirfd, (const char *)path, &at);

    if (ret < 0) {
        return ret;
    }
    error = __wasi_path_readlink(at.dir, at.name, at.length, (uint8_t *)target,
                                 sizeof(target), &used);
    if (error) {
        return wasi_result(error);
    }
    used = used < size ? used : size;
    memcpy((char *)buf, target, used);
    return (int)used;
}

int __syscall_ftruncate64(int fd, off_t length)
{
    return wasi_result(__wasi_fd_filestat_set_size(fd, (__wasi_filesize_t)length));
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

int __syscall_fdatasync(int fd)
{
    return wasi_result(__wasi_fd_datasync(fd));
}

int __syscall_fallocate(int fd, int mode, off_t offset, off_t length)
{
    return mode ? -EOPNOTSUPP
                : wasi_result(__wasi_fd_allocate(fd, (__wasi_filesize_t)offset,
                                                 (__wasi_filesize_t)length));
}

int __syscall_fadvise64(int fd, off_t offset, off_t length, int advice)
{
    return wasi_result(__wasi_fd_advise(fd, (__wasi_filesize_t)offset,
                                        (__wasi_filesize_t)length,
                                        (__wasi_advice_t)advice));
}

/* Only flags: files have no locks. */
int __syscall_fcntl64(int fd, int command, ...)
{
    __wasi_fdstat_t stat;
    __wasi_errno_t error;
    int flags = 0;
    va_list ap;

    va_start(ap, command);
    flags = va_arg(ap, int);
    va_end(ap);
    if (fd_own_fcntl(fd, command, flags, &flags)) {
        return flags;
    }
    error = __wasi_fd_fdstat_get(fd, &stat);
    if (error) {
        return wasi_result(error);
    }
    switch (command) {
    case F_GETFL:
        flags = (stat.fs_flags & __WASI_FDFLAGS_APPEND ? O_APPEND : 0) |
                (stat.fs_flags & __WASI_FDFLAGS_NONBLOCK ? O_NONBLOCK : 0) |
                (stat.fs_flags & __WASI_FDFLAGS_SYNC ? O_SYNC : 0) |
                (stat.fs_flags & __WASI_FDFLAGS_DSYNC ? O_DSYNC : 0);
        if (stat.fs_rights_base & __WASI_RIGHTS_FD_WRITE) {
            flags |= stat.fs_rights_base & __WASI_RIGHTS_FD_READ ? O_RDWR : O_WRONLY;
        }
        return flags;
    case F_SETFL:
        return wasi_result(__wasi_fd_fdstat_set_flags(fd, fdflags(flags)));
    default:
        return -EINVAL;
    }
}

/* stdio asks for the size of the window; FIONREAD is how many bytes can be read. */
int __syscall_ioctl(int fd, int request, ...)
{
    __wasi_fdstat_t stat;
    __wasi_errno_t error = __wasi_fd_fdstat_get(fd, &stat);
    va_list ap;
    void *arg;

    if (error) {
        return wasi_result(error);
    }
    va_start(ap, request);
    arg = va_arg(ap, void *);
    va_end(ap);
    if (request == FIONBIO) {
        return fd_nonblock(fd, *(int *)arg != 0);
    }
    if (request == FIONREAD) {
        __wasi_subscription_t in[2] = {
            { .type = __WASI_EVENTTYPE_FD_READ, .u.fd_readwrite.file_descriptor = (__wasi_fd_t)fd },
            { .type = __WASI_EVENTTYPE_CLOCK, .u.clock.id = __WASI_CLOCKID_MONOTONIC },
        };
        __wasi_event_t out[2];
        __wasi_size_t n;
        *(int *)arg = 0;
        error = __wasi_poll_oneoff(in, out, 2, &n);
        for (unsigned i = 0; !error && i < n; i++) {
            if (out[i].type == __WASI_EVENTTYPE_FD_READ) {
                error = out[i].error;
                *(int *)arg = (int)out[i].u.fd_readwrite.nbytes;
            }
        }
        return wasi_result(error);
    }
    if (request == TIOCGWINSZ && wasi_is_terminal(&stat)) {
        /* WASI does not tell the size. */
        *(struct winsize *)arg = (struct winsize){ 0 };
        return 0;
    }
    return -ENOTTY;
}
