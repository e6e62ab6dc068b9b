/* SPDX-License-Identifier: MIT */
/* O_APPEND and write, pwrite, writev, pwritev, fallocate, dup, truncate and stdio: where the bytes go, the offset and the size. */
#include "topic.h"
#include <sys/uio.h>

static void state(const char *what, const char *came, int fd)
{
    struct stat st;

    fstat(fd, &st);
    printf("%s = %s; at %lld", what, came, (long long)lseek(fd, 0, SEEK_CUR));
    printf(", size %lld: %s\n", (long long)st.st_size, file_text("file"));
}

#define STEP(text, call) \
    do { \
        const char *came = R(call); \
        snprintf(what, sizeof(what), "%s %s", name, text); \
        state(what, came, fd); \
    } while (0)

static void with(const char *name, int flags)
{
    struct iovec parts[2] = { { "vv", 2 }, { "w", 1 } };
    int fd, copy;
    char what[100];

    put_file("file", "0123456789");
    fd = open("file", O_RDWR | flags);
    STEP("write", write(fd, "ab", 2));
    STEP("lseek", lseek(fd, 3, SEEK_SET));
    STEP("write", write(fd, "cd", 2));
    STEP("lseek", lseek(fd, 1, SEEK_SET));
    STEP("writev", writev(fd, parts, 2));
    STEP("read", read(fd, what, 1));
    STEP("posix_fallocate inside", posix_fallocate(fd, 0, 4));
    STEP("posix_fallocate beyond", posix_fallocate(fd, 20, 4));
    STEP("ftruncate", ftruncate(fd, 6));
    STEP("write", write(fd, "ef", 2));
    copy = dup(fd);
    STEP("lseek of a copy", lseek(copy, 2, SEEK_SET));
    STEP("write", write(copy, "gh", 2));
    STEP("no append", fcntl(copy, F_SETFL, 0));
    STEP("lseek", lseek(fd, 0, SEEK_SET));
    STEP("write", write(fd, "ij", 2));
    STEP("append", fcntl(fd, F_SETFL, O_APPEND));
    STEP("write of a copy", write(copy, "kl", 2));
    STEP("write of nothing", write(copy, "", 0));
    close(copy);
    close(fd);
}

/* In a file of their own, because an offset that is not kept changes all that follows. */
static void at_offset(const char *name, int flags)
{
    struct iovec parts[2] = { { "vv", 2 }, { "w", 1 } };
    char what[100];
    int fd;

    put_file("file", "0123456789");
    fd = open("file", O_RDWR | flags);
    STEP("pwrite", pwrite(fd, "P", 1, 5));
    close(fd);
    put_file("file", "0123456789");
    fd = open("file", O_RDWR | flags);
    STEP("pwritev", pwritev(fd, parts, 2, 7));
    close(fd);
}

static void streams(const char *mode)
{
    char line[20] = "";
    FILE *file;

    put_file("file", "0123456789");
    file = fopen("file", mode);
#define STREAM(text, call) \
    do { \
        const char *came = R(call); \
        printf("fopen %s, %s = %s; ftell %ld", mode, text, came, ftell(file)); \
        fflush(file); \
        printf("; %s\n", file_text("file")); \
    } while (0)
    STREAM("nothing", 0);
    STREAM("fputs", fputs("ab", file) >= 0);
    STREAM("fseek", fseek(file, 1, SEEK_SET));
    STREAM("fputs", fputs("cd", file) >= 0);
    STREAM("fseek", fseek(file, 0, SEEK_SET));
    STREAM("fgets", fgets(line, 5, file) != NULL);
    printf("fopen %s, read = %s\n", mode, line);
    STREAM("fseek", fseek(file, 0, SEEK_CUR));
    STREAM("fputs", fputs("ef", file) >= 0);
    STREAM("rewind", (rewind(file), 0));
    STREAM("fclose", 0);
    fclose(file);
}

static void topic(void)
{
    static const char *const modes[] = { "r+", "w", "w+", "a", "a+" };

    with("plain", 0);
    with("append", O_APPEND);
    at_offset("plain", 0);
    at_offset("append", O_APPEND);
    for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        streams(modes[i]);
    }
}
