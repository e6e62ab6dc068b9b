/* SPDX-License-Identifier: MIT */
/* Names of hosts and services. Numbers and "localhost" are known here; the owner looks up other names, if the
 * program may use the network. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "port/wasm-port.h"
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
    struct servent known, *found;
    char buffer[1024], *end;
    unsigned long number;

    *port = 0;
    if (!service) {
        return 0;
    }
    number = strtoul(service, &end, 10);
    /* No text is the port 0, as in glibc. */
    if (!*end && number <= 65535) {
        *port = htons((in_port_t)number);
        return 0;
    }
    if (flags & AI_NUMERICSERV) {
        return EAI_NONAME;
    }
    if (getservbyname_r(service, "tcp", &known, buffer, sizeof(buffer), &found) != 0) {
        return EAI_SERVICE;
    }
    *port = (in_port_t)known.s_port;
    return 0;
}

static Answer *answer_of(const void *address, in_port_t port, int protocol)
{
    Answer *answer = calloc(1, sizeof(*answer));
    int family = ((const struct sockaddr *)address)->sa_family;

    if (!answer) {
        return NULL;
    }
    answer->info = (struct addrinfo){
        .ai_family = family, .ai_socktype = SOCK_STREAM,
        .ai_protocol = protocol ? protocol : IPPROTO_TCP,
        .ai_addr = (struct sockaddr *)&answer->address,
        .ai_addrlen = family == AF_INET ? sizeof(answer->address.four) : sizeof(answer->address.six),
    };
    memcpy(&answer->address, address, answer->info.ai_addrlen);
    /* The port is at the same place in both. */
    answer->address.four.sin_port = port;
    return answer;
}

/* The most addresses of a host that are told. */
enum { MOST_ADDRESSES = 16 };

/* Has the owner look up a name. Returns how many addresses there are, each a sockaddr, or EAI_... */
static int look_up(const char *host, int family, uint8_t addresses[MOST_ADDRESSES][HOST_ADDRESS_BYTES])
{
    HostQuery query = { .length = strlen(host), .family = (uint32_t)family };
    int n;

    if (query.length == 0 || query.length > sizeof(query.name)) {
        return EAI_NONAME;
    }
    memcpy(query.name, host, query.length);
    n = host_fd_call(HOST_RESOLVE, (intptr_t)&query, (intptr_t)addresses, MOST_ADDRESSES);
    return n > 0 ? n : n == -EAGAIN ? EAI_AGAIN : n == -ENOMEM || n == -ENFILE || n == -EMFILE ? EAI_MEMORY : n == -EIO ? EAI_FAIL : EAI_NONAME;
}

/* Reads an IPv6 address with the interface, if any, behind a %. */
static bool is_ipv6(const char *text, struct sockaddr_in6 *six)
{
    char address[INET6_ADDRSTRLEN], *end;
    size_t length = strcspn(text, "%");

    if (length >= sizeof(address)) {
        return false;
    }
    memcpy(address, text, length);
    address[length] = '\0';
    if (inet_pton(AF_INET6, address, &six->sin6_addr) != 1) {
        return false;
    }
    if (text[length] == '%') {
        const char *name = text + length + 1;
        six->sin6_scope_id = if_nametoindex(name);
        if (six->sin6_scope_id == 0) {
            six->sin6_scope_id = (uint32_t)strtoul(name, &end, 10);
            return end != name && *end == '\0';
        }
    }
    return true;
}

/* Finds the addresses of a host without asking anybody. Returns how many there are, or EAI_... */
static int known_addresses(const char *host, int family, int flags, uint8_t addresses[MOST_ADDRESSES][HOST_ADDRESS_BYTES])
{
    struct sockaddr_in four = { .sin_family = AF_INET };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
    bool is_local = !host || (!(flags & AI_NUMERICHOST) && strcmp(host, "localhost") == 0);
    bool is_any = !host && flags & AI_PASSIVE, is_four, is_six;
    int n = 0;

    if (is_local) {
        four.sin_addr.s_addr = htonl(is_any ? INADDR_ANY : INADDR_LOOPBACK);
        six.sin6_addr = is_any ? (struct in6_addr)IN6ADDR_ANY_INIT : (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
    }
    is_four = is_local || inet_aton(host, &four.sin_addr) == 1;
    is_six = is_local || is_ipv6(host, &six);
    if (is_four && !is_six && family == AF_INET6 && flags & AI_V4MAPPED) {
        uint8_t *bytes = six.sin6_addr.s6_addr;
        bytes[10] = bytes[11] = 0xff;
        memcpy(bytes + 12, &four.sin_addr, 4);
        is_six = true;
    }
    if (is_four && family != AF_INET6) {
        memcpy(addresses[n++], &four, sizeof(four));
    }
    if (is_six && family != AF_INET) {
        memcpy(addresses[n++], &six, sizeof(six));
    }
    return n > 0 ? n : is_four || is_six || flags & AI_NUMERICHOST ? EAI_NONAME : 0;
}

LIBC_WEAK
int getaddrinfo(const char *restrict host, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict result)
{
    int family = hints ? hints->ai_family : AF_UNSPEC, flags = hints ? hints->ai_flags : 0;
    int type = hints ? hints->ai_socktype : 0, ret, n;
    uint8_t addresses[MOST_ADDRESSES][HOST_ADDRESS_BYTES];
    struct addrinfo *first = NULL, **last = &first;
    in_port_t port;

    if (flags & ~(AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_V4MAPPED | AI_ALL | AI_ADDRCONFIG | AI_NUMERICSERV) ||
        (!host && flags & AI_CANONNAME)) {
        return EAI_BADFLAGS;
    }
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
    n = known_addresses(host, family, flags, addresses);
    if (n == 0) {
        n = look_up(host, family, addresses);
    }
    if (n < 0) {
        return n;
    }
    for (int i = 0; i < n; i++) {
        Answer *answer = answer_of(addresses[i], port, hints ? hints->ai_protocol : 0);
        if (!answer) {
            freeaddrinfo(first);
            return EAI_MEMORY;
        }
        *last = &answer->info;
        last = &answer->info.ai_next;
    }
    if (flags & AI_CANONNAME) {
        first->ai_canonname = host ? strdup(host) : NULL;
    }
    *result = first;
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
        bool is_local = is_four ? four->sin_addr.s_addr == htonl(INADDR_LOOPBACK) : IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
        if (is_local && !(flags & NI_NUMERICHOST)) {
            if (snprintf(host, host_size, "localhost") >= (int)host_size) {
                return EAI_OVERFLOW;
            }
        } else if (flags & NI_NAMEREQD) {
            return EAI_NONAME;
        } else if (!inet_ntop(address->sa_family, is_four ? (const void *)&four->sin_addr : &six->sin6_addr, host, host_size)) {
            return EAI_OVERFLOW;
        } else if (!is_four && six->sin6_scope_id) {
            char name[IF_NAMESIZE];
            size_t used = strlen(host);
            if (!IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr) || !if_indextoname(six->sin6_scope_id, name)) {
                snprintf(name, sizeof(name), "%u", six->sin6_scope_id);
            }
            if (snprintf(host + used, host_size - used, "%%%s", name) >= (int)(host_size - used)) {
                return EAI_OVERFLOW;
            }
        }
    }
    if (service && service_size) {
        in_port_t port = is_four ? four->sin_port : six->sin6_port;
        struct servent known, *found = NULL;
        char buffer[1024];
        if (!(flags & NI_NUMERICSERV)) {
            getservbyport_r(port, flags & NI_DGRAM ? "udp" : "tcp", &known, buffer, sizeof(buffer), &found);
        }
        if ((found ? snprintf(service, service_size, "%s", found->s_name)
                   : snprintf(service, service_size, "%u", ntohs(port))) >= (int)service_size) {
            return EAI_OVERFLOW;
        }
    }
    return 0;
}

LIBC_WEAK
const char *gai_strerror(int error)
{
    switch (error) {
    case EAI_NONAME: return "Name does not resolve (without --allow-net, only numbers and localhost do)";
    case EAI_AGAIN: return "Temporary failure in name resolution";
    case EAI_FAIL: return "Non-recoverable failure in name resolution";
    case EAI_SERVICE: return "Unrecognized service";
    case EAI_FAMILY: return "Unrecognized address family or invalid length";
    case EAI_SOCKTYPE: return "Unrecognized socket type: only SOCK_STREAM is there";
    case EAI_MEMORY: return "Out of memory";
    case EAI_BADFLAGS: return "Invalid flags";
    case EAI_OVERFLOW: return "Overflow";
    default: return "Unknown error";
    }
}
