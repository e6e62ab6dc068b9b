/* SPDX-License-Identifier: MIT */
/* The network's interfaces. A program is told of the loopback interface, which is all that it may use by default. */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "weak.h"

static const char loopback[] = "lo";

/* Two entries, one for each family, in one block with what they point to. */
typedef struct Interfaces {
    struct ifaddrs entries[2];
    struct sockaddr_in four, four_mask;
    struct sockaddr_in6 six, six_mask;
} Interfaces;

LIBC_WEAK
int getifaddrs(struct ifaddrs **result)
{
    Interfaces *all = calloc(1, sizeof(*all));

    if (!all) {
        return -1;
    }
    all->four = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    all->four_mask = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(0xff000000) } };
    all->six = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    all->six_mask = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
    memset(&all->six_mask.sin6_addr, 0xff, sizeof(all->six_mask.sin6_addr));
    for (int i = 0; i < 2; i++) {
        all->entries[i] = (struct ifaddrs){
            .ifa_next = i == 0 ? &all->entries[1] : NULL, .ifa_name = (char *)loopback, .ifa_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING,
            .ifa_addr = i == 0 ? (struct sockaddr *)&all->four : (struct sockaddr *)&all->six,
            .ifa_netmask = i == 0 ? (struct sockaddr *)&all->four_mask : (struct sockaddr *)&all->six_mask,
        };
    }
    *result = all->entries;
    return 0;
}

LIBC_WEAK
void freeifaddrs(struct ifaddrs *result)
{
    free(result);
}

LIBC_WEAK
unsigned if_nametoindex(const char *name)
{
    if (strcmp(name, loopback) != 0) {
        errno = ENODEV;
        return 0;
    }
    return 1;
}

LIBC_WEAK
char *if_indextoname(unsigned index, char *name)
{
    if (index != 1) {
        errno = ENXIO;
        return NULL;
    }
    return strcpy(name, loopback);
}

LIBC_WEAK
struct if_nameindex *if_nameindex(void)
{
    struct if_nameindex *all = calloc(2, sizeof(*all));

    if (all) {
        all[0] = (struct if_nameindex){ 1, (char *)loopback };
    }
    return all;
}

LIBC_WEAK
void if_freenameindex(struct if_nameindex *all)
{
    free(all);
}
