/* SPDX-License-Identifier: MIT */
/*
 * For the programs of test/posix. Each is one topic: a function topic() that prints lines of the form
 * `what was done = what came of it`. test/posix/run.mjs runs it natively and in WebAssembly, each in an
 * empty directory of its own, and compares the lines. So print nothing that differs between two runs on
 * Linux: no numbers of processes or inodes, no times, and of threads only what they must come to.
 */
#ifndef TEST_POSIX_TOPIC_H
#define TEST_POSIX_TOPIC_H
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The topic. The current directory is empty and belongs to it. */
static void topic(void);

/* The name of an errno. */
static inline const char *errno_name(int error)
{
    static const struct {
        int value;
        const char *name;
    } names[] = {
#define E(name) { name, #name }
        E(E2BIG), E(EACCES), E(EAFNOSUPPORT), E(EAGAIN), E(EBADF), E(EBUSY), E(ECANCELED), E(ECHILD), E(EDEADLK),
        E(EDOM), E(EEXIST), E(EFAULT), E(EFBIG), E(EILSEQ), E(EINPROGRESS), E(EINTR), E(EINVAL), E(EIO), E(EISDIR),
        E(ELOOP), E(EMFILE), E(EMLINK), E(ENAMETOOLONG), E(ENFILE), E(ENODATA), E(ENODEV), E(ENOENT), E(ENOEXEC),
        E(ENOLCK), E(ENOMEM), E(ENOSPC), E(ENOSYS), E(ENOTCONN), E(ENOTDIR), E(ENOTEMPTY), E(ENOTSOCK), E(ENOTSUP),
        E(ENOTTY), E(ENXIO), E(EOVERFLOW), E(EPERM), E(EPIPE), E(EPROTONOSUPPORT), E(ERANGE), E(EROFS), E(ESPIPE),
        E(ESRCH), E(ETIMEDOUT), E(ETXTBSY), E(EXDEV), E(EADDRINUSE), E(ECONNREFUSED), E(ECONNRESET), E(EISCONN),
        E(EOWNERDEAD), E(ENOTRECOVERABLE), E(EADDRNOTAVAIL), E(ENETUNREACH),
#undef E
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].value == error) {
            return names[i].name;
        }
    }
    return error == 0 ? "0" : "another errno";
}

/* What a call returned, as text: the name of errno for -1, otherwise the number. Valid until this thread has
 * called it 8 times more. */
static inline const char *result(long long value)
{
    static _Thread_local char texts[8][24];
    static _Thread_local unsigned next;
    char *text = texts[next++ % 8];

    if (value == -1 && errno != 0) {
        return errno_name(errno);
    }
    snprintf(text, sizeof(texts[0]), "%lld", value);
    return text;
}

/* R(call): calls it with errno cleared, and returns result() of what it returned. Use one in each printf(). */
#define R(call) (errno = 0, result((long long)(call)))
/* The same for a call that returns an fd: "ok" instead of its number, and the fd is kept in `fd`. */
#define FD(fd, call) (errno = 0, ((fd) = (call)) >= 0 ? "ok" : errno_name(errno))
/* Prints `call = result`. */
#define SHOW(call) printf("%s = %s\n", #call, R(call))

/* The same for a call that returns the errno, as those of pthreads do. */
#define SHOW_ERROR(call) printf("%s = %s\n", #call, errno_name(call))

/* Creates a file with this text. Ends the program if that fails. */
static inline void put_file(const char *name, const char *text)
{
    int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0666);
    size_t length = strlen(text);

    if (fd < 0 || write(fd, text, length) != (ssize_t)length || close(fd) != 0) {
        printf("cannot write %s: %s\n", name, strerror(errno));
        exit(1);
    }
}

/* Returns what a file contains, at most 63 bytes, or the name of errno; valid until the next call. */
static inline const char *file_text(const char *name)
{
    static char text[64];
    int fd = open(name, O_RDONLY);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (got < 0) {
        snprintf(text, sizeof(text), "%s", errno_name(errno));
    } else {
        text[got] = '\0';
    }
    if (fd >= 0) {
        close(fd);
    }
    return text;
}

int main(int argc, char **argv)
{
    /* Each line is written at once, so that a crash loses none. */
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    if (argc < 2 || chdir(argv[1]) != 0) {
        printf("usage: %s EMPTY-DIRECTORY\n", argv[0]);
        return 2;
    }
    topic();
    return 0;
}
#endif
