/* SPDX-License-Identifier: MIT */
/*
 * An echo server: one thread, poll() on many sockets.
 *
 *     wasm/aiocc -O2 -o echo.wasm docs/examples/echo.c
 *     node dist/cli/main.js run --listen 127.0.0.1:7777 echo.wasm
 *
 * The socket that listens is given to the program: fd 3, or the number that is its
 * first argument. With a second argument it ends after so many connections.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CLIENTS = 2000, BUFFER = 4096 };

/* What came from a client and could not be sent back yet. */
typedef struct Client {
    char *data;
    size_t length;
} Client;

static struct pollfd fds[1 + MAX_CLIENTS];     /* the listener, then the clients */
static Client clients[1 + MAX_CLIENTS];
static int count = 1;

static void drop(int i)
{
    close(fds[i].fd);
    free(clients[i].data);
    count--;
    fds[i] = fds[count];
    clients[i] = clients[count];
}

static void accept_all(void)
{
    /* As many as there is room for; the others wait. */
    while (count <= MAX_CLIENTS) {
        int fd = accept4(fds[0].fd, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno != EAGAIN) {
                perror("accept");
                exit(1);
            }
            return;
        }
        fds[count] = (struct pollfd){ .fd = fd, .events = POLLIN };
        clients[count++] = (Client){ 0 };
    }
}

/* Sends what is left; false: the client is gone. */
static int flush(int i)
{
    Client *client = &clients[i];
    ssize_t sent = send(fds[i].fd, client->data, client->length, 0);

    if (sent < 0) {
        return errno == EAGAIN;
    }
    client->length -= (size_t)sent;
    memmove(client->data, client->data + sent, client->length);
    if (client->length == 0) {
        free(client->data);
        client->data = NULL;
        fds[i].events = POLLIN;
    }
    return 1;
}

/* Sends back what came; false: the client is gone. */
static int echo(int i)
{
    char buffer[BUFFER];
    ssize_t got = recv(fds[i].fd, buffer, sizeof(buffer), 0), sent;

    if (got <= 0) {
        return got < 0 && errno == EAGAIN;
    }
    sent = send(fds[i].fd, buffer, (size_t)got, 0);
    if (sent < 0 && errno != EAGAIN) {
        return 0;
    }
    sent = sent < 0 ? 0 : sent;
    if (sent < got) {
        /* Nothing more is read from it until it has taken this. */
        clients[i].length = (size_t)(got - sent);
        clients[i].data = malloc(clients[i].length);
        if (!clients[i].data) {
            return 0;
        }
        memcpy(clients[i].data, buffer + sent, clients[i].length);
        fds[i].events = POLLOUT;
    }
    return 1;
}

int main(int argc, char **argv)
{
    int listener = argc > 1 ? atoi(argv[1]) : 3;
    long left = argc > 2 ? atol(argv[2]) : -1, served = 0;

    if (fcntl(listener, F_SETFL, O_NONBLOCK) < 0) {
        perror("no socket to listen on (wasm-aio run --listen HOST:PORT)");
        return 1;
    }
    fds[0] = (struct pollfd){ .fd = listener };
    while (left < 0 || served < left) {
        fds[0].events = count <= MAX_CLIENTS ? POLLIN : 0;
        if (poll(fds, (nfds_t)count, -1) < 0) {
            perror("poll");
            return 1;
        }
        for (int i = count - 1; i > 0; i--) {
            if (fds[i].revents &&
                !(fds[i].events & POLLOUT ? flush(i) : echo(i))) {
                drop(i);
                served++;
            }
        }
        if (fds[0].revents) {
            accept_all();
        }
    }
    printf("served %ld connections\n", served);
    return 0;
}
