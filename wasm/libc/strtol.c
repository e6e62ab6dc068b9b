/* SPDX-License-Identifier: MIT */
/* Integers from text. Those of libc take the x of "0x" for a part of a number that has no digits, and accept bases that there are not. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <wchar.h>
#include <wctype.h>

#include "weak.h"

/* Text of bytes, or of wide characters. */
typedef struct {
    const char *bytes;
    const wchar_t *wide;
} Text;

static inline wint_t at(Text text, size_t i)
{
    return text.wide ? (wint_t)text.wide[i] : (unsigned char)text.bytes[i];
}

static inline bool is_space(Text text, size_t i)
{
    return text.wide ? iswspace(at(text, i)) : isspace((int)at(text, i));
}

static inline unsigned digit_of(wint_t c)
{
    unsigned letter = (c | 32u) - 'a';

    return c - '0' < 10 ? (unsigned)c - '0' : letter < 26 ? letter + 10 : 99;
}

/* Reads a number of at most `most`, or `most` + 1 if it is negative and `is_signed`. Sets *end to how far it goes, 0 if there is none; not if there is no such base. */
static inline __attribute__((always_inline)) unsigned long long number(Text text, size_t *end, int base, unsigned long long most, bool is_signed)
{
    unsigned long long value = 0;
    bool negative, any = false, too_large = false;
    size_t i = 0;

    if (base < 0 || base == 1 || base > 36) {
        errno = EINVAL;
        return 0;
    }
    while (is_space(text, i)) {
        i++;
    }
    negative = at(text, i) == '-';
    i += negative || at(text, i) == '+';
    if ((base == 0 || base == 16) && at(text, i) == '0' && (at(text, i + 1) | 32) == 'x' && digit_of(at(text, i + 2)) < 16) {
        i += 2;
        base = 16;
    } else if (base == 0) {
        base = at(text, i) == '0' ? 8 : 10;
    }
    most += is_signed && negative;
    for (unsigned digit; (digit = digit_of(at(text, i))) < (unsigned)base; i++) {
        any = true;
        if (too_large || value > (most - digit) / (unsigned)base) {
            too_large = true;
        } else {
            value = value * (unsigned)base + digit;
        }
    }
    *end = any ? i : 0;
    if (too_large) {
        errno = ERANGE;
        return is_signed && negative ? 0 - most : most;
    }
    return negative ? 0 - value : value;
}

static unsigned long long of_bytes(const char *text, char **end, int base, unsigned long long most, bool is_signed)
{
    size_t used = SIZE_MAX;
    unsigned long long value = number((Text){ .bytes = text }, &used, base, most, is_signed);

    if (end && used != SIZE_MAX) {
        *end = (char *)text + used;
    }
    return value;
}

static unsigned long long of_wide(const wchar_t *text, wchar_t **end, int base, unsigned long long most, bool is_signed)
{
    size_t used = SIZE_MAX;
    unsigned long long value = number((Text){ .wide = text }, &used, base, most, is_signed);

    if (end && used != SIZE_MAX) {
        *end = (wchar_t *)text + used;
    }
    return value;
}

/* The six functions for a kind of text. */
#define FUNCTIONS(Char, of, to_ll, to_ull, to_l, to_ul, to_imax, to_umax)          \
    LIBC_WEAK long long to_ll(const Char *restrict text, Char **restrict end, int base)          \
    {                                                                                            \
        return (long long)of(text, end, base, INT64_MAX, true);                                  \
    }                                                                                            \
    LIBC_WEAK unsigned long long to_ull(const Char *restrict text, Char **restrict end, int base) \
    {                                                                                            \
        return of(text, end, base, UINT64_MAX, false);                                           \
    }                                                                                            \
    LIBC_WEAK long to_l(const Char *restrict text, Char **restrict end, int base)                \
    {                                                                                            \
        return (long)of(text, end, base, __LONG_MAX__, true);                                    \
    }                                                                                            \
    LIBC_WEAK unsigned long to_ul(const Char *restrict text, Char **restrict end, int base)      \
    {                                                                                            \
        return (unsigned long)of(text, end, base, __LONG_MAX__ * 2UL + 1, false);                \
    }                                                                                            \
    LIBC_WEAK intmax_t to_imax(const Char *restrict text, Char **restrict end, int base)         \
    {                                                                                            \
        return to_ll(text, end, base);                                                           \
    }                                                                                            \
    LIBC_WEAK uintmax_t to_umax(const Char *restrict text, Char **restrict end, int base)        \
    {                                                                                            \
        return to_ull(text, end, base);                                                          \
    }

FUNCTIONS(char, of_bytes, strtoll, strtoull, strtol, strtoul, strtoimax, strtoumax)
FUNCTIONS(wchar_t, of_wide, wcstoll, wcstoull, wcstol, wcstoul, wcstoimax, wcstoumax)
