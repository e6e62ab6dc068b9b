/* SPDX-License-Identifier: MIT */
/* Addresses and names of the network as text and back: inet_*, getaddrinfo(), getnameinfo(), gethostby*, interfaces. */
#include "topic.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const char *shown(const struct hostent *host)
{
    static char text[256];
    char address[64];
    size_t n;

    if (!host) {
        snprintf(text, sizeof(text), "none, h_errno %d", h_errno);
        return text;
    }
    n = (size_t)snprintf(text, sizeof(text), "%s %s %d", host->h_name, host->h_addrtype == AF_INET ? "IPv4" : "IPv6", host->h_length);
    for (char **a = host->h_addr_list; *a; a++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, " %s", inet_ntop(host->h_addrtype, *a, address, sizeof(address)));
    }
    return text;
}

static void texts(void)
{
    static const char *const four[] = { "127.0.0.1", "1.2.3", "1.2", "1", "0x7f.1", "010.0.0.1", "256.1.1.1", "1.2.3.4.5", "", " 1.2.3.4", "1.2.3.4 x", "1.2.3.4x", "4294967295", "4294967296", "1.2.3.", "-1" };
    static const char *const six[] = { "::", "::1", "1::2", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "1:2:3:4:5:6:7", "1::2::3", ":1", "12345::", "fe80::1%lo", "fe80::ABCD", "", "1:2:3:4:5:6:1.2.3.4", "g::", "::1.2.3", "0:0:0:0:0:0:0:0", "1:0:0:2:0:0:0:3", "::1:0:0:0" };
    struct in_addr address;
    unsigned char bytes[16];
    char text[64];

    for (unsigned i = 0; i < sizeof(four) / sizeof(four[0]); i++) {
        address.s_addr = 0;
        int ok = inet_aton(four[i], &address);
        printf("inet_aton '%s' = %d, %s\n", four[i], ok != 0, ok ? inet_ntoa(address) : "");
        printf("inet_addr '%s' = %x\n", four[i], inet_addr(four[i]));
        printf("inet_pton '%s' = %d\n", four[i], inet_pton(AF_INET, four[i], bytes));
    }
    for (unsigned i = 0; i < sizeof(six) / sizeof(six[0]); i++) {
        int ok = inet_pton(AF_INET6, six[i], bytes);
        printf("inet_pton6 '%s' = %d, %s\n", six[i], ok, ok == 1 ? inet_ntop(AF_INET6, bytes, text, sizeof(text)) : "");
    }
    SHOW(inet_pton(77, "1", bytes));
    SHOW(inet_ntop(77, bytes, text, 64) == NULL);
    SHOW(errno == EAFNOSUPPORT);
    SHOW(inet_ntop(AF_INET, bytes, text, 3) == NULL);
    SHOW(errno == ENOSPC);
    SHOW(inet_network("10.1.2.3"));
    SHOW(inet_lnaof((struct in_addr){ htonl(0x0a010203) }));
    SHOW(inet_netof((struct in_addr){ htonl(0x0a010203) }));
    SHOW(ntohl(inet_makeaddr(10, 5).s_addr));
}

static void info(const char *title, const char *host, const char *service, struct addrinfo *hints)
{
    struct addrinfo *first = NULL;
    int error = getaddrinfo(host, service, hints, &first);

    printf("%s = %s", title, error == 0 ? "" : error == EAI_NONAME || error == EAI_ADDRFAMILY ? "no such address" : error == EAI_SERVICE ? "SERVICE" : error == EAI_FAMILY ? "FAMILY" : error == EAI_SOCKTYPE ? "SOCKTYPE" : error == EAI_BADFLAGS ? "BADFLAGS" : "another error");
    for (struct addrinfo *a = error ? NULL : first; a; a = a->ai_next) {
        char name[64], port[32];
        if (a->ai_socktype == SOCK_STREAM) {
            int named = getnameinfo(a->ai_addr, a->ai_addrlen, name, sizeof(name), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
            printf(" [%d %s %s %d %s]", a->ai_family, named ? "?" : name, named ? "?" : port, a->ai_protocol, a->ai_canonname ? a->ai_canonname : "-");
        }
    }
    printf("\n");
    if (!error) {
        freeaddrinfo(first);
    }
}
#define INFO(host, service, ...) info(#host " " #service " " #__VA_ARGS__, host, service, &(struct addrinfo){ .ai_family = AF_INET, .ai_socktype = SOCK_STREAM, __VA_ARGS__ })

static void lookups(void)
{
    INFO("127.0.0.1", "80");
    INFO("127.0.0.1", "no-such-service");
    INFO("127.0.0.1", "");
    INFO("127.0.0.1", "", .ai_flags = AI_NUMERICSERV);
    INFO("127.0.0.1", "65535");
    INFO("127.0.0.1", "65536");
    INFO("127.0.0.1", "-1");
    INFO("", "80", .ai_flags = AI_NUMERICHOST);
    INFO("127.0.0.1", "65535");
    INFO("127.0.0.1", "-1");
    INFO("127.0.0.1", "http", .ai_flags = AI_NUMERICSERV);
    INFO("127.0.0.1", NULL);
    INFO(NULL, "80");
    INFO(NULL, "80", .ai_flags = AI_PASSIVE);
    INFO("localhost", "80");
    INFO("localhost", "80", .ai_flags = AI_NUMERICHOST);
    INFO("localhost", "80", .ai_flags = AI_CANONNAME);
    INFO("::1", "80");
    INFO("127.1", "80");
    INFO(NULL, "80", .ai_flags = AI_CANONNAME);
    INFO("127.0.0.1", "80", .ai_flags = 0x40000000);
    info("::1 any family", "::1", "80", &(struct addrinfo){ .ai_socktype = SOCK_STREAM });
    info("::1%1", "::1%1", "80", &(struct addrinfo){ .ai_socktype = SOCK_STREAM });
    info("IPv6 of IPv4", "127.0.0.1", "80", &(struct addrinfo){ .ai_family = AF_INET6, .ai_socktype = SOCK_STREAM });
    info("IPv6 of IPv4, mapped", "127.0.0.1", "80", &(struct addrinfo){ .ai_family = AF_INET6, .ai_socktype = SOCK_STREAM, .ai_flags = AI_V4MAPPED });
    info("no hints", "127.0.0.1", "80", NULL);
    info("nothing", NULL, NULL, NULL);
    info("fe80::1%lo", "fe80::1%lo", "80", &(struct addrinfo){ .ai_socktype = SOCK_STREAM });
    info("::1%none", "::1%none", "80", &(struct addrinfo){ .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST });
    info("protocol", "127.0.0.1", "80", &(struct addrinfo){ .ai_family = AF_INET, .ai_protocol = IPPROTO_TCP });
    info("family 77", "127.0.0.1", "80", &(struct addrinfo){ .ai_family = 77, .ai_socktype = SOCK_STREAM });
    info("type 77", "127.0.0.1", "80", &(struct addrinfo){ .ai_socktype = 77 });
}

static void names(void)
{
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(64999), .sin_addr.s_addr = htonl(0x0a000001) };
    char host[64], service[32];

    SHOW(getnameinfo((void *)&four, sizeof(four), host, sizeof(host), service, sizeof(service), NI_NUMERICHOST));
    printf("names = %s %s\n", host, service);
    SHOW(getnameinfo((void *)&four, sizeof(four), host, 3, NULL, 0, NI_NUMERICHOST) == EAI_OVERFLOW);
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SHOW(getnameinfo((void *)&four, sizeof(four), host, sizeof(host), NULL, 0, 0));
    printf("name = %s\n", host);
    SHOW(getnameinfo((void *)&four, 3, host, 64, NULL, 0, NI_NUMERICHOST) == EAI_FAMILY);
    SHOW(getnameinfo((void *)&four, sizeof(four), NULL, 0, service, sizeof(service), NI_NUMERICSERV));
    printf("service = %s\n", service);
}

static void hosts(void)
{
    struct hostent host, *found;
    struct in_addr loopback = { htonl(INADDR_LOOPBACK) };
    char text[512];
    int error = 0;

    printf("gethostbyname 127.0.0.1 = %s\n", shown(gethostbyname("127.0.0.1")));
    printf("gethostbyname 1.2 = %s\n", shown(gethostbyname("1.2")));
    printf("gethostbyname2 = %s\n", shown(gethostbyname2("127.0.0.1", AF_INET)));
    printf("gethostbyname2 ::1 = %s\n", shown(gethostbyname2("::1", AF_INET6)));
    SHOW_ERROR(gethostbyname_r("127.0.0.1", &host, text, sizeof(text), &found, &error));
    printf("gethostbyname_r = %s\n", shown(found));
    SHOW_ERROR(gethostbyname_r("127.0.0.1", &host, text, 8, &found, &error));
    SHOW(found == NULL);
    SHOW_ERROR(gethostbyname2_r("::1", AF_INET6, &host, text, sizeof(text), &found, &error));
    printf("gethostbyname2_r = %s\n", shown(found));
    printf("gethostbyaddr = %s\n", shown(gethostbyaddr(&loopback, sizeof(loopback), AF_INET)));
    SHOW_ERROR(gethostbyaddr_r(&loopback, sizeof(loopback), AF_INET, &host, text, sizeof(text), &found, &error));
    printf("gethostbyaddr_r = %s\n", shown(found));
    SHOW(gethostbyaddr(&loopback, 3, AF_INET) == NULL);
}

static void interfaces(void)
{
    SHOW(if_nametoindex("lo"));
    SHOW(if_nametoindex("no-such-interface"));
    char name[IF_NAMESIZE];
    printf("if_indextoname = %s\n", if_indextoname(1, name) ? name : errno_name(errno));
    printf("if_indextoname 7777 = %s\n", if_indextoname(7777, name) ? name : errno_name(errno));
    struct if_nameindex *all = if_nameindex();
    printf("if_nameindex = %s\n", all ? all[0].if_name : errno_name(errno));
    if_freenameindex(all);
}

static void refused(void)
{
    int fd;

    SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    SHOW(socket(77, SOCK_STREAM, 0));
    SHOW(socket(AF_INET, 77, 0));
    SHOW(socket(AF_UNIX, SOCK_STREAM, 7));
    printf("stream and protocol = %s\n", FD(fd, socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)));
    SHOW(recv(fd, &fd, 0, MSG_OOB | 0x10000000));
    SHOW(close(fd));
    printf("protocol of AF_UNIX = %s\n", FD(fd, socket(AF_UNIX, SOCK_STREAM, PF_UNIX)));
    SHOW(close(fd));
    SHOW(socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){ 0 }));
    SHOW(socketpair(AF_UNIX, 77, 0, (int[2]){ 0 }));
}

static void topic(void)
{
    texts();
    lookups();
    names();
    hosts();
    interfaces();
    refused();
}
