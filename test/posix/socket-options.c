/* SPDX-License-Identifier: MIT */
/* Sockets in detail: options and what they read back, time-outs, flags of send() and recv(), messages of several pieces, halves that are shut down. */
#include "topic.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

static const char *number(int fd, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof(value);

    return R(getsockopt(fd, level, name, &value, &length) < 0 ? -1 : value);
}

static const char *set(int fd, int level, int name, int value)
{
    return R(setsockopt(fd, level, name, &value, sizeof(value)));
}

static const char *set_time(int fd, int name, long seconds, long us)
{
    struct timeval time = { seconds, us };

    return R(setsockopt(fd, SOL_SOCKET, name, &time, sizeof(time)));
}

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

static void options(const char *kind, int fd)
{
    struct timeval time;
    struct linger linger = { 1, 5 };
    socklen_t length;
    char byte = 77;

    printf("%s\n", kind);
    printf("SO_SNDBUF 10000 = %s", set(fd, SOL_SOCKET, SO_SNDBUF, 10000));
    printf(", %s\n", number(fd, SOL_SOCKET, SO_SNDBUF));
    printf("SO_RCVBUF 10000 = %s", set(fd, SOL_SOCKET, SO_RCVBUF, 10000));
    printf(", %s\n", number(fd, SOL_SOCKET, SO_RCVBUF));
    printf("SO_SNDBUF 1 = %s", set(fd, SOL_SOCKET, SO_SNDBUF, 1));
    printf(", %s\n", number(fd, SOL_SOCKET, SO_SNDBUF));
    printf("SO_RCVBUF 1 = %s", set(fd, SOL_SOCKET, SO_RCVBUF, 1));
    printf(", %s\n", number(fd, SOL_SOCKET, SO_RCVBUF));
    set(fd, SOL_SOCKET, SO_SNDBUF, 100000);
    set(fd, SOL_SOCKET, SO_RCVBUF, 100000);
    printf("SO_REUSEADDR = %s", set(fd, SOL_SOCKET, SO_REUSEADDR, 5));
    printf(", %s\n", number(fd, SOL_SOCKET, SO_REUSEADDR));
    printf("SO_KEEPALIVE = %s", set(fd, SOL_SOCKET, SO_KEEPALIVE, 1));
    printf(", %s\n", number(fd, SOL_SOCKET, SO_KEEPALIVE));
    printf("SO_PRIORITY = %s", set(fd, SOL_SOCKET, SO_PRIORITY, 3));
    printf(", %s\n", number(fd, SOL_SOCKET, SO_PRIORITY));
    printf("SO_ERROR = %s", set(fd, SOL_SOCKET, SO_ERROR, 3));
    printf(", %s\n", number(fd, SOL_SOCKET, SO_ERROR));
    printf("SO_TYPE = %s\n", set(fd, SOL_SOCKET, SO_TYPE, 3));
    printf("an option that there is not = %s\n", number(fd, SOL_SOCKET, 9999));
    printf("a value that is too short = %s\n", R(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &byte, 1)));

    length = sizeof(linger);
    SHOW(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    linger = (struct linger){ 0 };
    SHOW(getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length));
    printf("SO_LINGER = %d %d of %u\n", linger.l_onoff, linger.l_linger, (unsigned)length);
    SHOW(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, 4));
    linger = (struct linger){ 0 };
    SHOW(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));

    for (int i = 0; i < 2; i++) {
        int name = i ? SO_SNDTIMEO : SO_RCVTIMEO;

        printf("%s\n", i ? "SO_SNDTIMEO" : "SO_RCVTIMEO");
        time = (struct timeval){ 77, 77 };
        length = sizeof(time);
        SHOW(getsockopt(fd, SOL_SOCKET, name, &time, &length));
        printf("at first = %ld %ld\n", (long)time.tv_sec, (long)time.tv_usec);
        printf("set = %s", set_time(fd, name, 3, 500000));
        getsockopt(fd, SOL_SOCKET, name, &time, &length);
        printf(", %ld %ld of %d\n", (long)time.tv_sec, (long)time.tv_usec, length == sizeof(time));
        printf("too many microseconds = %s\n", set_time(fd, name, 3, 1000000));
        printf("negative microseconds = %s\n", set_time(fd, name, 3, -1));
        printf("too short = %s\n", R(setsockopt(fd, SOL_SOCKET, name, &time, 4)));
        getsockopt(fd, SOL_SOCKET, name, &time, &length);
        printf("still = %ld %ld\n", (long)time.tv_sec, (long)time.tv_usec);
        printf("none = %s", set_time(fd, name, 0, 0));
        getsockopt(fd, SOL_SOCKET, name, &time, &length);
        printf(", %ld %ld\n", (long)time.tv_sec, (long)time.tv_usec);
    }
}

static void tcp_options(int fd)
{
    printf("TCP_KEEPIDLE = %s", set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60));
    printf(", %s\n", number(fd, IPPROTO_TCP, TCP_KEEPIDLE));
    printf("TCP_KEEPIDLE 0 = %s\n", set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 0));
    printf("TCP_KEEPINTVL = %s", set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10));
    printf(", %s\n", number(fd, IPPROTO_TCP, TCP_KEEPINTVL));
    printf("TCP_KEEPCNT = %s", set(fd, IPPROTO_TCP, TCP_KEEPCNT, 4));
    printf(", %s\n", number(fd, IPPROTO_TCP, TCP_KEEPCNT));
    printf("TCP_NODELAY = %s", set(fd, IPPROTO_TCP, TCP_NODELAY, 1));
    printf(", %s\n", number(fd, IPPROTO_TCP, TCP_NODELAY));
    printf("TCP_USER_TIMEOUT = %s", set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000));
    printf(", %s\n", number(fd, IPPROTO_TCP, TCP_USER_TIMEOUT));
    printf("IP_TOS = %s", set(fd, IPPROTO_IP, IP_TOS, 16));
    printf(", %s\n", number(fd, IPPROTO_IP, IP_TOS));
}

/* Calls that wait for what does not come end by themselves, and not too early. */
static void timeouts(int fd, int peer)
{
    struct timespec before, after;
    static char much[1000000];
    char text[8];
    ssize_t put;

    SHOW(set_time(fd, SO_RCVTIMEO, 0, 30000)[0] == '0');
    clock_gettime(CLOCK_MONOTONIC, &before);
    SHOW(recv(fd, text, 1, 0));
    clock_gettime(CLOCK_MONOTONIC, &after);
    SHOW((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= 29);
    SHOW(read(fd, text, 1));
    SHOW(send(peer, "abc", 3, 0));
    SHOW(recv(fd, text, 8, MSG_WAITALL));
    SHOW(recv(fd, text, 8, MSG_PEEK));
    SHOW(set_time(peer, SO_SNDTIMEO, 0, 30000)[0] == '0');
    while ((put = send(peer, much, sizeof(much), MSG_NOSIGNAL)) == (ssize_t)sizeof(much)) {
    }
    SHOW(put > 0 || errno == EAGAIN);
    while ((put = write(peer, much, sizeof(much))) > 0) {
    }
    printf("write = %s\n", result(put));
    set_time(fd, SO_RCVTIMEO, 0, 0);
    set_time(peer, SO_SNDTIMEO, 0, 0);
    SHOW(shutdown(peer, SHUT_WR));
    while (read(fd, much, sizeof(much)) > 0) {
    }
    SHOW(read(fd, text, 1));
}

static void messages(int fd, int peer)
{
    char a[4] = "", b[8] = "", control[64];
    struct sockaddr_un name;
    struct iovec out[3] = { { "one", 3 }, { "", 0 }, { "two!", 4 } }, in[3] = { { a, 2 }, { NULL, 0 }, { b, 7 } };
    struct msghdr to = { .msg_iov = out, .msg_iovlen = 3 };
    struct msghdr from = { .msg_iov = in, .msg_iovlen = 3, .msg_name = &name, .msg_namelen = sizeof(name), .msg_control = control, .msg_controllen = sizeof(control), .msg_flags = -1 };
    socklen_t length = sizeof(name);

    SHOW(sendmsg(peer, &to, MSG_NOSIGNAL));
    SHOW(recvmsg(fd, &from, MSG_PEEK));
    printf("peeked at = %.2s %.5s\n", a, b);
    SHOW(recvmsg(fd, &from, 0));
    printf("received = %.2s %.5s\n", a, b);
    printf("name of %d, control of %d, flags %d\n", (int)from.msg_namelen, (int)from.msg_controllen, from.msg_flags);
    SHOW(recvmsg(fd, &from, MSG_DONTWAIT));
    from.msg_iovlen = 0;
    SHOW(recvmsg(fd, &from, MSG_DONTWAIT));
    to.msg_iovlen = 0;
    SHOW(sendmsg(peer, &to, 0));
    SHOW(sendto(peer, "xyz", 3, 0, NULL, 0));
    SHOW(recvfrom(fd, a, 2, MSG_PEEK, (struct sockaddr *)&name, &length));
    SHOW(recvfrom(fd, a, 1, MSG_PEEK, NULL, NULL));
    SHOW(recvfrom(fd, b, 8, 0, NULL, NULL));
    printf("%.3s\n", b);
    SHOW(send(peer, "", 0, 0));
    SHOW(recv(fd, a, 0, MSG_DONTWAIT));
    SHOW(send(peer, "1", 1, MSG_DONTWAIT));
    SHOW(send(peer, "2", 1, MSG_MORE));
    SHOW(recv(fd, b, 2, MSG_WAITALL));
}

static void halves(const char *kind, int fd, int peer)
{
    char text[8];

    printf("%s\n", kind);
    SHOW(send(peer, "in", 2, 0));
    SHOW(recv(fd, text, 2, MSG_WAITALL | MSG_PEEK));
    SHOW(shutdown(fd, SHUT_WR));
    SHOW(shutdown(fd, SHUT_WR));
    SHOW(send(fd, "x", 1, MSG_NOSIGNAL));
    SHOW(recv(peer, text, 1, 0));
    SHOW(recv(fd, text, 8, 0));
    SHOW(send(peer, "y", 1, MSG_NOSIGNAL));
    SHOW(recv(fd, text, 8, 0));
    SHOW(shutdown(peer, SHUT_WR));
    SHOW(recv(fd, text, 8, 0));
    SHOW(close(fd));
    SHOW(close(peer));
}

static void interfaces(void)
{
    struct ifaddrs *all, *one;
    char name[IF_NAMESIZE] = "";
    bool found = false;

    SHOW(if_nametoindex("lo"));
    SHOW(if_nametoindex("there is none"));
    printf("if_indextoname = %s\n", if_indextoname(1, name) ? name : errno_name(errno));
    printf("if_indextoname of none = %s\n", if_indextoname(9999, name) ? name : errno_name(errno));
    SHOW(getifaddrs(&all));
    for (one = all; one; one = one->ifa_next) {
        if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET && strcmp(one->ifa_name, "lo") == 0) {
            found = ((struct sockaddr_in *)one->ifa_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
            printf("flags of lo = %d\n", (one->ifa_flags & (IFF_UP | IFF_LOOPBACK)) == (IFF_UP | IFF_LOOPBACK));
            printf("mask of lo = %x\n", (unsigned)ntohl(((struct sockaddr_in *)one->ifa_netmask)->sin_addr.s_addr));
        }
    }
    SHOW(found);
    freeifaddrs(all);
}

static void names(void)
{
    static const char *const hosts[] = { "127.0.0.1", "127.1", "0x7f.1", "2130706433", "::1", "256.1.1.1.1" };
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST }, *found;
    char host[64], service[16];

    for (unsigned i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        int error = getaddrinfo(hosts[i], "80", &hints, &found);

        if (error) {
            printf("getaddrinfo %s = %s\n", hosts[i], error == EAI_NONAME ? "NONAME" : "another error");
            continue;
        }
        error = getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof(host), service, sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV);
        printf("getaddrinfo %s = %d: %s %s, %s\n", hosts[i], error, host, service, found->ai_next ? "more" : "the only one");
        SHOW(getnameinfo(found->ai_addr, found->ai_addrlen, host, 3, NULL, 0, NI_NUMERICHOST) == EAI_OVERFLOW);
        SHOW(getnameinfo(found->ai_addr, 3, host, sizeof(host), NULL, 0, NI_NUMERICHOST) == EAI_FAMILY);
        freeaddrinfo(found);
    }
    hints.ai_family = AF_INET6;
    SHOW(getaddrinfo("127.0.0.1", NULL, &hints, &found) != 0);
    hints.ai_family = 77;
    SHOW(getaddrinfo("127.0.0.1", NULL, &hints, &found) == EAI_FAMILY);
}

static void topic(void)
{
    int fds[2], server = socket(AF_INET, SOCK_STREAM, 0), client, accepted;
    struct sockaddr_in name = loopback(0), own;
    socklen_t length = sizeof(name);
    struct pollfd wait = { .events = POLLOUT };

    signal(SIGPIPE, SIG_IGN);
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    options("AF_UNIX", fds[0]);
    messages(fds[0], fds[1]);
    timeouts(fds[0], fds[1]);
    SHOW(close(fds[0]));
    SHOW(close(fds[1]));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    halves("shut down, AF_UNIX", fds[0], fds[1]);

    options("TCP", server);
    tcp_options(server);
    SHOW(bind(server, (struct sockaddr *)&name, sizeof(name)));
    SHOW(listen(server, 5));
    SHOW(getsockname(server, (struct sockaddr *)&name, &length));
    printf("SO_RCVTIMEO = %s\n", set_time(server, SO_RCVTIMEO, 0, 20000));
    SHOW(accept(server, NULL, NULL));
    set_time(server, SO_RCVTIMEO, 0, 0);

    /* The port of a connection that is being made. */
    client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SHOW(connect(client, (struct sockaddr *)&name, sizeof(name)));
    length = sizeof(own);
    SHOW(getsockname(client, (struct sockaddr *)&own, &length));
    SHOW(own.sin_port != 0);
    SHOW(own.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    wait.fd = client;
    SHOW(poll(&wait, 1, -1));
    SHOW(fcntl(client, F_SETFL, 0));
    printf("accept = %s\n", FD(accepted, accept(server, NULL, NULL)));
    printf("what it has of the listener = %s", number(accepted, IPPROTO_TCP, TCP_KEEPIDLE));
    printf(" %s\n", number(accepted, SOL_SOCKET, SO_KEEPALIVE));
    messages(client, accepted);
    halves("shut down, TCP", client, accepted);
    SHOW(close(server));
    interfaces();
    names();
}
