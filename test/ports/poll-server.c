/* SPDX-License-Identifier: MIT */
/*
 * A small server in plain POSIX, as programs have them: one thread, poll(2), sockets that do not block. It answers each
 * connection with what that sends, in capitals, and ends when as many connections as its argument says have ended.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 64 };

typedef struct Connection {
    size_t begin, end;  /* what is in the buffer and not sent yet */
    int closed;         /* the client sends no more */
    char buffer[16384];
} Connection;

static Connection connections[MOST];
static struct pollfd fds[1 + MOST];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void do_not_block(int fd)
{
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) {
        die("fcntl");
    }
}

/* Returns whether the connection goes on. */
static int serve(Connection *c, struct pollfd *p)
{
    ssize_t n;

    if ((p->revents & (POLLIN | POLLHUP | POLLERR)) && !c->closed && c->begin == c->end) {
        n = recv(p->fd, c->buffer, sizeof(c->buffer), 0);
        if (n < 0 && errno != EAGAIN) {
            return 0;
        }
        if (n >= 0) {
            c->begin = 0;
            c->end = (size_t)n;
            c->closed = n == 0;
        }
        for (size_t i = c->begin; i < c->end; i++) {
            c->buffer[i] = (char)toupper((unsigned char)c->buffer[i]);
        }
    }
    if (c->begin < c->end) {
        n = send(p->fd, c->buffer + c->begin, c->end - c->begin, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) {
            return 0;
        }
        c->begin += n > 0 ? (size_t)n : 0;
    }
    p->events = c->begin < c->end ? POLLOUT : POLLIN;
    return !c->closed || c->begin < c->end;
}

int main(int argc, char **argv)
{
    int left = argc > 1 ? atoi(argv[1]) : 1, one = 1, used = 0;
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(name);
    int server = socket(AF_INET, SOCK_STREAM, 0);

    if (server < 0 || setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        bind(server, (struct sockaddr *)&name, sizeof(name)) < 0 || listen(server, SOMAXCONN) < 0 ||
        getsockname(server, (struct sockaddr *)&name, &length) < 0) {
        die("listen");
    }
    do_not_block(server);
    printf("listening on %d\n", ntohs(name.sin_port));
    fflush(stdout);
    fds[0] = (struct pollfd){ server, POLLIN, 0 };
    while (left > 0) {
        fds[0].events = used < MOST ? POLLIN : 0;
        if (poll(fds, (nfds_t)(1 + used), -1) < 0) {
            die("poll");
        }
        for (int i = used - 1; i >= 0; i--) {
            if (fds[1 + i].revents && !serve(&connections[i], &fds[1 + i])) {
                close(fds[1 + i].fd);
                used--;
                left--;
                fds[1 + i] = fds[1 + used];
                connections[i] = connections[used];
            }
        }
        while (used < MOST && (fds[0].revents & POLLIN)) {
            int fd = accept(server, NULL, NULL);

            if (fd < 0) {
                if (errno != EAGAIN) {
                    die("accept");
                }
                break;
            }
            do_not_block(fd);
            connections[used].begin = connections[used].end = 0;
            connections[used].closed = 0;
            fds[1 + used++] = (struct pollfd){ fd, POLLIN, 0 };
        }
    }
    printf("served\n");
    return 0;
}
