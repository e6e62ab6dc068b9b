/* SPDX-License-Identifier: MIT */
/* Random bytes: sizes, flags, and what is refused. The bytes themselves differ from run to run, so only what must be true of them is printed. */
#include "topic.h"
#include <sys/random.h>

static unsigned char bytes[(1 << 20) + 16], again[sizeof(bytes)];

/* Whether two fillings differ, which by chance they do not once in 2 ** 64 times. */
static void sizes(void)
{
    static const size_t all[] = { 0, 1, 7, 16, 255, 256, 257, 4096, 65535, 65536, 65537, 1 << 20 };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        size_t size = all[i], untouched = 0;
        ssize_t first, second;

        memset(bytes, 0xa5, sizeof(bytes));
        memset(again, 0xa5, sizeof(again));
        first = getrandom(bytes, size, 0);
        second = getrandom(again, size, 0);
        for (size_t at = size; at < sizeof(bytes); at++) {
            untouched += bytes[at] == 0xa5;
        }
        printf("getrandom of %zu = %zd and %zd, %s, %zu bytes after it as before\n", size, first, second,
               size < 8 ? "few" : memcmp(bytes, again, size) ? "different" : "the same", untouched);
        /* The end of a long request is filled, too. */
        if (size >= 256) {
            printf("the last 8 bytes of %zu = %s\n", size, memcmp(bytes + size - 8, again + size - 8, 8) ? "different" : "the same");
        }
    }
}

static void flags(void)
{
    for (unsigned flags = 0; flags < 32; flags++) {
        errno = 0;
        printf("getrandom with flags %u = %zd", flags, getrandom(bytes, 16, flags));
        printf(" %s\n", errno_name(errno));
    }
    for (unsigned bit = 5; bit < 32; bit++) {
        errno = 0;
        printf("getrandom with bit %u = %zd", bit, getrandom(bytes, 16, 1U << bit));
        printf(" %s\n", errno_name(errno));
    }
    /* Flags are looked at before anything else. */
    errno = 0;
    printf("getrandom of nothing with flags 8 = %zd", getrandom(bytes, 0, 8));
    printf(" %s\n", errno_name(errno));
}

static void refused(void)
{
    void *volatile outside = (void *)(UINTPTR_MAX - 7);

    errno = 0;
    printf("getrandom at the end of the address space = %zd", getrandom(outside, 16, 0));
    printf(" %s\n", errno_name(errno));
    errno = 0;
    printf("getentropy of 256 = %d", getentropy(bytes, 256));
    printf(" %s\n", errno_name(errno));
    errno = 0;
    printf("getentropy of 257 = %d", getentropy(bytes, 257));
    printf(" %s\n", errno_name(errno));
}

static void topic(void)
{
    sizes();
    flags();
    refused();
}
