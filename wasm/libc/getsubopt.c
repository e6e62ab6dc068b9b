/* SPDX-License-Identifier: MIT */
/* getsubopt(), which gives what it does not know as a value, for the message. Libc's gives nothing. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "weak.h"

LIBC_WEAK
int getsubopt(char **rest, char *const *names, char **value)
{
    char *option = *rest, *end = strchrnul(option, ','), *equals = memchr(option, '=', (size_t)(end - option));
    size_t length = (size_t)((equals ? equals : end) - option);

    *rest = end;
    if (*end) {
        *(*rest)++ = '\0';
    }
    for (int i = 0; names[i]; i++) {
        if (strlen(names[i]) == length && memcmp(names[i], option, length) == 0) {
            *value = equals ? equals + 1 : NULL;
            return i;
        }
    }
    *value = option;
    return -1;
}
