/* SPDX-License-Identifier: MIT */
/* Operations on files and directories. read(), write(), lseek() and close() are libc's own, which call WASI
 * directly. */
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fd-calls.h"
#include "locks.h"
#include "wasi.h"

int __syscall_mkdirat(int dirfd, intptr_t path, int mode)
{
    WasiPath at;
    int ret = wasi_path(dirfd, (const char *)path, &at);

    if (ret < 0) {
        return ret;
    }
    wasi_prepare_mode(mode, 0777);
    return wasi_result(__wasi_path_create_directory(at.dir, at.name, at.length));
}

/* Regular files are made; WASI cannot make the others. */
int __syscall_mknodat(int dirfd, intptr_t path, int mode, int device)
{
    int fd;

    (void)device;
    if ((mode & S_IFMT) != 0 && !S_ISREG(mode)) {
        return -EPERM;
    }
    fd = __syscall_openat(dirfd, path, O_CREAT | O_EXCL | O_WRONLY, mode & 07777);
    return fd < 0 ? fd : wasi_result(__wasi_fd_close((__wasi_fd_t)fd));
}

int __syscall_unlinkat(int dirfd, intptr_t path, int flags)
{
    WasiPath at;
    int ret = flags & ~AT_REMOVEDIR ? -EINVAL : wasi_path(dirfd, (const char *)path, &at);

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

/* Replaces a path that names a symbolic link by what the link leads to. WASI makes hard links only to
 * the link itself. Returns 0 or -errno. */
static int follow(int dirfd, char *path)
{
    char target[PATH_MAX];

    for (int links = 0; links < 40; links++) {
        int got = __syscall_readlinkat(dirfd, (intptr_t)path, (intptr_t)target, sizeof(target) - 1);
        size_t parent = 0;
        if (got < 0) {
            return got == -EINVAL ? 0 : got;
        }
        target[got] = '\0';
        if (target[0] != '/') {
            const char *slash = strrchr(path, '/');
            parent = slash ? (size_t)(slash - path) + 1 : 0;
        }
        if (parent + (size_t)got >= PATH_MAX) {
            return -ENAMETOOLONG;
        }
        memcpy(path + parent, target, (size_t)got + 1);
    }
    return -ELOOP;
}

int __syscall_linkat(int olddir, intptr_t oldpath, int newdir, intptr_t newpath,
                     int flags)
{
    char path[PATH_MAX];
    WasiPath from, to;
    int ret = 0;

    /* The descriptor alone, by AT_EMPTY_PATH, cannot be linked: Linux also says ENOENT, unless the process has privileges. */
    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    if (flags & AT_SYMLINK_FOLLOW) {
        if (strlen((const char *)oldpath) >= sizeof(path)) {
            return -ENAMETOOLONG;
        }
        oldpath = (intptr_t)strcpy(path, (const char *)oldpath);
        ret = follow(olddir, path);
    }
    ret = ret < 0 ? ret : wasi_path(olddir, (const char *)oldpath, &from);
    ret = ret < 0 ? ret : wasi_path(newdir, (const char *)newpath, &to);
    return ret < 0 ? ret : wasi_result(__wasi_path_link(
                               from.dir, 0, from.name, from.length, to.dir, to.name,
                               to.length));
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

/* Returns the result of a call that changes the size of fd: where it was not opened for writing, or is a
 * directory, that is `refused`. */
static int resized(int fd, __wasi_errno_t error, int refused)
{
    __wasi_fdstat_t stat;

    if ((error == __WASI_ERRNO_NOTCAPABLE || error == __WASI_ERRNO_BADF) &&
        !__wasi_fd_fdstat_get(fd, &stat) && !(stat.fs_rights_base & __WASI_RIGHTS_FD_WRITE)) {
        return refused;
    }
    return wasi_result(error);
}

int __syscall_ftruncate64(int fd, off_t length)
{
    return resized(fd, __wasi_fd_filestat_set_size(fd, (__wasi_filesize_t)length), -EINVAL);
}

int __syscall_fdatasync(int fd)
{
    return wasi_result(__wasi_fd_datasync(fd));
}

int __syscall_fallocate(int fd, int mode, off_t offset, off_t length)
{
    return mode ? -EOPNOTSUPP
                : resized(fd, __wasi_fd_allocate(fd, (__wasi_filesize_t)offset,
                                                 (__wasi_filesize_t)length), -EBADF);
}

int __syscall_fadvise64(int fd, off_t offset, off_t length, int advice)
{
    return wasi_result(__wasi_fd_advise(fd, (__wasi_filesize_t)offset,
                                        (__wasi_filesize_t)length,
                                        (__wasi_advice_t)advice));
}

/* Returns O_RDONLY, O_WRONLY or O_RDWR. */
static int access_mode(const __wasi_fdstat_t *stat)
{
    if (!(stat->fs_rights_base & __WASI_RIGHTS_FD_WRITE)) {
        return O_RDONLY;
    }
    return stat->fs_rights_base & __WASI_RIGHTS_FD_READ ? O_RDWR : O_WRONLY;
}

int __syscall_fcntl64(int fd, int command, ...)
{
    __wasi_fdstat_t stat;
    __wasi_errno_t error;
    int arg, result;
    va_list ap;

    va_start(ap, command);
    arg = va_arg(ap, int);           /* or a pointer, which is as large */
    va_end(ap);
    if (fd_own_fcntl(fd, command, arg, &result)) {
        return result;
    }
    error = __wasi_fd_fdstat_get(fd, &stat);
    if (error) {
        return wasi_result(error);
    }
    switch (command) {
    case F_GETFL:
        return (stat.fs_flags & __WASI_FDFLAGS_APPEND ? O_APPEND : 0) |
               (stat.fs_flags & __WASI_FDFLAGS_NONBLOCK ? O_NONBLOCK : 0) |
               (stat.fs_flags & __WASI_FDFLAGS_SYNC ? O_SYNC : 0) |
               (stat.fs_flags & __WASI_FDFLAGS_DSYNC ? O_DSYNC : 0) | access_mode(&stat);
    case F_SETFL:
        return wasi_result(__wasi_fd_fdstat_set_flags(fd, wasi_fdflags(arg)));
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return lock_fcntl(fd, command, (struct flock *)arg, access_mode(&stat));
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
