// SPDX-License-Identifier: MIT
/* Makes the memory grow, and counts what is right in what others have written. */
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(#name), used)) name

/* A block of that many MiB, filled with a value; 0 if there is none. */
unsigned char *EXPORT(make)(int mib, int value)
{
    size_t size = (size_t)mib << 20;
    unsigned char *block = malloc(size);

    return block ? memset(block, value, size) : NULL;
}

int EXPORT(is_filled)(unsigned char *block, int mib, int value)
{
    for (size_t at = 0; at < (size_t)mib << 20; at++) {
        if (block[at] != value) {
            return 0;
        }
    }
    return 1;
}

int main(void)
{
    return 0;
}
