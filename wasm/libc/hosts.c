/* SPDX-License-Identifier: MIT */
/* gethostbyname(), gethostbyaddr() and their relatives, which older programs call, by getaddrinfo(). */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "weak.h"

/* How many addresses and which names the functions that keep the result themselves have room for. */
enum { MOST = 16 };

/* A result, in memory that the caller gave. */
typedef struct {
    char *list[MOST + 1], *aliases[1];
    unsigned char addresses[MOST][sizeof(struct in6_addr)];
    char name[];
} Kept;

static int error_of(int error)
{
    return error == EAI_NONAME ? HOST_NOT_FOUND : error == EAI_AGAIN ? TRY_AGAIN : NO_RECOVERY;
}

/* Takes a result's memory out of the caller's; NULL if it is too small for this name. */
static Kept *kept_in(char *buffer, size_t size, const char *name)
{
    size_t skipped = -(uintptr_t)buffer % _Alignof(Kept);

    if (size < skipped || size - skipped < sizeof(Kept) + strlen(name) + 1) {
        return NULL;
    }
    Kept *kept = (Kept *)(void *)(buffer + skipped);
    strcpy(kept->name, name);
    kept->aliases[0] = NULL;
    return kept;
}

/* Fills in a host of n addresses. */
static void fill(struct hostent *host, Kept *kept, int family, int n)
{
    for (int i = 0; i < n; i++) {
        kept->list[i] = (char *)kept->addresses[i];
    }
    kept->list[n] = NULL;
    *host = (struct hostent){ kept->name, kept->aliases, family, family == AF_INET ? 4 : 16, kept->list };
}

/* All four of the _r functions return 0 or an errno; *error is an h_errno if there is no result. */
LIBC_WEAK
int gethostbyname2_r(const char *name, int family, struct hostent *host, char *buffer, size_t size, struct hostent **result, int *error)
{
    struct addrinfo wanted = { .ai_family = family, .ai_socktype = SOCK_STREAM }, *first;
    Kept *kept = kept_in(buffer, size, name);
    int ret, n = 0;

    *result = NULL;
    if (!kept) {
        *error = NO_RECOVERY;
        return ERANGE;
    }
    ret = getaddrinfo(name, NULL, &wanted, &first);
    if (ret) {
        *error = error_of(ret);
        return ret == EAI_AGAIN ? EAGAIN : 0;
    }
    for (struct addrinfo *info = first; info && n < MOST; info = info->ai_next, n++) {
        if (family == AF_INET) {
            memcpy(kept->addresses[n], &((struct sockaddr_in *)(void *)info->ai_addr)->sin_addr, 4);
        } else {
            memcpy(kept->addresses[n], &((struct sockaddr_in6 *)(void *)info->ai_addr)->sin6_addr, 16);
        }
    }
    freeaddrinfo(first);
    fill(host, kept, family, n);
    *result = host;
    return 0;
}

LIBC_WEAK
int gethostbyname_r(const char *name, struct hostent *host, char *buffer, size_t size, struct hostent **result, int *error)
{
    return gethostbyname2_r(name, AF_INET, host, buffer, size, result, error);
}

/* Addresses have the names that getnameinfo() gives them. */
LIBC_WEAK
int gethostbyaddr_r(const void *address, socklen_t length, int family, struct hostent *host, char *buffer, size_t size,
                    struct hostent **result, int *error)
{
    struct sockaddr_in four = { .sin_family = AF_INET };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
    char name[NI_MAXHOST];
    Kept *kept;
    int ret;

    *result = NULL;
    if (family == AF_INET && length == sizeof(four.sin_addr)) {
        memcpy(&four.sin_addr, address, length);
        ret = getnameinfo((void *)&four, sizeof(four), name, sizeof(name), NULL, 0, NI_NAMEREQD);
    } else if (family == AF_INET6 && length == sizeof(six.sin6_addr)) {
        memcpy(&six.sin6_addr, address, length);
        ret = getnameinfo((void *)&six, sizeof(six), name, sizeof(name), NULL, 0, NI_NAMEREQD);
    } else {
        *error = NO_RECOVERY;
        return EINVAL;
    }
    if (ret) {
        *error = error_of(ret);
        return 0;
    }
    kept = kept_in(buffer, size, name);
    if (!kept) {
        *error = NO_RECOVERY;
        return ERANGE;
    }
    memcpy(kept->addresses[0], address, length);
    fill(host, kept, family, 1);
    *result = host;
    return 0;
}

/* What the functions without _r return, which the next call of one overwrites. */
static struct hostent host;
static _Alignas(Kept) char text[sizeof(Kept) + NI_MAXHOST];

static struct hostent *answer(struct hostent *result, int error)
{
    if (!result) {
        h_errno = error;
    }
    return result;
}

LIBC_WEAK
struct hostent *gethostbyname2(const char *name, int family)
{
    struct hostent *result;
    int error = NO_RECOVERY;

    gethostbyname2_r(name, family, &host, text, sizeof(text), &result, &error);
    return answer(result, error);
}

LIBC_WEAK
struct hostent *gethostbyname(const char *name)
{
    return gethostbyname2(name, AF_INET);
}

LIBC_WEAK
struct hostent *gethostbyaddr(const void *address, socklen_t length, int family)
{
    struct hostent *result;
    int error = NO_RECOVERY;

    gethostbyaddr_r(address, length, family, &host, text, sizeof(text), &result, &error);
    return answer(result, error);
}
