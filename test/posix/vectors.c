/* SPDX-License-Identifier: MIT */
/* readv(), writev() and their relatives: empty pieces, cut off pieces, offsets, pipes, and what they refuse. */
#include "topic.h"
#include <limits.h>
#include <sys/uio.h>

static void topic(void)
{
    char a[4] = "", b[8] = "", c[8] = "";
    struct iovec out[4] = { { "one", 3 }, { "", 0 }, { "two!", 4 }, { NULL, 0 } };
    struct iovec in[3] = { { a, 2 }, { NULL, 0 }, { b, 7 } };
    struct iovec huge[2] = { { a, SSIZE_MAX }, { b, 1 } };
    static struct iovec many[1100];
    volatile int negative = -1;
    int fd, fds[2];

    printf("open = %s\n", FD(fd, open("file", O_CREAT | O_RDWR, 0666)));
    SHOW(writev(fd, out, 4));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(readv(fd, in, 3));
    printf("read = %.2s %.5s\n", a, b);
    SHOW(readv(fd, in, 3));
    SHOW(preadv(fd, in, 3, 3));
    printf("read = %.2s %.2s\n", a, b);
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(pwritev(fd, out, 4, 10));
    printf("text of %zu\n", strlen(file_text("file")));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(preadv(fd, in, 3, 100));
    SHOW(preadv(fd, in, 3, -1));
    SHOW(pwritev(fd, out, 4, -1));
    SHOW(preadv2(fd, in, 3, 0, 0));
    SHOW(lseek(fd, 1, SEEK_SET));
    SHOW(preadv2(fd, in, 3, -1, 0));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(pwritev2(fd, out, 1, 0, 0));
    SHOW(writev(fd, out, 0));
    SHOW(readv(fd, in, 0));
    SHOW(writev(fd, NULL, 0));
    SHOW(writev(fd, out, negative));
    SHOW(readv(fd, in, negative));
    SHOW(preadv(fd, in, negative, 0));
    SHOW(readv(fd, huge, 2));
    SHOW(writev(999, out, 4));
    SHOW(readv(999, in, 3));
    SHOW(lseek(fd, 0, SEEK_SET));
    for (int i = 0; i < 1100; i++) {
        many[i] = (struct iovec){ "x", 1 };
    }
    SHOW(writev(fd, many, 1024));
    SHOW(writev(fd, many, 1025));
    SHOW(pwritev(fd, many, 1025, 0));
    SHOW(lseek(fd, 0, SEEK_SET));
    for (int i = 0; i < 1100; i++) {
        many[i].iov_base = c;
    }
    SHOW(readv(fd, many, 1024));
    SHOW(readv(fd, many, 1025));
    SHOW(close(fd));
    fd = open("file", O_RDONLY);
    SHOW(writev(fd, out, 4));
    SHOW(pwritev(fd, out, 4, 0));
    SHOW(close(fd));
    fd = open("file", O_WRONLY);
    SHOW(readv(fd, in, 3));
    SHOW(close(fd));
    fd = open(".", O_RDONLY);
    SHOW(readv(fd, in, 3));
    SHOW(close(fd));

    SHOW(pipe(fds));
    SHOW(writev(fds[1], out, 4));
    SHOW(readv(fds[0], in, 1));
    SHOW(readv(fds[0], in, 3));
    SHOW(preadv(fds[0], in, 3, 0));
    SHOW(pwritev(fds[1], out, 3, 0));
    SHOW(pread(fds[0], a, 1, 0));
    SHOW(readv(fds[1], in, 3));
    SHOW(writev(fds[0], out, 3));

    /* From a file to a file. */
    put_file("source", "0123456789");
    fd = open("source", O_RDONLY);
    {
        int to = open("target", O_CREAT | O_RDWR, 0666);
        loff_t from = 1;
        SHOW(copy_file_range(fd, &from, to, NULL, 3, 0));
        SHOW(from);
        SHOW(copy_file_range(fd, NULL, to, NULL, 100, 0));
        SHOW(copy_file_range(fd, NULL, to, NULL, 100, 0));
        printf("target = %s\n", file_text("target"));
        SHOW(copy_file_range(fd, NULL, to, NULL, 100, 1));
        SHOW(copy_file_range(to, NULL, fd, NULL, 1, 0));
        SHOW(close(to));
    }
    SHOW(close(fd));
    SHOW(close(fds[0]));
    SHOW(close(fds[1]));
}
