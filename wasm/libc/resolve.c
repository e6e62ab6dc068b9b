/* SPDX-License-Identifier: MIT */
/* Names of hosts and services: numbers, "localhost", and the services that are numbers. There is no
 * resolver: other names are unknown. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "wasi.h"
#include "weak.h"

/* One block: the answer and the address that it points to. */
typedef struct Answer {
    struct addrinfo info;
    union {
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } address;
} Answer;

static int port_of(const char *service, int flags, in_port_t *port)
{
    static const struct {
        const char *name;
        int port;
    } known[] = { { "http", 80 }, { "https", 443 }, { "ssh", 22 }, { "ftp", 21 }, { "telnet", 23 }, { "smtp", 25 },
                  { "domain", 53 }, { "echo", 7 } };
    char *end;
    unsigned long number;

    *port = 0;
    if (!service) {
        return 0;
    }
    number = strtoul(service, &end, 10);
    if (*service && !*end && number <= 65535) {
        *port = htons((in_port_t)number);
        return 0;
    }
    for (unsigned i = 0; !(flags & AI_NUMERICSERV) && i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(service, known[i].name) == 0) {
            *port = htons((in_port_t)known[i].port);
            return 0;
        }
    }
    return flags & AI_NUMERICSERV ? EAI_NONAME : EAI_SERVICE;
}

static Answer *answer_of(int family, const void *address, in_port_t port, int protocol)
{
    Answer *answer = calloc(1, sizeof(*answer));

    if (!answer) {
        return NULL;
    }
    answer->info = (struct addrinfo){
        .ai_family = family, .ai_socktype = SOCK_STREAM,
        .ai_protocol = protocol ? protocol : IPPROTO_TCP,
        .ai_addr = (struct sockaddr *)&answer->address,
        .ai_addrlen = family == AF_INET ? sizeof(answer->address.four) : sizeof(answer->address.six),
    };
    if (family == AF_INET) {
        answer->address.four.sin_family = AF_INET;
        answer->address.four.sin_port = port;
        memcpy(&answer->address.four.sin_addr, address, 4);
    } else {
        answer->address.six.sin6_family = AF_INET6;
        answer->address.six.sin6_port = port;
        memcpy(&answer->address.six.sin6_addr, address, 16);
    }
    return answer;
}

LIBC_WEAK
int getaddrinfo(const char *restrict host, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict result)
{
    int family = hints ? hints->ai_family : AF_UNSPEC, flags = hints ? hints->ai_flags : 0;
    int type = hints ? hints->ai_socktype : 0, ret;
    struct in6_addr six = IN6ADDR_LOOPBACK_INIT;
    struct in_addr four = { htonl(INADDR_LOOPBACK) };
    bool has_four = true, has_six = true;
    Answer *first = NULL, *second = NULL;
    in_port_t port;

    if (!host && !service) {
        return EAI_NONAME;
    }
    if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6) {
        return EAI_FAMILY;
    }
    if (type != 0 && type != SOCK_STREAM) {
        return EAI_SOCKTYPE;
    }
    if ((ret = port_of(service, flags, &port))) {
        return ret;
    }
    if (!host && flags & AI_PASSIVE) {
        four.s_addr = htonl(INADDR_ANY);
        six = (struct in6_addr)IN6ADDR_ANY_INIT;
    } else if (host && (flags & AI_NUMERICHOST || strcmp(host, "localhost") != 0)) {
        has_four = inet_pton(AF_INET, host, &four) == 1;
        has_six = !has_four && inet_pton(AF_INET6, host, &six) == 1;
        if (!has_four && !has_six) {
            return EAI_NONAME;
        }
        if ((family == AF_INET && !has_four) || (family == AF_INET6 && !has_six)) {
            return EAI_NONAME;
        }
    }
    if (has_four && family != AF_INET6 &&
        !(first = answer_of(AF_INET, &four, port, hints ? hints->ai_protocol : 0))) {
        return EAI_MEMORY;
    }
    if (has_six && family != AF_INET &&
        !(second = answer_of(AF_INET6, &six, port, hints ? hints->ai_protocol : 0))) {
        free(first);
        return EAI_MEMORY;
    }
    if (first) {
        first->info.ai_next = second ? &second->info : NULL;
        if (flags & AI_CANONNAME) {
            first->info.ai_canonname = host ? strdup(host) : NULL;
        }
    }
    *result = first ? &first->info : &second->info;
    return 0;
}

LIBC_WEAK
void freeaddrinfo(struct addrinfo *info)
{
    while (info) {
        struct addrinfo *next = info->ai_next;

        free(info->ai_canonname);
        free(info);
        info = next;
    }
}

LIBC_WEAK
int getnameinfo(const struct sockaddr *restrict address, socklen_t length, char *restrict host,
                socklen_t host_size, char *restrict service, socklen_t service_size, int flags)
{
    const struct sockaddr_in *four = (const void *)address;
    const struct sockaddr_in6 *six = (const void *)address;
    bool is_four = address->sa_family == AF_INET;

    if ((!is_four && address->sa_family != AF_INET6) ||
        length < (is_four ? sizeof(*four) : sizeof(*six))) {
        return EAI_FAMILY;
    }
    if (host && host_size) {
        if (flags & NI_NAMEREQD) {
            return EAI_NONAME;
        }
        if (!inet_ntop(address->sa_family, is_four ? (const void *)&four->sin_addr : &six->sin6_addr,
                       host, host_size)) {
            return EAI_OVERFLOW;
        }
    }
    if (service && service_size &&
        snprintf(service, service_size, "%u", ntohs(is_four ? four->sin_port : six->sin6_port)) >=
            (int)service_size) {
        return EAI_OVERFLOW;
    }
    return 0;
}

LIBC_WEAK
const char *gai_strerror(int error)
{
    switch (error) {
    case EAI_NONAME: return "Name does not resolve: only numbers and localhost do";
    case EAI_SERVICE: return "Unrecognized service";
    case EAI_FAMILY: return "Unrecognized address family or invalid length";
    case EAI_SOCKTYPE: return "Unrecognized socket type: only SOCK_STREAM is there";
    case EAI_MEMORY: return "Out of memory";
    case EAI_OVERFLOW: return "Overflow";
    default: return "Unknown error";
    }
}
