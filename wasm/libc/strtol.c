/* SPDX-License-Identifier: MIT */
/* Integers from text. Those of libc take the x of "0x" for a part of a number that has no digits, and accept bases that there are not. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "weak.h"

static unsigned digit_of(char c)
{
    unsigned letter = ((unsigned char)c | 32u) - 'a';

    return isdigit((unsigned char)c) ? (unsigned)(c - '0') : letter < 26 ? letter + 10 : 99;
}

/* Reads a number of at most `most`, or `most` + 1 if it is negative and `is_signed`. */
static unsigned long long number(const char *text, char **end, int base, unsigned long long most, bool is_signed)
{
    const char *at = text;
    unsigned long long value = 0;
    bool negative, any = false, too_large = false;

    if (base < 0 || base == 1 || base > 36) {
        errno = EINVAL;
        return 0;
    }
    while (isspace((unsigned char)*at)) {
        at++;
    }
    negative = *at == '-';
    at += negative || *at == '+';
    if ((base == 0 || base == 16) && at[0] == '0' && (at[1] | 32) == 'x' && digit_of(at[2]) < 16) {
        at += 2;
        base = 16;
    } else if (base == 0) {
        base = *at == '0' ? 8 : 10;
    }
    most += is_signed && negative;
    for (unsigned digit; (digit = digit_of(*at)) < (unsigned)base; at++) {
        any = true;
        if (too_large || value > (most - digit) / (unsigned)base) {
            too_large = true;
        } else {
            value = value * (unsigned)base + digit;
        }
    }
    if (end) {
        *end = (char *)(any ? at : text);
    }
    if (too_large) {
        errno = ERANGE;
        return is_signed && negative ? 0 - most : most;
    }
    return negative ? 0 - value : value;
}

LIBC_WEAK
long long strtoll(const char *restrict text, char **restrict end, int base)
{
    return (long long)number(text, end, base, INT64_MAX, true);
}

LIBC_WEAK
unsigned long long strtoull(const char *restrict text, char **restrict end, int base)
{
    return number(text, end, base, UINT64_MAX, false);
}

LIBC_WEAK
long strtol(const char *restrict text, char **restrict end, int base)
{
    return (long)number(text, end, base, __LONG_MAX__, true);
}

LIBC_WEAK
unsigned long strtoul(const char *restrict text, char **restrict end, int base)
{
    return (unsigned long)number(text, end, base, __LONG_MAX__ * 2UL + 1, false);
}

LIBC_WEAK
intmax_t strtoimax(const char *restrict text, char **restrict end, int base)
{
    return strtoll(text, end, base);
}

LIBC_WEAK
uintmax_t strtoumax(const char *restrict text, char **restrict end, int base)
{
    return strtoull(text, end, base);
}
