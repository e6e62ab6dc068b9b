/* SPDX-License-Identifier: MIT */
/* Stream sockets of AF_UNIX (names in a directory and others) and TCP on the loopback: both sides in one program. */
#include "topic.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { ALL = POLLIN | POLLOUT | POLLRDHUP };

static const char *events_text(int fd)
{
    static char texts[4][64];
    static unsigned next;
    char *text = texts[next++ % 4];
    struct pollfd p = { .fd = fd, .events = ALL };
    int n = poll(&p, 1, 0);

    snprintf(text, sizeof(texts[0]), "%d:%s%s%s%s%s", n, p.revents & POLLIN ? " in" : "", p.revents & POLLOUT ? " out" : "",
             p.revents & POLLRDHUP ? " rdhup" : "", p.revents & POLLHUP ? " hup" : "", p.revents & POLLERR ? " err" : "");
    return text;
}

static int wait_for(int fd, short events)
{
    struct pollfd p = { .fd = fd, .events = events };

    return poll(&p, 1, -1);
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof(value);

    return getsockopt(fd, level, name, &value, &length) < 0 ? -errno : value;
}

/* ---- AF_UNIX ---- */

static struct sockaddr_un name_of(const char *path)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };

    memcpy(name.sun_path, path, strlen(path));
    return name;
}

static const char *bind_to(int fd, const char *path)
{
    struct sockaddr_un name = name_of(path);

    return R(bind(fd, (struct sockaddr *)&name, sizeof(name)));
}

static const char *connect_to(int fd, const char *path)
{
    struct sockaddr_un name = name_of(path);

    return R(connect(fd, (struct sockaddr *)&name, sizeof(name)));
}

static int unix_socket(int flags)
{
    return socket(AF_UNIX, SOCK_STREAM | flags, 0);
}

static void *connects(void *arg)
{
    int fd = unix_socket(0);
    char text[8] = "";

    printf("connect in a thread = %s\n", connect_to(fd, arg));
    if (read(fd, text, sizeof(text)) != 5) {
        printf("not 5 bytes\n");
    }
    if (write(fd, text, 5) != 5) {
        printf("not written\n");
    }
    close(fd);
    return NULL;
}

static void names(void)
{
    int server = unix_socket(0), other = unix_socket(0), client = unix_socket(0), accepted;
    struct sockaddr_un name;
    socklen_t length = sizeof(name);
    char text[64];
    int n;

    printf("a fresh socket = %s\n", events_text(server));
    SHOW(option(server, SOL_SOCKET, SO_TYPE) == SOCK_STREAM);
    SHOW(option(server, SOL_SOCKET, SO_DOMAIN));
    SHOW(option(server, SOL_SOCKET, SO_ACCEPTCONN));
    SHOW(getsockname(server, (struct sockaddr *)&name, &length));
    SHOW(length);
    SHOW(getpeername(server, (struct sockaddr *)&name, &length));
    SHOW(listen(server, 5));
    SHOW(send(server, "x", 1, MSG_NOSIGNAL));
    printf("connect to nothing = %s\n", connect_to(client, "nothing"));
    printf("bind = %s\n", bind_to(server, "name"));
    printf("bind again = %s\n", bind_to(server, "other"));
    printf("bind another to the same name = %s\n", bind_to(other, "name"));
    printf("connect before listen = %s\n", connect_to(client, "name"));
    SHOW(listen(server, 5));
    SHOW(option(server, SOL_SOCKET, SO_ACCEPTCONN));
    printf("a listener = %s\n", events_text(server));
    put_file("file", "x");
    printf("connect to a file = %s\n", connect_to(client, "file"));
    printf("connect = %s\n", connect_to(client, "name"));
    printf("connect again = %s\n", connect_to(client, "name"));
    printf("a listener with a connection = %s\n", events_text(server));
    printf("the client before accept = %s\n", events_text(client));
    SHOW(write(client, "early", 5));
    length = sizeof(name);
    printf("accept = %s\n", FD(accepted, accept(server, (struct sockaddr *)&name, &length)));
    SHOW(length);
    SHOW(name.sun_family);
    length = sizeof(name);
    SHOW(getsockname(accepted, (struct sockaddr *)&name, &length));
    printf("the name of the accepted socket = %s\n", name.sun_path);
    length = sizeof(name);
    SHOW(getpeername(client, (struct sockaddr *)&name, &length));
    printf("the name of the client's peer = %s\n", name.sun_path);
    SHOW(ioctl(accepted, FIONREAD, &n));
    SHOW(n);
    SHOW(recv(accepted, text, 2, MSG_PEEK));
    SHOW(recv(accepted, text, 64, MSG_DONTWAIT));
    SHOW(recv(accepted, text, 64, MSG_DONTWAIT));
    SHOW(recv(accepted, text, 64, MSG_PEEK | MSG_DONTWAIT));
    SHOW(send(accepted, "answer", 6, MSG_NOSIGNAL | MSG_DONTWAIT));
    SHOW(recv(client, text, 6, MSG_WAITALL));
    SHOW(listen(client, 1));
    SHOW(shutdown(client, SHUT_WR));
    printf("the accepted socket, half closed = %s\n", events_text(accepted));
    SHOW(read(accepted, text, 64));
    SHOW(write(accepted, "still", 5));
    SHOW(read(client, text, 64));
    SHOW(write(client, "x", 1));
    SHOW(close(client));
    printf("the accepted socket, closed = %s\n", events_text(accepted));
    SHOW(send(accepted, "x", 1, MSG_NOSIGNAL));
    SHOW(close(accepted));

    SHOW(fcntl(server, F_SETFL, O_NONBLOCK));
    SHOW(accept(server, NULL, NULL));
    SHOW(fcntl(server, F_SETFL, 0));
    SHOW(accept(other, NULL, NULL));
    SHOW(accept4(server, NULL, NULL, 77));

    {
        pthread_t thread;
        pthread_create(&thread, NULL, connects, "name");
        SHOW(wait_for(server, POLLIN));
        printf("accept4 = %s\n", FD(accepted, accept4(server, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)));
        SHOW(fcntl(accepted, F_GETFD));
        SHOW((fcntl(accepted, F_GETFL) & O_NONBLOCK) != 0);
        SHOW(write(accepted, "hello", 5));
        SHOW(wait_for(accepted, POLLIN));
        SHOW(read(accepted, text, 64));
        pthread_join(thread, NULL);
        SHOW(close(accepted));
    }

    /* Without a file. */
    name = (struct sockaddr_un){ .sun_family = AF_UNIX };
    length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                         (size_t)snprintf(name.sun_path + 1, 20, "hidden-%d", (int)getpid()));
    client = unix_socket(0);
    SHOW(bind(other, (struct sockaddr *)&name, length));
    SHOW(listen(other, 1));
    SHOW(bind(client, (struct sockaddr *)&name, length));
    SHOW(connect(client, (struct sockaddr *)&name, length));
    printf("accept = %s\n", FD(accepted, accept(other, NULL, NULL)));
    SHOW(close(other));
    SHOW(write(client, "abc", 3));
    SHOW(read(accepted, text, 64));
    SHOW(close(accepted));
    SHOW(close(client));

    /* A listener that goes away ends those that wait. */
    client = unix_socket(0);
    printf("connect = %s\n", connect_to(client, "name"));
    SHOW(close(server));
    SHOW(wait_for(client, POLLIN));
    SHOW(read(client, text, 64) <= 0);
    SHOW(send(client, "x", 1, MSG_NOSIGNAL));
    SHOW(close(client));
    client = unix_socket(0);
    printf("connect to a name without a socket = %s\n", connect_to(client, "name"));
    server = unix_socket(0);
    printf("bind to a name that is left = %s\n", bind_to(server, "name"));
    SHOW(unlink("name"));
    printf("bind after unlink = %s\n", bind_to(server, "name"));
    SHOW(close(server));
    SHOW(unlink("name"));
    SHOW(close(client));
}

/* ---- TCP ---- */

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

static int port_of(int fd)
{
    struct sockaddr_in name = { 0 };
    socklen_t length = sizeof(name);

    return getsockname(fd, (struct sockaddr *)&name, &length) < 0 ? -1 : ntohs(name.sin_port);
}

static void *serves(void *arg)
{
    char buffer[4096];
    int fd = accept(*(int *)arg, NULL, NULL);
    ssize_t got;

    while ((got = read(fd, buffer, sizeof(buffer))) > 0) {
        for (ssize_t put = 0; put < got;) {
            ssize_t n = write(fd, buffer + put, (size_t)(got - put));
            if (n <= 0) {
                return NULL;
            }
            put += n;
        }
    }
    printf("the server saw the end = %s\n", result(got));
    close(fd);
    return NULL;
}

static void tcp(void)
{
    int server = socket(AF_INET, SOCK_STREAM, 0), client, accepted, refused, one = 1, port, set;
    struct sockaddr_in name, peer;
    socklen_t length = sizeof(name);
    struct epoll_event event;
    char text[64], *big;
    pthread_t thread;

    SHOW(setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
    SHOW(option(server, SOL_SOCKET, SO_REUSEADDR) != 0);
    SHOW(option(server, SOL_SOCKET, SO_ERROR));
    printf("a fresh socket = %s\n", events_text(server));
    SHOW(port_of(server));
    name = loopback(0);
    SHOW(bind(server, (struct sockaddr *)&name, sizeof(name)));
    port = port_of(server);
    SHOW(port > 0);
    SHOW(bind(server, (struct sockaddr *)&name, sizeof(name)));
    SHOW(listen(server, 128));
    SHOW(port_of(server) == port);
    SHOW(option(server, SOL_SOCKET, SO_ACCEPTCONN));
    printf("a listener = %s\n", events_text(server));

    refused = socket(AF_INET, SOCK_STREAM, 0);
    name = loopback(port);
    SHOW(bind(refused, (struct sockaddr *)&name, sizeof(name)));
    SHOW(close(refused));

    client = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(recv(client, text, 1, 0));
    SHOW(getpeername(client, (struct sockaddr *)&peer, &length));
    SHOW(connect(client, (struct sockaddr *)&name, sizeof(name)));
    SHOW(setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
    SHOW(option(client, IPPROTO_TCP, TCP_NODELAY) != 0);
    SHOW(setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)));
    SHOW(setsockopt(client, SOL_SOCKET, 9999, &one, sizeof(one)));
    length = sizeof(peer);
    SHOW(getpeername(client, (struct sockaddr *)&peer, &length));
    SHOW(ntohs(peer.sin_port) == port && peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK) && length == sizeof(peer));
    SHOW(wait_for(server, POLLIN));
    length = sizeof(peer);
    printf("accept = %s\n", FD(accepted, accept(server, (struct sockaddr *)&peer, &length)));
    SHOW(ntohs(peer.sin_port) == port_of(client) && peer.sin_family == AF_INET);
    SHOW(port_of(accepted) == port);
    printf("a client = %s\n", events_text(client));
    SHOW(write(client, "hello", 5));
    SHOW(wait_for(accepted, POLLIN));
    SHOW(recv(accepted, text, 5, MSG_WAITALL));
    SHOW(recv(accepted, text, 5, MSG_DONTWAIT));
    SHOW(shutdown(client, SHUT_WR));
    SHOW(wait_for(accepted, POLLRDHUP));
    printf("half closed = %s\n", events_text(accepted));
    SHOW(read(accepted, text, 64));
    SHOW(write(accepted, "bye", 3));
    SHOW(close(accepted));
    SHOW(recv(client, text, 3, MSG_WAITALL));
    SHOW(read(client, text, 64));
    SHOW(close(client));

    /* Without waiting. */
    client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SHOW(connect(client, (struct sockaddr *)&name, sizeof(name)));
    SHOW(wait_for(client, POLLOUT));
    SHOW(option(client, SOL_SOCKET, SO_ERROR));
    printf("accept = %s\n", FD(accepted, accept(server, NULL, NULL)));
    SHOW(read(client, text, 1));
    set = epoll_create1(0);
    event = (struct epoll_event){ .events = EPOLLIN | EPOLLET };
    SHOW(epoll_ctl(set, EPOLL_CTL_ADD, client, &event));
    SHOW(write(accepted, "x", 1));
    SHOW(epoll_wait(set, &event, 1, -1));
    SHOW(epoll_wait(set, &event, 1, 0));
    SHOW(close(set));
    SHOW(close(client));
    SHOW(close(accepted));

    /* Much data there and back. */
    pthread_create(&thread, NULL, serves, &server);
    client = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(connect(client, (struct sockaddr *)&name, sizeof(name)));
    big = malloc(1000);
    {
        unsigned sum = 0, wanted = 0;
        for (int round = 0; round < 300; round++) {
            for (int i = 0; i < 1000; i++) {
                big[i] = (char)(round + i);
                wanted += (unsigned char)big[i];
            }
            if (write(client, big, 1000) != 1000 || recv(client, big, 1000, MSG_WAITALL) != 1000) {
                printf("cut off\n");
                break;
            }
            for (int i = 0; i < 1000; i++) {
                sum += (unsigned char)big[i];
            }
        }
        SHOW(sum == wanted);
    }
    free(big);
    SHOW(shutdown(client, SHUT_WR));
    SHOW(read(client, text, 64));
    pthread_join(thread, NULL);
    SHOW(close(client));

    /* Nobody listens. */
    SHOW(close(server));
    refused = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(connect(refused, (struct sockaddr *)&name, sizeof(name)));
    SHOW(option(refused, SOL_SOCKET, SO_ERROR));
    SHOW(close(refused));
    refused = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SHOW(connect(refused, (struct sockaddr *)&name, sizeof(name)));
    SHOW(wait_for(refused, POLLOUT));
    printf("refused = %s\n", events_text(refused));
    SHOW(option(refused, SOL_SOCKET, SO_ERROR) == ECONNREFUSED);
    SHOW(option(refused, SOL_SOCKET, SO_ERROR));
    SHOW(close(refused));

    /* From an address that was bound. */
    refused = socket(AF_INET, SOCK_STREAM, 0);
    peer = (struct sockaddr_in){ .sin_family = AF_INET };
    SHOW(bind(refused, (struct sockaddr *)&peer, sizeof(peer)));
    SHOW(connect(refused, (struct sockaddr *)&name, sizeof(name)));
    SHOW(close(refused));
}

static void six(void)
{
    int server = socket(AF_INET6, SOCK_STREAM, 0), client = socket(AF_INET6, SOCK_STREAM, 0), accepted;
    struct sockaddr_in6 name = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT }, peer;
    socklen_t length = sizeof(name);

    SHOW(bind(server, (struct sockaddr *)&name, sizeof(name)));
    SHOW(listen(server, 1));
    SHOW(getsockname(server, (struct sockaddr *)&name, &length));
    SHOW(length == sizeof(name) && name.sin6_port != 0);
    SHOW(connect(client, (struct sockaddr *)&name, sizeof(name)));
    length = sizeof(peer);
    printf("accept = %s\n", FD(accepted, accept(server, (struct sockaddr *)&peer, &length)));
    SHOW(length);
    SHOW(memcmp(&peer.sin6_addr, &in6addr_loopback, 16));
    SHOW(close(accepted));
    SHOW(close(client));
    SHOW(close(server));
}

static void errors(void)
{
    struct sockaddr_in name = loopback(1);
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_family = AF_INET }, *found;
    int fd = open(".", O_RDONLY), tcp_fd = socket(AF_INET, SOCK_STREAM, 0), unix_fd = unix_socket(0);
    socklen_t length = sizeof(name);
    char host[64], service[16];

    SHOW(socket(77, SOCK_STREAM, 0));
    SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    SHOW(socket(AF_INET, 77, 0));
    SHOW(bind(fd, (struct sockaddr *)&name, sizeof(name)));
    SHOW(listen(fd, 1));
    SHOW(connect(fd, (struct sockaddr *)&name, sizeof(name)));
    SHOW(connect(999, (struct sockaddr *)&name, sizeof(name)));
    SHOW(getsockname(fd, (struct sockaddr *)&name, &length));
    SHOW(send(fd, "x", 1, 0));
    SHOW(recv(999, host, 1, 0));
    SHOW(shutdown(fd, SHUT_RD));
    SHOW(shutdown(tcp_fd, SHUT_RD));
    SHOW(shutdown(tcp_fd, 77));
    SHOW(bind(tcp_fd, (struct sockaddr *)&name, 3));
    SHOW(bind(unix_fd, (struct sockaddr *)&name, sizeof(name)));
    SHOW(accept(tcp_fd, NULL, NULL));
    SHOW(option(fd, SOL_SOCKET, SO_TYPE) == -ENOTSOCK);

    SHOW(getaddrinfo("127.0.0.1", "80", &hints, &found));
    SHOW(((struct sockaddr_in *)found->ai_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    SHOW(ntohs(((struct sockaddr_in *)found->ai_addr)->sin_port));
    SHOW(found->ai_protocol);
    SHOW(found->ai_next == NULL);
    SHOW(getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof(host), service, sizeof(service),
                     NI_NUMERICHOST | NI_NUMERICSERV));
    printf("host and service = %s %s\n", host, service);
    freeaddrinfo(found);
    SHOW(getaddrinfo("localhost", "8080", &hints, &found));
    SHOW(((struct sockaddr_in *)found->ai_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    freeaddrinfo(found);
    hints.ai_flags = AI_PASSIVE;
    SHOW(getaddrinfo(NULL, "8080", &hints, &found));
    SHOW(((struct sockaddr_in *)found->ai_addr)->sin_addr.s_addr);
    freeaddrinfo(found);
    hints.ai_flags = AI_NUMERICHOST;
    SHOW(getaddrinfo("localhost", "80", &hints, &found) == EAI_NONAME);
    SHOW(getaddrinfo(NULL, NULL, &hints, &found) == EAI_NONAME);
    SHOW(close(unix_fd));
    SHOW(close(tcp_fd));
}

static void topic(void)
{
    signal(SIGPIPE, SIG_IGN);
    names();
    tcp();
    six();
    errors();
}
