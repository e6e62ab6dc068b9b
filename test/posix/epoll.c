/* SPDX-License-Identifier: MIT */
/* epoll: level and edge, ONESHOT, EXCLUSIVE, RDHUP, sets in sets, closing, errors, several threads. */
#include "topic.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>

static int set;

static const char *events_text(uint32_t events)
{
    static char texts[8][96];
    static unsigned next;
    char *text = texts[next++ % 8];

    snprintf(text, sizeof(texts[0]), "%s%s%s%s%s%s%s", events & EPOLLIN ? " in" : "", events & EPOLLOUT ? " out" : "",
             events & EPOLLRDNORM ? " rdnorm" : "", events & EPOLLWRNORM ? " wrnorm" : "",
             events & EPOLLRDHUP ? " rdhup" : "", events & EPOLLHUP ? " hup" : "", events & EPOLLERR ? " err" : "");
    return text;
}

static int by_data(const void *a, const void *b)
{
    uint64_t x = ((const struct epoll_event *)a)->data.u64, y = ((const struct epoll_event *)b)->data.u64;

    return x < y ? -1 : x > y;
}

/* Prints what is reported now, in the order of data. */
static void show_set(const char *what, int of, int timeout)
{
    struct epoll_event events[16];
    int n;

    errno = 0;
    n = epoll_wait(of, events, 16, timeout);
    printf("%s = %s", what, result(n));
    if (n > 0) {
        qsort(events, (size_t)n, sizeof(events[0]), by_data);
    }
    for (int i = 0; i < n; i++) {
        printf(", %llu:%s", (unsigned long long)events[i].data.u64, events_text(events[i].events));
    }
    printf("\n");
}

static void show(const char *what)
{
    show_set(what, set, 0);
}

static const char *control(int of, int op, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = { .events = events, .data.u64 = data };

    return R(epoll_ctl(of, op, fd, &event));
}

static const char *add(int fd, uint32_t events, uint64_t data)
{
    return control(set, EPOLL_CTL_ADD, fd, events, data);
}

static const char *modify(int fd, uint32_t events, uint64_t data)
{
    return control(set, EPOLL_CTL_MOD, fd, events, data);
}

static const char *put(int fd, const char *text)
{
    return R(write(fd, text, strlen(text)));
}

static const char *take(int fd, size_t most)
{
    char text[64];

    return R(read(fd, text, most));
}

static void levels(void)
{
    int fds[2];

    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    printf("add = %s\n", add(fds[0], EPOLLIN, 7));
    printf("add again = %s\n", add(fds[0], EPOLLIN, 7));
    show("nothing");
    printf("put = %s\n", put(fds[1], "abc"));
    show("data");
    show("data, still");
    printf("take = %s\n", take(fds[0], 1));
    show("data, some of it left");
    printf("take = %s\n", take(fds[0], 10));
    show("nothing left");
    printf("modify = %s\n", modify(fds[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP, 8));
    show("room");
    printf("modify to both names = %s\n", modify(fds[0], EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM, 8));
    show("both names");
    printf("modify to none = %s\n", modify(fds[0], 0, 9));
    printf("put = %s\n", put(fds[1], "d"));
    show("no events asked for");
    printf("modify = %s\n", modify(fds[0], EPOLLIN | EPOLLRDHUP, 10));
    SHOW(shutdown(fds[1], SHUT_WR));
    show("data and the end");
    printf("take = %s\n", take(fds[0], 10));
    show("the end");
    SHOW(close(fds[1]));
    show("the other side is closed");
    SHOW(epoll_ctl(set, EPOLL_CTL_DEL, fds[0], NULL));
    SHOW(epoll_ctl(set, EPOLL_CTL_DEL, fds[0], NULL));
    show("deleted");
    printf("modify a deleted one = %s\n", modify(fds[0], EPOLLIN, 1));
    SHOW(close(fds[0]));
}

static void edges(void)
{
    int fds[2], counter;

    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    printf("put before = %s\n", put(fds[1], "abc"));
    printf("add = %s\n", add(fds[0], EPOLLIN | EPOLLET, 1));
    show("edge: was there before");
    show("edge: once");
    printf("take = %s\n", take(fds[0], 1));
    show("edge: some left");
    printf("put = %s\n", put(fds[1], "d"));
    show("edge: more came");
    show("edge: once");
    printf("take = %s\n", take(fds[0], 10));
    show("edge: all taken");
    printf("put = %s\n", put(fds[1], "e"));
    printf("put = %s\n", put(fds[1], "f"));
    show("edge: came twice, seen once");
    printf("modify = %s\n", modify(fds[0], EPOLLIN | EPOLLET, 2));
    show("edge: modifying looks again");
    show("edge: once");
    printf("put the other way = %s\n", put(fds[0], "h"));
    printf("taken by the other side = %s\n", take(fds[1], 1));
    show("edge: room is no edge of data");
    printf("modify = %s\n", modify(fds[0], EPOLLOUT | EPOLLIN | EPOLLET, 3));
    show("edge: both");
    show("edge: once");
    printf("put = %s\n", put(fds[1], "g"));
    show("edge: data came, both are told");
    SHOW(shutdown(fds[1], SHUT_WR));
    show("edge: the end");
    show("edge: once");
    SHOW(close(fds[1]));
    show("edge: closed");
    show("edge: once");
    SHOW(close(fds[0]));

    printf("eventfd = %s\n", FD(counter, eventfd(0, EFD_NONBLOCK)));
    printf("add = %s\n", add(counter, EPOLLIN | EPOLLET, 4));
    show("edge: counter at 0");
    SHOW(eventfd_write(counter, 1));
    show("edge: counter set");
    show("edge: once");
    SHOW(eventfd_write(counter, 1));
    show("edge: set again");
    SHOW(close(counter));
    show("closed");
}

static void oneshots(void)
{
    int fds[2];

    SHOW(pipe(fds));
    printf("add = %s\n", add(fds[0], EPOLLIN | EPOLLONESHOT, 1));
    show("oneshot: nothing");
    printf("put = %s\n", put(fds[1], "ab"));
    show("oneshot: data");
    show("oneshot: once");
    printf("put = %s\n", put(fds[1], "c"));
    show("oneshot: more data");
    printf("modify = %s\n", modify(fds[0], EPOLLIN | EPOLLONESHOT, 2));
    show("oneshot: again");
    show("oneshot: once");
    SHOW(close(fds[1]));
    show("oneshot: the end is not reported either");
    printf("modify = %s\n", modify(fds[0], EPOLLIN, 3));
    show("level again");
    show("level again");
    SHOW(close(fds[0]));
    show("closed");
}

static void pipes(void)
{
    int fds[2];

    SHOW(pipe(fds));
    printf("add the reader = %s\n", add(fds[0], EPOLLIN | EPOLLRDHUP, 1));
    printf("add the writer = %s\n", add(fds[1], EPOLLOUT, 2));
    show("the writer");
    printf("put = %s\n", put(fds[1], "x"));
    show("both");
    SHOW(close(fds[1]));
    show("data, no writer");
    printf("take = %s\n", take(fds[0], 9));
    show("no writer");
    SHOW(close(fds[0]));
    SHOW(pipe(fds));
    printf("add the writer, no events = %s\n", add(fds[1], 0, 3));
    SHOW(close(fds[0]));
    show("no reader");
    SHOW(close(fds[1]));
}

static void nested(void)
{
    int inner, outer, third, counter, chain[7];
    struct pollfd p;

    printf("inner = %s\n", FD(inner, epoll_create1(0)));
    printf("outer = %s\n", FD(outer, epoll_create1(EPOLL_CLOEXEC)));
    SHOW(fcntl(outer, F_GETFD));
    printf("eventfd = %s\n", FD(counter, eventfd(0, EFD_NONBLOCK)));
    printf("the counter into inner = %s\n", control(inner, EPOLL_CTL_ADD, counter, EPOLLIN, 1));
    printf("inner into outer = %s\n", control(outer, EPOLL_CTL_ADD, inner, EPOLLIN, 2));
    show_set("outer, nothing", outer, 0);
    p = (struct pollfd){ .fd = outer, .events = POLLIN | POLLOUT };
    SHOW(poll(&p, 1, 0));
    SHOW(eventfd_write(counter, 1));
    SHOW(poll(&p, 1, 0));
    SHOW(p.revents);
    show_set("outer", outer, 0);
    show_set("inner", inner, 0);
    show_set("outer, still", outer, 0);
    SHOW(read(counter, &(uint64_t){ 0 }, 8));
    show_set("outer, the counter is 0", outer, 0);
    SHOW(poll(&p, 1, 0));
    printf("outer into inner = %s\n", control(inner, EPOLL_CTL_ADD, outer, EPOLLIN, 3));
    printf("inner into itself = %s\n", control(inner, EPOLL_CTL_ADD, inner, EPOLLIN, 3));
    printf("inner into outer, edges = %s\n", control(outer, EPOLL_CTL_MOD, inner, EPOLLIN | EPOLLET, 4));
    show_set("outer, nothing", outer, 0);
    SHOW(eventfd_write(counter, 1));
    show_set("outer, an edge", outer, 0);
    show_set("outer, once", outer, 0);
    SHOW(close(inner));
    show_set("outer, inner is closed", outer, 0);
    SHOW(close(outer));

    for (int i = 0; i < 7; i++) {
        chain[i] = epoll_create1(0);
    }
    printf("third = %s\n", FD(third, eventfd(1, 0)));
    for (int i = 0; i < 5; i++) {
        printf("chain %d = %s\n", i, control(chain[i + 1], EPOLL_CTL_ADD, chain[i], EPOLLIN, (uint64_t)i));
    }
    SHOW(close(third));
    SHOW(close(counter));
    for (int i = 0; i < 7; i++) {
        close(chain[i]);
    }
}

static void closing(void)
{
    int fds[2], copy, other;

    SHOW(pipe(fds));
    printf("add = %s\n", add(fds[0], EPOLLIN, 1));
    printf("put = %s\n", put(fds[1], "x"));
    SHOW(close(fds[0]));
    show("closed: gone");
    SHOW(close(fds[1]));

    SHOW(pipe(fds));
    printf("add = %s\n", add(fds[0], EPOLLIN, 2));
    copy = fcntl(fds[0], F_DUPFD, 40);
    printf("put = %s\n", put(fds[1], "x"));
    SHOW(close(fds[0]));
    show("closed, but a copy is open: still reported");
    printf("modify by the number = %s\n", modify(fds[0], EPOLLIN, 3));
    printf("take = %s\n", take(copy, 9));
    show("taken by the copy");
    printf("put = %s\n", put(fds[1], "y"));
    show("more data");
    SHOW(close(copy));
    show("the copy is closed");
    SHOW(close(fds[1]));

    SHOW(pipe(fds));
    copy = fcntl(fds[0], F_DUPFD, 40);
    printf("add = %s\n", add(fds[0], EPOLLIN, 4));
    printf("add the copy = %s\n", add(copy, EPOLLIN, 5));
    printf("put = %s\n", put(fds[1], "x"));
    show("both numbers");
    SHOW(dup2(1, fds[0]) == fds[0]);
    SHOW(epoll_ctl(set, EPOLL_CTL_DEL, copy, NULL));
    close(fds[0]);
    close(fds[1]);
    close(copy);

    printf("eventfd = %s\n", FD(other, eventfd(1, 0)));
    printf("add = %s\n", add(other, EPOLLIN, 6));
    show("a counter in the place of a closed one");
    SHOW(close(other));
    show("nothing");
}

static void errors(void)
{
    struct epoll_event event = { .events = EPOLLIN };
    int fd, fds[2], counter;

    SHOW(epoll_create(0));
    SHOW(epoll_create1(77));
    put_file("file", "x");
    fd = open("file", O_RDWR);
    counter = eventfd(0, 0);
    printf("a file = %s\n", add(fd, EPOLLIN, 1));
    SHOW(close(fd));
    fd = open(".", O_RDONLY);
    printf("a directory = %s\n", add(fd, EPOLLIN, 1));
    SHOW(close(fd));
    SHOW(pipe(fds));
    SHOW(epoll_ctl(set, EPOLL_CTL_ADD, 99, &event));
    SHOW(epoll_ctl(99, EPOLL_CTL_ADD, fds[0], &event));
    SHOW(epoll_ctl(fds[0], EPOLL_CTL_ADD, fds[1], &event));
    SHOW(epoll_ctl(counter, EPOLL_CTL_ADD, fds[1], &event));
    SHOW(epoll_ctl(set, 9, fds[0], &event));
    SHOW(epoll_ctl(set, EPOLL_CTL_ADD, fds[0], NULL));
    SHOW(epoll_ctl(set, EPOLL_CTL_MOD, fds[0], &event));
    SHOW(epoll_ctl(set, EPOLL_CTL_DEL, fds[0], &event));
    SHOW(epoll_wait(99, &event, 1, 0));
    SHOW(epoll_wait(fds[0], &event, 1, 0));
    SHOW(epoll_wait(set, &event, 0, 0));
    SHOW(epoll_pwait(set, &event, 1, 0, NULL));
    SHOW(read(set, &event, 8));
    SHOW(write(set, &event, 8));
    printf("exclusive = %s\n", add(fds[0], EPOLLIN | EPOLLEXCLUSIVE, 1));
    printf("modify an exclusive one = %s\n", modify(fds[0], EPOLLIN, 1));
    printf("modify to exclusive = %s\n", modify(fds[0], EPOLLIN | EPOLLEXCLUSIVE, 1));
    printf("exclusive and oneshot = %s\n", add(fds[1], EPOLLOUT | EPOLLEXCLUSIVE | EPOLLONESHOT, 1));
    printf("put = %s\n", put(fds[1], "x"));
    show("exclusive");
    SHOW(epoll_ctl(set, EPOLL_CTL_DEL, fds[0], NULL));
    close(fds[0]);
    close(fds[1]);
    close(counter);
}

/* ---- Waiting ---- */

static int counter_fd;

static void *sets_counter(void *arg)
{
    struct timespec nap = { 0, 3000000 };

    nanosleep(&nap, NULL);
    eventfd_write(counter_fd, 1);
    return arg;
}

static void *adds_ready_one(void *arg)
{
    struct timespec nap = { 0, 3000000 };

    nanosleep(&nap, NULL);
    add(*(int *)arg, EPOLLIN, 11);
    return NULL;
}

static void *takes_events(void *arg)
{
    long *taken = arg;
    struct epoll_event event;
    uint64_t value;

    for (;;) {
        if (epoll_wait(set, &event, 1, -1) != 1) {
            printf("epoll_wait failed\n");
            return NULL;
        }
        if (read(counter_fd, &value, sizeof(value)) == sizeof(value)) {
            /* The last value is for all threads, so it is put back. */
            if (value >= 1000000) {
                eventfd_write(counter_fd, value);
                return NULL;
            }
            *taken += (long)value;
        }
    }
}

static void waiting(void)
{
    struct itimerspec in_1_ms = { .it_value = { 0, 1000000 } };
    pthread_t thread, threads[4];
    long taken[4] = { 0 };
    int timer, ready_one, inner;

    counter_fd = eventfd(0, EFD_NONBLOCK);
    printf("add = %s\n", add(counter_fd, EPOLLIN, 10));
    pthread_create(&thread, NULL, sets_counter, NULL);
    show_set("waited", set, -1);
    pthread_join(thread, NULL);
    SHOW(read(counter_fd, &(uint64_t){ 0 }, 8));
    show_set("until the time was over", set, 2);

    ready_one = eventfd(1, 0);
    pthread_create(&thread, NULL, adds_ready_one, &ready_one);
    show_set("what was added meanwhile", set, -1);
    pthread_join(thread, NULL);
    SHOW(close(ready_one));

    printf("timerfd = %s\n", FD(timer, timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)));
    printf("add = %s\n", add(timer, EPOLLIN, 12));
    SHOW(timerfd_settime(timer, 0, &in_1_ms, NULL));
    show_set("a timer", set, -1);
    SHOW(read(timer, &(uint64_t){ 0 }, 8));
    printf("edges = %s\n", modify(timer, EPOLLIN | EPOLLET, 13));
    show("nothing");
    SHOW(timerfd_settime(timer, 0, &in_1_ms, NULL));
    show_set("a timer, edges", set, -1);
    show("once");
    inner = epoll_create1(0);
    printf("the timer in a set in the set = %s\n", control(inner, EPOLL_CTL_ADD, timer, EPOLLIN, 1));
    SHOW(epoll_ctl(set, EPOLL_CTL_DEL, timer, NULL));
    printf("add = %s\n", add(inner, EPOLLIN, 14));
    SHOW(timerfd_settime(timer, 0, &in_1_ms, NULL));
    show_set("a timer in a set in the set", set, -1);
    SHOW(close(timer));
    SHOW(close(inner));

    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, takes_events, &taken[i]);
    }
    for (int i = 0; i < 2000; i++) {
        eventfd_write(counter_fd, 1);
    }
    eventfd_write(counter_fd, 1000000);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    {
        uint64_t left;
        SHOW(read(counter_fd, &left, 8));
        SHOW(left - 1000000 + (uint64_t)(taken[0] + taken[1] + taken[2] + taken[3]));
    }
    SHOW(close(counter_fd));
}

static void topic(void)
{
    int copy;

    signal(SIGPIPE, SIG_IGN);
    printf("epoll_create1 = %s\n", FD(set, epoll_create1(0)));
    show("empty");
    levels();
    edges();
    oneshots();
    pipes();
    nested();
    closing();
    errors();
    waiting();
    copy = dup(set);
    SHOW(close(set));
    show_set("by a copy", copy, 0);
    SHOW(close(copy));
    show_set("closed", copy, 0);
}
