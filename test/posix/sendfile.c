/* SPDX-License-Identifier: MIT */
/* sendfile(): to files, pipes and sockets, with an offset and without, and what it refuses. */
#include "topic.h"
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

static void to_files(int fd)
{
    int to = open("target", O_CREAT | O_RDWR, 0666), append = open("target", O_WRONLY | O_APPEND), only = open("target", O_RDONLY);
    int blind = open("source", O_WRONLY), dir = open(".", O_RDONLY);
    off_t at = 1;

    SHOW(sendfile(to, fd, &at, 3));
    SHOW(at);
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(sendfile(to, fd, NULL, 2));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(sendfile(to, fd, NULL, 100));
    SHOW(sendfile(to, fd, NULL, 100));
    SHOW(sendfile(to, fd, NULL, 0));
    printf("target = %s\n", file_text("target"));
    at = 100;
    SHOW(sendfile(to, fd, &at, 1));
    at = -1;
    SHOW(sendfile(to, fd, &at, 1));
    at = 0;
    SHOW(sendfile(append, fd, &at, 1));
    SHOW(sendfile(only, fd, &at, 1));
    SHOW(sendfile(to, blind, &at, 1));
    SHOW(sendfile(to, dir, &at, 1));
    SHOW(sendfile(to, 999, &at, 1));
    SHOW(sendfile(999, fd, &at, 1));
    SHOW(at);
    close(dir);
    close(blind);
    close(only);
    close(append);
    close(to);
}

static void to_streams(int fd)
{
    static char text[300000];
    int pipes[2], sockets[2];
    off_t at = 2;
    ssize_t first;

    SHOW(pipe(pipes));
    SHOW(sendfile(pipes[1], fd, &at, 5));
    SHOW(read(pipes[0], text, sizeof(text)));
    printf("text = %.5s\n", text);
    SHOW(sendfile(pipes[1], pipes[0], NULL, 5));
    SHOW(sendfile(pipes[0], fd, &at, 5));

    /* As much as there is room for, and not a byte is lost. */
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)('a' + i % 23);
    }
    fd = open("large", O_CREAT | O_RDWR, 0666);
    SHOW(write(fd, text, sizeof(text)));
    SHOW(lseek(fd, 0, SEEK_SET));
    fcntl(pipes[1], F_SETFL, O_NONBLOCK);
    first = sendfile(pipes[1], fd, NULL, sizeof(text));
    printf("some were sent = %d\n", first > 0 && first < (ssize_t)sizeof(text));
    printf("the position is behind them = %d\n", lseek(fd, 0, SEEK_CUR) == first);
    SHOW(sendfile(pipes[1], fd, NULL, sizeof(text)));
    printf("it has stayed = %d\n", lseek(fd, 0, SEEK_CUR) == first);
    memset(text, 0, sizeof(text));
    for (ssize_t got = 0; got < first; ) {
        ssize_t n = read(pipes[0], text + got, sizeof(text) - (size_t)got);
        if (n <= 0) {
            break;
        }
        got += n;
    }
    for (ssize_t i = 0; i < first; i++) {
        if (text[i] != (char)('a' + i % 23)) {
            printf("wrong at = %zd\n", i);
            break;
        }
    }
    close(pipes[0]);
    signal(SIGPIPE, SIG_IGN);
    SHOW(sendfile(pipes[1], fd, NULL, 1));
    printf("it has stayed = %d\n", lseek(fd, 0, SEEK_CUR) == first);
    close(pipes[1]);

    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
    at = 23;
    SHOW(sendfile(sockets[0], fd, &at, 4));
    SHOW(read(sockets[1], text, sizeof(text)));
    printf("text = %.4s\n", text);
    close(sockets[0]);
    close(sockets[1]);
    close(fd);
}

static void topic(void)
{
    int fd;

    put_file("source", "0123456789");
    printf("open = %s\n", FD(fd, open("source", O_RDONLY)));
    to_files(fd);
    to_streams(fd);
}
