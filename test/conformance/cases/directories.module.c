/* SPDX-License-Identifier: MIT */
/* A guest that makes a tree in the directory /d, uses it as on Linux, and leaves one file there; with the argument `again`, finds that. */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FAILS(call, error) (errno = 0, assert((call) == -1 && errno == (error)))

enum { PIECE = 5000, PIECES = 40 };

static void put(const char *path, const char *text)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0666);

    assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

static void holds(const char *path, const char *text)
{
    char found[64] = "";
    int fd = open(path, O_RDONLY);

    assert(fd >= 0 && read(fd, found, sizeof(found) - 1) == (ssize_t)strlen(text));
    assert(strcmp(found, text) == 0 && close(fd) == 0);
}

static int entries(const char *path)
{
    DIR *dir = opendir(path);
    int count = 0;

    assert(dir);
    while (readdir(dir)) {
        count++;
    }
    assert(closedir(dir) == 0);
    return count - 2;
}

/* Two threads write every other piece of a file. */
static int shared;

static void *write_pieces(void *first)
{
    char piece[PIECE];

    for (int n = first != NULL; n < PIECES; n += 2) {
        memset(piece, n + 1, PIECE);
        assert(pwrite(shared, piece, PIECE, (off_t)n * PIECE) == PIECE);
    }
    return NULL;
}

static void threads(void)
{
    pthread_t other;
    char piece[PIECE], expected[PIECE];

    shared = open("/d/shared", O_CREAT | O_RDWR, 0666);
    assert(shared >= 0 && pthread_create(&other, NULL, write_pieces, &shared) == 0);
    write_pieces(NULL);
    assert(pthread_join(other, NULL) == 0 && fsync(shared) == 0);
    for (int n = 0; n < PIECES; n++) {
        memset(expected, n + 1, PIECE);
        assert(pread(shared, piece, PIECE, (off_t)n * PIECE) == PIECE && memcmp(piece, expected, PIECE) == 0);
    }
    assert(pread(shared, piece, PIECE, (off_t)PIECES * PIECE) == 0);
    assert(close(shared) == 0 && unlink("/d/shared") == 0);
}

static void names(void)
{
    struct stat before, after;
    char text[8] = "";
    int fd;

    assert(mkdir("/d/a", 0755) == 0 && mkdir("/d/a/b", 0755) == 0);
    FAILS(mkdir("/d/a", 0755), EEXIST);
    FAILS(rmdir("/d/a"), ENOTEMPTY);
    FAILS(open("/d/none", O_RDONLY), ENOENT);
    FAILS(open("/d/none/x", O_CREAT | O_WRONLY, 0666), ENOENT);
    FAILS(open("/d/a", O_WRONLY), EISDIR);
    put("/d/a/b/file", "first");
    FAILS(open("/d/a/b/file/x", O_RDONLY), ENOTDIR);
    FAILS(open("/d/a/b/file", O_CREAT | O_EXCL | O_WRONLY, 0666), EEXIST);
    FAILS(unlink("/d/a"), EISDIR);
    FAILS(rmdir("/d/a/b/file"), ENOTDIR);
    FAILS(rename("/d/a", "/d/a/b/c"), EINVAL);

    /* A file that is renamed while it is open, together with its directory, and that replaces another one. */
    assert((fd = open("/d/a/b/file", O_RDWR)) >= 0 && fstat(fd, &before) == 0);
    assert(rename("/d/a", "/d/z") == 0 && entries("/d") == 1 && entries("/d/z/b") == 1);
    assert(stat("/d/z/b/file", &after) == 0 && after.st_ino == before.st_ino && after.st_size == 5);
    assert(pwrite(fd, "F", 1, 0) == 1 && pread(fd, text, 5, 0) == 5 && strcmp(text, "First") == 0);
    put("/d/z/other", "other");
    assert(rename("/d/z/b/file", "/d/z/other") == 0 && entries("/d/z") == 2);
    holds("/d/z/other", "First");

    /* A file that is removed while it is open. */
    assert(unlink("/d/z/other") == 0 && pwrite(fd, "more", 4, 5) == 4 && fstat(fd, &after) == 0);
    assert(after.st_size == 9 && after.st_nlink == 0 && pread(fd, text, 4, 5) == 4 && memcmp(text, "more", 4) == 0);
    FAILS(open("/d/z/other", O_RDONLY), ENOENT);
    assert(close(fd) == 0 && rmdir("/d/z/b") == 0 && rmdir("/d/z") == 0 && entries("/d") == 0);
}

static void contents(void)
{
    struct stat info;
    int fd = open("/d/log", O_CREAT | O_APPEND | O_WRONLY, 0600);

    assert(fd >= 0 && write(fd, "one ", 4) == 4 && lseek(fd, 0, SEEK_SET) == 0 && write(fd, "two", 3) == 3);
    assert(close(fd) == 0);
    holds("/d/log", "one two");
    assert(truncate("/d/log", 3) == 0 && stat("/d/log", &info) == 0 && info.st_size == 3 && S_ISREG(info.st_mode));
    assert((fd = open("/d/log", O_RDWR | O_TRUNC)) >= 0 && fstat(fd, &info) == 0 && info.st_size == 0);
    assert(lseek(fd, 3, SEEK_SET) == 3 && write(fd, "x", 1) == 1 && pread(fd, &info, 4, 0) == 4 && memcmp(&info, "\0\0\0x", 4) == 0);
    /* Farther away than anything that fits. */
    assert(pwrite(fd, "x", 1, INT64_C(1) << 52) == -1 && (errno == EFBIG || errno == ENOSPC));
    assert(close(fd) == 0 && unlink("/d/log") == 0);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "again") == 0) {
        holds("/d/kept/file", "kept");
        assert(unlink("/d/kept/file") == 0 && rmdir("/d/kept") == 0);
    }
    names();
    contents();
    threads();
    assert(mkdir("/d/kept", 0755) == 0);
    put("/d/kept/file", "kept");
    puts("all right");
    return 0;
}
