/* SPDX-License-Identifier: MIT */
/* Addresses of the internet that sockets are given: families, lengths, IPv4 by way of IPv6, addresses of other machines. */
#include "topic.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

typedef union Address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    struct sockaddr_storage storage;
} Address;

static Address address(int family, const char *text, uint16_t port)
{
    Address at = { .any.sa_family = (sa_family_t)family };

    if (family == AF_INET6) {
        at.six.sin6_port = port;
        inet_pton(AF_INET6, text, &at.six.sin6_addr);
    } else {
        at.four.sin_port = port;
        inet_pton(AF_INET, text, &at.four.sin_addr);
    }
    return at;
}

/* Returns a socket of the family; only: IPV6_V6ONLY. */
static int make(int family, bool only)
{
    int fd = socket(family, SOCK_STREAM, 0), on = only;

    if (family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
    return fd;
}

static void try_bind(const char *what, int fd, Address at, socklen_t length)
{
    printf("bind %s = %s\n", what, R(bind(fd, &at.any, length)));
    close(fd);
}

static void try_connect(const char *what, int fd, Address at, socklen_t length)
{
    printf("connect %s = %s\n", what, R(connect(fd, &at.any, length)));
    close(fd);
}

/* Returns a server of any address of IPv6, and its port. */
static int serve(bool only, uint16_t *port)
{
    int fd = make(AF_INET6, only);
    Address at = address(AF_INET6, "::", 0);
    socklen_t length = sizeof(at);

    bind(fd, &at.any, sizeof(at.storage));
    listen(fd, 8);
    getsockname(fd, &at.any, &length);
    *port = at.six.sin6_port;
    return fd;
}

static void servers(void)
{
    uint16_t port;
    int server = serve(false, &port), client = make(AF_INET, false), accepted;
    Address four = address(AF_INET, "127.0.0.1", port), peer;
    socklen_t length = sizeof(peer);
    char text[INET6_ADDRSTRLEN], byte = 0;

    printf("a client of IPv4 = %s\n", R(connect(client, &four.any, sizeof(four.four))));
    accepted = accept(server, &peer.any, &length);
    printf("its address = %s\n", inet_ntop(AF_INET6, &peer.six.sin6_addr, text, sizeof(text)));
    length = sizeof(peer);
    getsockname(accepted, &peer.any, &length);
    printf("the server's = %s\n", inet_ntop(AF_INET6, &peer.six.sin6_addr, text, sizeof(text)));
    printf("what it sends = %s", R(write(client, "x", 1)));
    printf(", %s\n", R(read(accepted, &byte, 1)));
    close(client);
    close(accepted);
    client = make(AF_INET6, false);
    peer = address(AF_INET6, "::1", port);
    printf("a client of IPv6 = %s\n", R(connect(client, &peer.any, sizeof(peer.six))));
    close(client);
    try_bind("of the same port of IPv4", make(AF_INET, false), four, sizeof(four.four));
    close(server);
    client = make(AF_INET, false);
    try_connect("when it is closed", client, four, sizeof(four.four));

    server = serve(true, &port);
    four = address(AF_INET, "127.0.0.1", port);
    try_connect("to a server of IPv6 alone", make(AF_INET, false), four, sizeof(four.four));
    try_bind("beside it", make(AF_INET, false), four, sizeof(four.four));
    try_connect("to it from IPv6", make(AF_INET6, true), address(AF_INET6, "::1", port), sizeof(four.six));
    try_connect("to it by ::ffff:127.0.0.1", make(AF_INET6, true), address(AF_INET6, "::ffff:127.0.0.1", port), sizeof(four.six));
    close(server);
}

/* When close() has returned, nobody is at the address any more, and what the socket had is nobody's. */
static void close_at_once(void)
{
    /* Another program may be given the port at the same moment: in one of 10,000 rounds or so. */
    enum { ROUNDS = 40, MOST = ROUNDS - 2 };
    int refused = 0, bound_again = 0, connected = 0;

    for (int i = 0; i < ROUNDS; i++) {
        uint16_t port;
        bool late = i % 2;
        int server = serve(false, &port), client = late ? -1 : make(AF_INET, false), other;
        Address four = address(AF_INET, "127.0.0.1", port), six = address(AF_INET6, "::1", port);

        close(server);
        if (late) {
            client = make(AF_INET, false);
        }
        refused += connect(client, &four.any, sizeof(four.four)) < 0 && errno == ECONNREFUSED;
        close(client);
        other = make(AF_INET, false);
        bound_again += bind(other, &four.any, sizeof(four.four)) == 0;
        close(other);
        /* The client takes the place of one that was bound to the server's port of IPv4, but not its port. */
        server = serve(true, &port);
        four.four.sin_port = six.six.sin6_port = port;
        other = make(AF_INET, false);
        bind(other, &four.any, sizeof(four.four));
        close(other);
        client = make(AF_INET6, true);
        connected += connect(client, &six.any, sizeof(six.six)) == 0;
        close(client);
        close(server);
    }
    printf("nearly all are refused, bound again, connected = %d, %d, %d\n", refused >= MOST, bound_again >= MOST, connected == ROUNDS);
}

/* IPV6_V6ONLY is for a socket that has no address yet. */
static void only_ipv6(void)
{
    Address any = address(AF_INET6, "::", 0);
    int fd = make(AF_INET6, false), on = 1;

    SHOW(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)));
    SHOW(bind(fd, &any.any, sizeof(any.six)));
    SHOW(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)));
    close(fd);
}

static void topic(void)
{
    Address four = address(AF_INET, "127.0.0.1", 0), six = address(AF_INET6, "::1", 0);
    Address storage = address(AF_INET6, "::1", 0), unspecified = address(AF_UNSPEC, "0.0.0.0", 0);

    try_bind("IPv6 to IPv4", make(AF_INET6, false), four, sizeof(four.four));
    try_bind("IPv6 to IPv4, as long as IPv6", make(AF_INET6, false), four, sizeof(four.six));
    try_bind("IPv4 to IPv6", make(AF_INET, false), six, sizeof(six.six));
    try_bind("IPv6, too short", make(AF_INET6, false), six, offsetof(struct sockaddr_in6, sin6_scope_id) - 1);
    try_bind("IPv6 without its last member", make(AF_INET6, false), six, offsetof(struct sockaddr_in6, sin6_scope_id));
    try_bind("IPv4, too short", make(AF_INET, false), four, sizeof(four.four) - 1);
    try_bind("IPv6 in a sockaddr_storage", make(AF_INET6, false), storage, sizeof(storage.storage));
    try_bind("IPv4 in a sockaddr_storage", make(AF_INET, false), four, sizeof(four.storage));
    try_bind("longer than that", make(AF_INET, false), four, sizeof(four.storage) + 1);
    try_bind("to any address of no family", make(AF_INET, false), unspecified, sizeof(four.four));
    unspecified.four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    try_bind("to an address of no family", make(AF_INET, false), unspecified, sizeof(four.four));
    try_bind("to ::ffff:127.0.0.1", make(AF_INET6, false), address(AF_INET6, "::ffff:127.0.0.1", 0), sizeof(six.six));
    try_bind("to it, of IPv6 alone", make(AF_INET6, true), address(AF_INET6, "::ffff:127.0.0.1", 0), sizeof(six.six));
    try_bind("to another machine's", make(AF_INET, false), address(AF_INET, "192.0.2.1", 0), sizeof(four.four));
    try_bind("to another machine's of IPv6", make(AF_INET6, false), address(AF_INET6, "2001:db8::1", 0), sizeof(six.six));
    try_connect("IPv6 to IPv4", make(AF_INET6, false), four, sizeof(four.four));
    try_connect("IPv4 to IPv6", make(AF_INET, false), six, sizeof(six.six));
    unspecified.four.sin_addr.s_addr = htonl(INADDR_ANY);
    try_connect("to no family", make(AF_INET, false), unspecified, sizeof(four.four));
    try_connect("IPv6 to no family", make(AF_INET6, false), unspecified, sizeof(six.six));
    try_connect("to no family, too short", make(AF_INET, false), unspecified, 1);
    only_ipv6();
    servers();
    close_at_once();
}
