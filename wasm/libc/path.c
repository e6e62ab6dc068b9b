/* SPDX-License-Identifier: MIT */
/*
 * Paths. WASI has no root and no current directory, only directories that the
 * program was given, each with a name. A path belongs to the directory with the
 * longest name that the path begins with. The current directory is kept here. It begins as the one that
 * the environment names (PWD), if the program has been given that one, otherwise as '/'.
 */
#include <pthread.h>
#include <stdlib.h>

#include "port/wasm-port.h"
#include "wasi.h"

/* Shared by all threads of the program, as POSIX requires. */
static char current[PATH_MAX] = "/";

/* Appends path to `to`, without empty and '.' components ('//' and '/./'). A '.' at the end remains, because
 * some calls refuse it, and a slash at the end, which asks for a directory. */
static bool append(char *to, const char *path)
{
    size_t n = strlen(to);

    while (*path) {
        size_t part = strcspn(path, "/");
        bool last = path[part] == '\0';
        if (part == 0 ||
            (part == 1 && path[0] == '.' && path[part + strspn(path + part, "/")] != '\0')) {
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

static int resolve(int dirfd, const char *path, WasiPath *result)
{
    char whole[PATH_MAX] = "/";
    int covers;

    if (*path == '\0') {
        return -ENOENT;
    }
    result->length = strlen(path);
    if (result->length >= PATH_MAX) {
        return -ENAMETOOLONG;
    }
    if (*path != '/' && dirfd != AT_FDCWD) {
        result->dir = dirfd;
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

/* Makes a path the current directory. same: what it has to lead to, or NULL. */
static int change(const char *path, const __wasi_filestat_t *same)
{
    char whole[PATH_MAX] = "/";
    __wasi_filestat_t stat;
    __wasi_errno_t error;
    WasiPath at;
    int ret = resolve(AT_FDCWD, path, &at);

    if (ret < 0) {
        return ret;
    }
    error = __wasi_path_filestat_get(at.dir, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, at.name, at.length, &stat);
    if (error || stat.filetype != __WASI_FILETYPE_DIRECTORY) {
        return error ? wasi_result(error) : -ENOTDIR;
    }
    if (same && (stat.dev != same->dev || stat.ino != same->ino)) {
        return -ENOENT;
    }
    if ((*path != '/' && !append(whole, current)) || !append(whole, path)) {
        return -ENAMETOOLONG;
    }
    fold(whole);
    strcpy(current, whole);
    return 0;
}

static void begin(void)
{
    const char *directory = getenv("PWD");

    if (directory && *directory == '/') {
        change(directory, NULL);
    }
}

/* Call this before `current` is used. */
static void prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, begin);
}

int wasi_path(int dirfd, const char *path, WasiPath *result)
{
    prepare();
    return resolve(dirfd, path, result);
}

int __syscall_chdir(intptr_t path)
{
    prepare();
    return change((const char *)path, NULL);
}

/* The current directory is a path here, so one that was removed has none. */
int __syscall_fchdir(int fd)
{
    char path[PATH_MAX] = "/";
    __wasi_filestat_t stat;
    __wasi_errno_t error = __wasi_fd_filestat_get(fd, &stat);
    int length;

    if (error || stat.filetype != __WASI_FILETYPE_DIRECTORY) {
        return error ? wasi_result(error) : -ENOTDIR;
    }
    length = host_fd_call(HOST_FD_PLACE, fd, (intptr_t)(path + 1), sizeof(path) - 2);
    if (length < 0) {
        return length;
    }
    path[1 + length] = '\0';
    prepare();
    return change(path, &stat);
}

int __syscall_getcwd(intptr_t buf, size_t size)
{
    size_t n;

    prepare();
    n = strlen(current);
    if (size <= n) {
        return -ERANGE;
    }
    memcpy((char *)buf, current, n);
    ((char *)buf)[n] = '\0';
    return (int)n + 1;
}
