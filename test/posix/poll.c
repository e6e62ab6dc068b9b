/* SPDX-License-Identifier: MIT */
/* poll, ppoll, select and pselect, on files, pipes, sockets, event counters, timers. */
#include "topic.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>

static const char *events_text(short events)
{
    static char text[80];

    snprintf(text, sizeof(text), "%s%s%s%s%s%s%s%s", events & POLLIN ? " in" : "", events & POLLOUT ? " out" : "",
             events & POLLRDNORM ? " rdnorm" : "", events & POLLWRNORM ? " wrnorm" : "",
             events & POLLRDHUP ? " rdhup" : "", events & POLLHUP ? " hup" : "",
             events & POLLERR ? " err" : "", events & POLLNVAL ? " nval" : "");
    return text;
}

static void show(const char *what, int fd, short events)
{
    struct pollfd p = { .fd = fd, .events = events, .revents = 99 };
    int n = poll(&p, 1, 0);

    printf("%s = %d:%s\n", what, n, events_text(p.revents));
}

static void *writes_later(void *arg)
{
    struct timespec nap = { 0, 3000000 };

    nanosleep(&nap, NULL);
    if (write(*(int *)arg, "12345678", 8) != 8) {
        printf("cannot write\n");
    }
    return NULL;
}

enum { ALL = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLRDHUP };

static void sockets(void)
{
    int fds[2];

    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    show("a socket", fds[0], ALL);
    SHOW(write(fds[1], "x", 1));
    show("a socket with data", fds[0], ALL);
    show("a socket with data, POLLIN alone", fds[0], POLLIN);
    SHOW(shutdown(fds[1], SHUT_WR));
    show("data, and the other side writes no more", fds[0], ALL);
    SHOW(read(fds[0], (char[8]){ 0 }, 8));
    show("the other side writes no more", fds[0], ALL);
    show("the same, POLLOUT alone", fds[0], POLLOUT);
    show("the side that writes no more", fds[1], ALL);
    SHOW(shutdown(fds[0], SHUT_WR));
    show("both write no more", fds[0], ALL);
    SHOW(close(fds[1]));
    show("the other side is closed", fds[0], ALL);
    show("the same, no events", fds[0], 0);
    SHOW(close(fds[0]));

    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    SHOW(shutdown(fds[0], SHUT_RD));
    show("reads no more", fds[0], ALL);
    show("the other side reads no more", fds[1], ALL);
    SHOW(shutdown(fds[0], SHUT_RDWR));
    show("shut down", fds[0], ALL);
    show("the other side is shut down", fds[1], ALL);
    SHOW(close(fds[0]));
    SHOW(close(fds[1]));
}

static void selects(void)
{
    int fds[2], empty[2];
    fd_set in, out, more;
    struct timeval zero = { 0, 0 };
    struct timespec no_time = { 0, 0 };

    SHOW(pipe(fds));
    SHOW(pipe(empty));
    SHOW(write(fds[1], "x", 1));
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&more);
    FD_SET(fds[0], &in);
    FD_SET(empty[0], &in);
    FD_SET(fds[1], &out);
    FD_SET(fds[0], &more);
    SHOW(select(fds[1] + 10, &in, &out, &more, &zero));
    SHOW(FD_ISSET(fds[0], &in) != 0);
    SHOW(FD_ISSET(empty[0], &in) != 0);
    SHOW(FD_ISSET(fds[1], &out) != 0);
    SHOW(FD_ISSET(fds[0], &more) != 0);
    FD_ZERO(&in);
    FD_SET(empty[0], &in);
    SHOW(pselect(empty[0] + 1, &in, NULL, NULL, &no_time, NULL));
    SHOW(FD_ISSET(empty[0], &in) != 0);
    FD_SET(empty[0], &in);
    SHOW(select(empty[0], &in, NULL, NULL, &zero));
    SHOW(close(empty[1]));
    FD_SET(empty[0], &in);
    SHOW(select(empty[0] + 1, &in, NULL, NULL, NULL));
    SHOW(FD_ISSET(empty[0], &in) != 0);
    SHOW(close(fds[0]));
    FD_ZERO(&out);
    FD_SET(fds[1], &out);
    SHOW(select(fds[1] + 1, NULL, &out, NULL, NULL));
    SHOW(FD_ISSET(fds[1], &out) != 0);
    FD_ZERO(&in);
    FD_SET(50, &in);                    /* Linux leaves out what is above its table, of 64 at least */
    SHOW(select(51, &in, NULL, NULL, &zero));
    SHOW(select(-1, NULL, NULL, NULL, &zero));
    SHOW(select(0, NULL, NULL, NULL, &(struct timeval){ -1, 0 }));
    SHOW(select(0, NULL, NULL, NULL, &(struct timeval){ 0, 1000 }));
    SHOW(pselect(0, NULL, NULL, NULL, &(struct timespec){ 0, 1000000000 }, NULL));
    SHOW(pselect(0, NULL, NULL, NULL, &(struct timespec){ 0, 1000 }, NULL));
    SHOW(close(fds[1]));
    SHOW(close(empty[0]));
}

static void topic(void)
{
    int fd, event, timer, fds[2];
    struct timespec ts = { 0, 0 };
    struct itimerspec in_1_ms = { .it_value = { 0, 1000000 } };
    struct pollfd many[300];
    pthread_t thread;

    signal(SIGPIPE, SIG_IGN);
    put_file("file", "text");
    printf("open = %s\n", FD(fd, open("file", O_RDWR)));
    show("a file", fd, ALL);
    show("a file, no events", fd, 0);
    show("no fd", 99, ALL);
    show("a negative fd", -5, ALL);
    SHOW(close(fd));
    printf("open of a directory = %s\n", FD(fd, open(".", O_RDONLY)));
    show("a directory", fd, ALL);
    SHOW(close(fd));
    sockets();
    selects();

    SHOW(poll(NULL, 0, 0));
    SHOW(poll(NULL, 0, 1));
    SHOW(ppoll(NULL, 0, &ts, NULL));
    ts.tv_nsec = 1000000000;
    SHOW(ppoll(NULL, 0, &ts, NULL));
    ts.tv_nsec = 1000;
    SHOW(ppoll(NULL, 0, &ts, NULL));

    /* All kinds together. */
    printf("eventfd = %s\n", FD(event, eventfd(0, 0)));
    printf("timerfd = %s\n", FD(timer, timerfd_create(CLOCK_MONOTONIC, 0)));
    SHOW(pipe(fds));
    for (int i = 0; i < 300; i++) {
        many[i] = (struct pollfd){ .fd = i % 3 == 0 ? event : i % 3 == 1 ? timer : fds[0], .events = POLLIN };
    }
    SHOW(poll(many, 300, 0));
    SHOW(poll(many, 300, 1));
    /* The one who writes may do so while the descriptors are looked at: then only some of them are
       ready. */
    pthread_create(&thread, NULL, writes_later, &event);
    SHOW(poll(many, 300, -1) > 0);
    SHOW(poll(many, 300, 0));
    SHOW(many[0].revents);
    SHOW(many[1].revents);
    SHOW(many[2].revents);
    pthread_join(thread, NULL);
    SHOW(read(event, (char[8]){ 0 }, 8));
    pthread_create(&thread, NULL, writes_later, &fds[1]);
    SHOW(poll(many, 300, -1) > 0);
    SHOW(poll(many, 300, 0));
    SHOW(many[299].revents);
    pthread_join(thread, NULL);
    SHOW(read(fds[0], (char[8]){ 0 }, 8));
    SHOW(timerfd_settime(timer, 0, &in_1_ms, NULL));
    /* One of them, because it expires while the others are looked at. */
    for (int i = 4; i < 300; i += 3) {
        many[i].fd = -1;
    }
    SHOW(poll(many, 300, -1));
    SHOW(many[1].revents);
    {
        fd_set set;
        FD_ZERO(&set);
        FD_SET(timer, &set);
        FD_SET(event, &set);
        SHOW(select(timer + 1, &set, NULL, NULL, NULL));
        SHOW(FD_ISSET(timer, &set) != 0);
    }
}
