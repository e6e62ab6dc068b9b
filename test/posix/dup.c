/* SPDX-License-Identifier: MIT */
/* dup, dup2, dup3, F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD: numbers, what is shared, what closing does. */
#include "topic.h"
#include <poll.h>
#include <sys/socket.h>

static void topic(void)
{
    int fd, other, third, pipe_fds[2], low;
    char byte;

    put_file("file", "0123456789");
    printf("open = %s\n", FD(fd, open("file", O_RDWR | O_CLOEXEC)));
    low = fd;
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(fd, F_SETFD, 0));
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(fd, F_SETFD, FD_CLOEXEC));
    printf("dup = %s\n", FD(other, dup(fd)));
    SHOW(other - low);
    SHOW(fcntl(other, F_GETFD));
    SHOW(fcntl(fd, F_GETFD));
    SHOW(lseek(fd, 4, SEEK_SET));
    SHOW(lseek(other, 0, SEEK_CUR));
    SHOW(read(other, &byte, 1));
    SHOW(byte);
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(fcntl(other, F_SETFL, O_APPEND));
    SHOW((fcntl(fd, F_GETFL) & O_APPEND) != 0);
    SHOW(write(fd, "A", 1));
    SHOW(close(fd));
    SHOW(write(other, "B", 1));
    printf("the file = %s\n", file_text("file"));
    SHOW(read(fd, &byte, 1));

    printf("dup takes the lowest number = %s\n", FD(fd, dup(other)));
    SHOW(fd - low);
    printf("F_DUPFD = %s\n", FD(third, fcntl(other, F_DUPFD, 100)));
    SHOW(third);
    SHOW(fcntl(other, F_DUPFD, 100));
    SHOW(fcntl(101, F_GETFD));
    SHOW(fcntl(other, F_DUPFD_CLOEXEC, 100));
    SHOW(fcntl(102, F_GETFD));
    SHOW(fcntl(other, F_DUPFD, -1));
    SHOW(fcntl(other, F_DUPFD, 1 << 30));
    SHOW(fcntl(77, F_DUPFD, 0));
    SHOW(dup(77));
    SHOW(dup(-1));

    SHOW(dup2(other, 50));
    SHOW(fcntl(50, F_GETFD));
    SHOW(fcntl(50, F_SETFD, FD_CLOEXEC));
    SHOW(dup2(50, 50));
    SHOW(fcntl(50, F_GETFD));
    SHOW(dup2(other, 50));
    SHOW(fcntl(50, F_GETFD));
    SHOW(dup2(77, 50));
    SHOW(fcntl(50, F_GETFD));
    SHOW(dup2(77, 77));
    SHOW(dup2(other, -1));
    SHOW(dup2(other, 1 << 30));
    SHOW(dup3(other, 51, O_CLOEXEC));
    SHOW(fcntl(51, F_GETFD));
    SHOW(dup3(other, other, 0));
    SHOW(dup3(other, 52, O_NONBLOCK));
    SHOW(dup3(77, 52, 0));
    SHOW(fcntl(52, F_GETFD));

    /* Standard output into a file and back. */
    printf("open = %s\n", FD(fd, open("out", O_CREAT | O_RDWR, 0666)));
    fflush(stdout);
    third = dup(1);
    dup2(fd, 1);
    printf("into the file\n");
    fflush(stdout);
    dup2(third, 1);
    printf("back: the file = %s", file_text("out"));
    SHOW(close(third));

    /* A pipe ends when the last fd of its writer is closed. */
    SHOW(pipe(pipe_fds));
    printf("dup of the writer = %s\n", FD(other, dup(pipe_fds[1])));
    SHOW(close(pipe_fds[1]));
    SHOW(write(other, "x", 1));
    SHOW(read(pipe_fds[0], &byte, 1));
    {
        struct pollfd p = { .fd = pipe_fds[0], .events = POLLIN };
        SHOW(poll(&p, 1, 0));
        SHOW(dup2(1, other) == other);
        SHOW(poll(&p, 1, 0));
        SHOW(p.revents == POLLHUP);
    }
    SHOW(read(pipe_fds[0], &byte, 1));
    SHOW(close(pipe_fds[0]));

    SHOW(pipe2(pipe_fds, O_NONBLOCK | O_CLOEXEC));
    SHOW(fcntl(pipe_fds[0], F_GETFD));
    SHOW((fcntl(pipe_fds[1], F_GETFL) & (O_NONBLOCK | O_ACCMODE)) == (O_NONBLOCK | O_WRONLY));
    SHOW(read(pipe_fds[0], &byte, 1));
    SHOW(dup2(pipe_fds[0], 60));
    SHOW((fcntl(60, F_GETFL) & O_NONBLOCK) != 0);
    SHOW(fcntl(60, F_SETFL, 0));
    SHOW((fcntl(pipe_fds[0], F_GETFL) & O_NONBLOCK) != 0);
    SHOW(pipe2(pipe_fds, 1 << 20));

    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, pipe_fds));
    SHOW(dup2(pipe_fds[0], pipe_fds[1]) == pipe_fds[1]);
    SHOW(read(pipe_fds[1], &byte, 1));
}
