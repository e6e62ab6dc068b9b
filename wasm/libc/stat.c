/* SPDX-License-Identifier: MIT */
/* The attributes of files. */
#include <sys/stat.h>
#include <unistd.h>

#include "wasi.h"

static struct timespec timespec_of(__wasi_timestamp_t ns)
{
    return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000),
                              .tv_nsec = (long)(ns % 1000000000) };
}

static mode_t type_of(__wasi_filetype_t type)
{
    switch (type) {
    case __WASI_FILETYPE_REGULAR_FILE: return S_IFREG;
    case __WASI_FILETYPE_DIRECTORY: return S_IFDIR;
    case __WASI_FILETYPE_SYMBOLIC_LINK: return S_IFLNK;
    case __WASI_FILETYPE_CHARACTER_DEVICE: return S_IFCHR;
    case __WASI_FILETYPE_BLOCK_DEVICE: return S_IFBLK;
    case __WASI_FILETYPE_SOCKET_DGRAM:
    case __WASI_FILETYPE_SOCKET_STREAM: return S_IFSOCK;
    default: return S_IFIFO;
    }
}

/* The permission bits. WASI has none; our host writes them to the padding after the type
 * (ts/src/runtime/filestat.ts). */
static mode_t permissions(const __wasi_filestat_t *from)
{
    uint16_t bits;

    memcpy(&bits, (const char *)&from->filetype + 2, sizeof(bits));
    return bits & 07777;
}

static int put(__wasi_errno_t error, const __wasi_filestat_t *from, intptr_t buf)
{
    if (error) {
        return wasi_result(error);
    }
    *(struct stat *)buf = (struct stat){
        .st_dev = (dev_t)from->dev,
        .st_ino = (ino_t)from->ino,
        .st_mode = type_of(from->filetype) | permissions(from),
        .st_nlink = (nlink_t)from->nlink,
        .st_size = (off_t)from->size,
        .st_blksize = 4096,
        .st_blocks = (blkcnt_t)((from->size + 511) / 512),
        .st_atim = timespec_of(from->atim),
        .st_mtim = timespec_of(from->mtim),
        .st_ctim = timespec_of(from->ctim),
    };
    return 0;
}

bool wasi_names_fd(int dirfd, intptr_t *path, int flags)
{
    if (!(flags & AT_EMPTY_PATH) || *(const char *)*path != '\0') {
        return false;
    }
    if (dirfd == AT_FDCWD) {
        *path = (intptr_t)".";
        return false;
    }
    return true;
}

int __syscall_fstat64(int fd, intptr_t buf)
{
    __wasi_filestat_t stat = { 0 };

    return put(__wasi_fd_filestat_get(fd, &stat), &stat, buf);
}

int __syscall_newfstatat(int dirfd, intptr_t path, intptr_t buf, int flags)
{
    __wasi_filestat_t stat = { 0 };
    WasiPath at;
    int ret;

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)) {
        return -EINVAL;
    }
    if (wasi_names_fd(dirfd, &path, flags)) {
        return __syscall_fstat64(dirfd, buf);
    }
    ret = wasi_path(dirfd, (const char *)path, &at);
    if (ret < 0) {
        return ret;
    }
    return put(__wasi_path_filestat_get(at.dir, flags & AT_SYMLINK_NOFOLLOW ? 0 : 1,
                                        at.name, at.length, &stat),
               &stat, buf);
}

int __syscall_stat64(intptr_t path, intptr_t buf)
{
    return __syscall_newfstatat(AT_FDCWD, path, buf, 0);
}

int __syscall_lstat64(intptr_t path, intptr_t buf)
{
    return __syscall_newfstatat(AT_FDCWD, path, buf, AT_SYMLINK_NOFOLLOW);
}

int __syscall_utimensat(int dirfd, intptr_t path, intptr_t times, int flags)
{
    const struct timespec *ts = (const struct timespec *)times;
    __wasi_timestamp_t ns[2] = { 0, 0 };
    unsigned set = ts ? 0 : __WASI_FSTFLAGS_ATIM_NOW | __WASI_FSTFLAGS_MTIM_NOW;
    WasiPath at;
    int ret;

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    for (unsigned i = 0; ts && i < 2; i++) {
        unsigned shift = 2 * i;      /* atim, atim_now; mtim, mtim_now */
        if (ts[i].tv_nsec == UTIME_NOW) {
            set |= (unsigned)__WASI_FSTFLAGS_ATIM_NOW << shift;
        } else if (ts[i].tv_nsec != UTIME_OMIT) {
            /* WASI's times are nanoseconds since 1970, and our host's those of Linux, in 63 bits. */
            if (ts[i].tv_nsec < 0 || ts[i].tv_nsec >= 1000000000 || ts[i].tv_sec < 0 ||
                ts[i].tv_sec >= INT64_MAX / 1000000000) {
                return -EINVAL;
            }
            set |= (unsigned)__WASI_FSTFLAGS_ATIM << shift;
            ns[i] = (__wasi_timestamp_t)ts[i].tv_sec * 1000000000 +
                    (__wasi_timestamp_t)ts[i].tv_nsec;
        }
    }
    if (!path || wasi_names_fd(dirfd, &path, flags)) {
        return wasi_result(__wasi_fd_filestat_set_times(dirfd, ns[0], ns[1],
                                                        (__wasi_fstflags_t)set));
    }
    ret = wasi_path(dirfd, (const char *)path, &at);
    if (ret < 0) {
        return ret;
    }
    return wasi_result(__wasi_path_filestat_set_times(
        at.dir, flags & AT_SYMLINK_NOFOLLOW ? 0 : 1, at.name, at.length, ns[0],
        ns[1], (__wasi_fstflags_t)set));
}
