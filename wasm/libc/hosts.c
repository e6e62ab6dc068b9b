/* SPDX-License-Identifier: MIT */
/* gethostbyname(), which older programs call, by getaddrinfo(). */
#define _GNU_SOURCE
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "weak.h"

enum { MOST = 16 };

static int error_of(int error)
{
    return error == EAI_NONAME ? HOST_NOT_FOUND : error == EAI_AGAIN ? TRY_AGAIN : NO_RECOVERY;
}

/* The result is one of the program's, which the next call overwrites. */
LIBC_WEAK
struct hostent *gethostbyname(const char *name)
{
    static struct in_addr addresses[MOST];
    static char *list[MOST + 1], *aliases[1], known[256];
    static struct hostent host;
    struct addrinfo wanted = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *first;
    int error = getaddrinfo(name, NULL, &wanted, &first), n = 0;

    if (error) {
        h_errno = error_of(error);
        return NULL;
    }
    for (struct addrinfo *info = first; info && n < MOST; info = info->ai_next, n++) {
        addresses[n] = ((struct sockaddr_in *)(void *)info->ai_addr)->sin_addr;
        list[n] = (char *)&addresses[n];
    }
    list[n] = NULL;
    freeaddrinfo(first);
    snprintf(known, sizeof(known), "%s", name);
    host = (struct hostent){ known, aliases, AF_INET, sizeof(addresses[0]), list };
    return &host;
}
