/* SPDX-License-Identifier: MIT */
/* Listing directories. libc's own functions keep the position in the descriptor's
 * offset, which a directory of WASI does not have; here it is WASI's cookie. */
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "wasi.h"

struct __dirstream {
    int fd;
    __wasi_dircookie_t next;         /* cookie of the next entry to return */
    size_t at, filled;               /* positions in buffer */
    struct dirent entry;
    uint8_t buffer[4096];
};

DIR *fdopendir(int fd)
{
    __wasi_fdstat_t stat;
    __wasi_errno_t error = __wasi_fd_fdstat_get(fd, &stat);
    DIR *dir;

    if (error || stat.fs_filetype != __WASI_FILETYPE_DIRECTORY) {
        errno = error ? -wasi_result(error) : ENOTDIR;
        return NULL;
    }
    dir = calloc(1, sizeof(*dir));
    if (dir) {
        dir->fd = fd;
    }
    return dir;
}

DIR *opendir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (fd >= 0 && !dir) {
        close(fd);
    }
    return dir;
}

int closedir(DIR *dir)
{
    int ret = close(dir->fd);

    free(dir);
    return ret;
}

int dirfd(DIR *dir)
{
    return dir->fd;
}

/* Returns the type as in st_mode, shifted. */
static unsigned char type_of(__wasi_filetype_t type)
{
    switch (type) {
    case __WASI_FILETYPE_REGULAR_FILE: return DT_REG;
    case __WASI_FILETYPE_DIRECTORY: return DT_DIR;
    case __WASI_FILETYPE_SYMBOLIC_LINK: return DT_LNK;
    case __WASI_FILETYPE_CHARACTER_DEVICE: return DT_CHR;
    case __WASI_FILETYPE_BLOCK_DEVICE: return DT_BLK;
    case __WASI_FILETYPE_SOCKET_DGRAM:
    case __WASI_FILETYPE_SOCKET_STREAM: return DT_SOCK;
    default: return DT_UNKNOWN;
    }
}

struct dirent *readdir(DIR *dir)
{
    for (;;) {
        __wasi_dirent_t head;
        size_t left = dir->filled - dir->at;
        __wasi_errno_t error;
        __wasi_size_t used;

        if (left >= sizeof(head)) {
            memcpy(&head, dir->buffer + dir->at, sizeof(head));
            if (head.d_namlen >= sizeof(dir->entry.d_name)) {
                errno = EOVERFLOW;
                return NULL;
            }
            if (left >= sizeof(head) + head.d_namlen) {
                dir->entry = (struct dirent){
                    .d_ino = (ino_t)head.d_ino, .d_off = (off_t)head.d_next,
                    .d_reclen = sizeof(dir->entry), .d_type = type_of(head.d_type),
                };
                memcpy(dir->entry.d_name, dir->buffer + dir->at + sizeof(head),
                       head.d_namlen);
                dir->at += sizeof(head) + head.d_namlen;
                dir->next = head.d_next;
                return &dir->entry;
            }
        }
        /* The last entry may have been cut off, unless the buffer is not full. */
        if (dir->filled > 0 && dir->filled < sizeof(dir->buffer)) {
            return NULL;
        }
        error = __wasi_fd_readdir(dir->fd, dir->buffer, sizeof(dir->buffer),
                                  dir->next, &used);
        if (error) {
            errno = -wasi_result(error);
            return NULL;
        }
        dir->at = 0;
        dir->filled = used;
        if (used == 0) {
            return NULL;
        }
    }
}

void seekdir(DIR *dir, long place)
{
    dir->next = (__wasi_dircookie_t)place;
    dir->at = dir->filled = 0;
}

void rewinddir(DIR *dir)
{
    seekdir(dir, 0);
}

long telldir(DIR *dir)
{
    return (long)dir->next;
}
