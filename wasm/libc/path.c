/* SPDX-License-Identifier: MIT */
/*
 * Paths. WASI has no root and no current directory, only directories that the
 * program was given, each with a name. A path belongs to the directory with the
 * longest name that the path begins with. The current directory is kept here, '/' at
 * first.
 */
#include <sys/stat.h>

#include "wasi.h"

/* Shared by all threads of the program, as POSIX requires. */
static char current[PATH_MAX] = "/";

/* Appends path to `to`, without empty and '.' components ('//' and '/./'). */
static bool append(char *to, const char *path)
{
    size_t n = strlen(to);

    while (*path) {
        size_t part = strcspn(path, "/");
        bool last = path[part] == '\0';
        if (part == 0 || (part == 1 && path[0] == '.' && !last)) {
            path += part + !last;
            continue;
        }
        if (n + part + 3 > PATH_MAX) {
            return false;
        }
        if (to[n - 1] != '/') {
            to[n++] = '/';
        }
        memcpy(to + n, path, part);
        n += part;
        if (!last) {
            to[n++] = '/';
        }
        to[n] = '\0';
        path += part + !last;
    }
    return true;
}

/* Returns how many bytes of path the name of a directory covers, or -1 if path is
 * not below it. */
static int covered(const char *name, const char *path)
{
    size_t n = strlen(name);

    while (n > 0 && name[n - 1] == '/') {
        n--;
    }
    if (strncmp(name, path, n) != 0 || (path[n] != '/' && path[n] != '\0')) {
        return -1;
    }
    return (int)n;
}

/* Returns the directory of an absolute path, or -1 if there is none. */
static int find(const char *path, int *covers)
{
    int found = -1;

    *covers = -1;
    for (int fd = 3;; fd++) {
        char raw[PATH_MAX], name[PATH_MAX] = "/";
        __wasi_prestat_t stat;
        if (__wasi_fd_prestat_get(fd, &stat)) {
            return found;
        }
        if (stat.u.dir.pr_name_len >= sizeof(raw) ||
            __wasi_fd_prestat_dir_name(fd, (uint8_t *)raw, stat.u.dir.pr_name_len)) {
            continue;
        }
        raw[stat.u.dir.pr_name_len] = '\0';
        if (strcmp(raw, ".") != 0 && !append(name, raw)) {
            continue;
        }
        int n = covered(name, path);
        if (n > *covers) {
            *covers = n;
            found = fd;
        }
    }
}

int wasi_path(int dirfd, const char *path, WasiPath *result)
{
    char whole[PATH_MAX] = "/";
    int covers;

    if (*path == '\0') {
        return -ENOENT;
    }
    if (*path != '/' && dirfd != AT_FDCWD) {
        result->dir = dirfd;
        result->length = strlen(path);
        if (result->length >= PATH_MAX) {
            return -ENAMETOOLONG;
        }
        memcpy(result->name, path, result->length + 1);
        return 0;
    }
    if ((*path != '/' && !append(whole, current)) || !append(whole, path)) {
        return -ENAMETOOLONG;
    }
    result->dir = find(whole, &covers);
    if (result->dir < 0) {
        return -ENOENT;
    }
    path = whole + covers;
    path += *path == '/';
    result->length = strlen(path);
    memcpy(result->name, path, result->length + 1);
    if (result->length == 0) {
        strcpy(result->name, ".");
        result->length = 1;
    }
    return 0;
}

/* Removes '..' and the component before it from an absolute path, as `cd` does: the
 * directory that was left may no longer exist. */
static void fold(char *path)
{
    char *to = path;

    for (const char *from = path; *from;) {
        size_t part = strcspn(from + 1, "/") + 1;
        if (part == 3 && from[1] == '.' && from[2] == '.') {
            while (to > path && *--to != '/') {
            }
        } else if (part > 1 && !(part == 2 && from[1] == '.')) {
            memmove(to, from, part);
            to += part;
        }
        from += part;
    }
    if (to == path) {
        *to++ = '/';
    }
    *to = '\0';
}

int __syscall_chdir(intptr_t path)
{
    char whole[PATH_MAX] = "/";
    struct stat stat_;
    int ret = __syscall_stat64(path, (intptr_t)&stat_);

    if (ret < 0) {
        return ret;
    }
    if (!S_ISDIR(stat_.st_mode)) {
        return -ENOTDIR;
    }
    if ((*(const char *)path != '/' && !append(whole, current)) ||
        !append(whole, (const char *)path)) {
        return -ENAMETOOLONG;
    }
    fold(whole);
    strcpy(current, whole);
    return 0;
}

int __syscall_getcwd(intptr_t buf, size_t size)
{
    size_t n = strlen(current);

    if (size <= n) {
        return -ERANGE;
    }
    memcpy((char *)buf, current, n);
    ((char *)buf)[n] = '\0';
    return (int)n + 1;
}
