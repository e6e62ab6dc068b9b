/* SPDX-License-Identifier: MIT */
/* IPv4 addresses from text and in parts. Those of libc take too large a number for the largest, and confuse the order of the parts. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>

#include "weak.h"

/* Reads one to four numbers with dots between them. Returns how many, 0 if the text is something else. Behind a space anything may follow. */
static int numbers_of(const char *text, unsigned long long numbers[4])
{
    for (int n = 0; n < 4; n++) {
        char *end;

        if (!isdigit((unsigned char)*text)) {
            return 0;
        }
        numbers[n] = strtoull(text, &end, 0);
        if (*end == '\0' || isspace((unsigned char)*end)) {
            return n + 1;
        }
        if (*end != '.') {
            return 0;
        }
        text = end + 1;
    }
    return 0;
}

/* The last number stands for all bytes that are left. */
LIBC_WEAK
int inet_aton(const char *text, struct in_addr *address)
{
    unsigned long long numbers[4], value = 0;
    int n = numbers_of(text, numbers);

    for (int i = 0; i < n; i++) {
        if (numbers[i] > (i < n - 1 ? 0xff : 0xffffffff >> 8 * (n - 1))) {
            return 0;
        }
        value |= i < n - 1 ? numbers[i] << (24 - 8 * i) : numbers[i];
    }
    if (n > 0) {
        address->s_addr = htonl((uint32_t)value);
    }
    return n > 0;
}

LIBC_WEAK
in_addr_t inet_addr(const char *text)
{
    struct in_addr address;

    return inet_aton(text, &address) ? address.s_addr : INADDR_NONE;
}

/* In the order of the host; each number is one byte. */
LIBC_WEAK
in_addr_t inet_network(const char *text)
{
    unsigned long long numbers[4];
    in_addr_t value = 0;
    int n = numbers_of(text, numbers);

    for (int i = 0; i < n; i++) {
        if (numbers[i] > 0xff) {
            return INADDR_NONE;
        }
        value = value << 8 | (in_addr_t)numbers[i];
    }
    return n > 0 ? value : INADDR_NONE;
}

/* ---- The networks of old, by the first bits: 8, 16 or 24 bits ---- */

static int host_bits(in_addr_t address)
{
    return IN_CLASSA(address) ? 24 : IN_CLASSB(address) ? 16 : 8;
}

LIBC_WEAK
in_addr_t inet_lnaof(struct in_addr address)
{
    in_addr_t value = ntohl(address.s_addr);

    return value & ((1u << host_bits(value)) - 1);
}

LIBC_WEAK
in_addr_t inet_netof(struct in_addr address)
{
    in_addr_t value = ntohl(address.s_addr);

    return value >> host_bits(value);
}

LIBC_WEAK
struct in_addr inet_makeaddr(in_addr_t network, in_addr_t host)
{
    int bits = network < 128 ? 24 : network < 65536 ? 16 : 8;

    return (struct in_addr){ htonl(network << bits | (host & ((1u << bits) - 1))) };
}
