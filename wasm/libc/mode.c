/* SPDX-License-Identifier: MIT */
/* Permissions of files. WASI has none, but the host of our programs has calls for them. */
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port/wasm-port.h"
#include "wasi.h"

/* What umask() was last called with; -1: not yet. The host's process has its own, which applies in any case. */
static atomic_int mask = -1;

int __syscall_umask(int to)
{
    int before = atomic_exchange(&mask, to & 0777);

    if (before < 0) {
        before = host_fd_call(HOST_UMASK, 0, 0, 0);
    }
    return before < 0 ? 022 : before;
}

void wasi_prepare_mode(int mode, int usual)
{
    int umask = atomic_load(&mask);

    mode &= 01777 & ~(umask < 0 ? 0 : umask);
    if (mode != usual) {
        host_fd_call(HOST_NEW_MODE, mode, 0, 0);
    }
}

int __syscall_fchmodat2(int dirfd, intptr_t path, int mode, int flags)
{
    WasiPath at;
    int ret = flags & ~AT_SYMLINK_NOFOLLOW ? -EINVAL : wasi_path(dirfd, (const char *)path, &at);

    return ret < 0 ? ret : host_fd_call(HOST_FILE_CHMOD, (intptr_t)&at,
                                        !(flags & AT_SYMLINK_NOFOLLOW), mode & 07777);
}

int __syscall_chmod(intptr_t path, int mode)
{
    return __syscall_fchmodat2(AT_FDCWD, path, mode, 0);
}

int __syscall_fchmod(int fd, int mode)
{
    return host_fd_call(HOST_FD_CHMOD, fd, mode & 07777, 0);
}

/* What the owner of an open file may do. */
static int fd_access(int fd, int mode)
{
    struct stat stat;
    int ret = __syscall_fstat64(fd, (intptr_t)&stat);

    return ret < 0 ? ret : mode & ~(stat.st_mode >> 6) ? -EACCES : 0;
}

int __syscall_faccessat(int dirfd, intptr_t path, int mode, int flags)
{
    struct stat stat;
    WasiPath at;
    int ret;

    if (mode & ~(R_OK | W_OK | X_OK) || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    if (wasi_names_fd(dirfd, &path, flags)) {
        return fd_access(dirfd, mode);
    }
    flags &= AT_SYMLINK_NOFOLLOW;
    if (mode == F_OK) {
        return __syscall_newfstatat(dirfd, path, (intptr_t)&stat, flags);
    }
    ret = wasi_path(dirfd, (const char *)path, &at);
    return ret < 0 ? ret : host_fd_call(HOST_FILE_ACCESS, (intptr_t)&at, !flags, mode);
}

/* Every file belongs to the program's only user and group, 0, and nothing else can own one. */
static int change_owner(int owner, int group)
{
    return (owner == -1 || owner == 0) && (group == -1 || group == 0) ? 0 : -EPERM;
}

int __syscall_fchownat(int dirfd, intptr_t path, int owner, int group, int flags)
{
    struct stat stat;
    int ret = flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)
                  ? -EINVAL
                  : __syscall_newfstatat(dirfd, path, (intptr_t)&stat, flags);

    return ret < 0 ? ret : change_owner(owner, group);
}

int __syscall_fchown32(int fd, int owner, int group)
{
    struct stat stat;
    int ret = __syscall_fstat64(fd, (intptr_t)&stat);

    return ret < 0 ? ret : change_owner(owner, group);
}
